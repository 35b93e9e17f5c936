"""Reads the catalogue of one account and region into the desk's tables (aws-facts §3.2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from catalog import aws
from catalog.models import Product, Version

if TYPE_CHECKING:
    from mypy_boto3_servicecatalog.type_defs import ProductViewDetailTypeDef

# SearchProductsAsAdmin's own limit.
_PAGE = 20
_MAX_PAGES = 500


def run(now: datetime, region: str = "") -> int:
    """Read every product and its versions; returns how many products there are.

    Raises botocore's ClientError and BotoCoreError. Rows written before an error stay: each is true alone.
    """
    products = 0
    for view in _products(region):
        product = _store_product(view, now)
        _store_versions(product, region)
        products += 1
    return products


def _products(region: str) -> Iterator[ProductViewDetailTypeDef]:
    client = aws.client("servicecatalog", region)
    page: dict[str, Any] = {}
    for _ in range(_MAX_PAGES):
        answer = client.search_products_as_admin(PageSize=_PAGE, **page)
        yield from answer["ProductViewDetails"]
        if not answer.get("NextPageToken"):
            return
        page = {"PageToken": answer["NextPageToken"]}


def _store_product(view: ProductViewDetailTypeDef, now: datetime) -> Product:
    summary, arn = view["ProductViewSummary"], view.get("ProductARN", "").split(":")
    product, _ = Product.objects.update_or_create(
        product_id=summary["ProductId"],
        defaults={
            "account": arn[4] if len(arn) > 5 else "",
            "region": arn[3] if len(arn) > 5 else "",
            "name": summary.get("Name", ""),
            "owner": summary.get("Owner", ""),
            "description": summary.get("ShortDescription", ""),
            "updated_at": now,
        },
    )
    return product


def _store_versions(product: Product, region: str) -> None:
    client = aws.client("servicecatalog", region)
    # The answer carries a NextPageToken that the request cannot take: this is all there is.
    answer = client.list_provisioning_artifacts(ProductId=product.product_id)
    seen = []
    for detail in answer["ProvisioningArtifactDetails"]:
        seen.append(detail["Id"])
        Version.objects.update_or_create(
            artifact_id=detail["Id"],
            defaults={
                "product": product,
                "name": detail.get("Name", ""),
                "active": detail.get("Active", True),
                "created_at": detail.get("CreatedTime"),
            },
        )
    product.versions.exclude(artifact_id__in=seen).update(active=False)
