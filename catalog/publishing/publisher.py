"""Acting as the role that publishes: the only way publishing asks AWS."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from catalog import aws
from catalog.models import Product
from catalog.sync.reading import Reader
from catalog.sync.trouble import Trouble


def is_on() -> bool:
    return bool(settings.GATEHOUSE_PUBLISHER_ROLE and settings.GATEHOUSE_TEMPLATE_BUCKET)


def account() -> str:
    """The account whose products can be published; empty while publishing is off."""
    parts = settings.GATEHOUSE_PUBLISHER_ROLE.split(":")
    return parts[4] if len(parts) > 5 else ""


class Publisher(Reader):
    """In the region of a product; S3 in that of the desk's bucket. Raises Trouble while publishing is off."""

    def __init__(self, product: Product) -> None:
        if not is_on():
            raise Trouble("off")
        if product.place is None:
            raise Trouble("unwatched")
        super().__init__(product.place)

    def client(self, service: str) -> Any:
        return aws.client_as_publisher(service, aws.own_region() if service == "s3" else self.place.region)
