"""A catalogue as the mirror would have left it, made row by row."""

from __future__ import annotations

import hashlib
import itertools
from datetime import datetime, timedelta
from typing import Any

from catalog.coverage import covering
from catalog.gating import Options, gate
from catalog.models import Constraint, Offer, Place, Portfolio, Product, SyncRun, Template, Version
from catalog.models.places import Result
from portal.clock import now

_numbers = itertools.count(1)
ACCOUNT, REGION = "111122223333", "us-east-1"
QUEUE = """\
Parameters:
  Size:
    Type: String
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Ref Size
"""


def gated(text: str = QUEUE, **options: Any) -> str:
    made = gate(text.encode(), Options(**options))
    assert made.output is not None, made.reason
    return made.output.decode()


def place(account: str = ACCOUNT, region: str = REGION) -> Place:
    """Watched, and read a moment ago."""
    at = now()
    found, made = Place.objects.get_or_create(
        account=account, region=region, defaults={"created_at": at, "next_at": at + timedelta(hours=1)}
    )
    if made:
        read(found, at - timedelta(seconds=1))
    return found


def read(where: Place, at: datetime) -> SyncRun:
    return SyncRun.objects.create(
        place=where, started_at=at, finished_at=at, renew_before=at, result=Result.DONE, phase="templates"
    )


def product(name: str = "Queue", where: Place | None = None, **fields: Any) -> Product:
    where = where or place()
    return Product.objects.create(
        product_id=fields.pop("product_id", f"prod-{next(_numbers):013d}"),
        place=where,
        account=where.account,
        region=where.region,
        name=name,
        updated_at=now(),
        versions_in=fields.pop("versions_in", 1),
        **fields,
    )


def version(of: Product, text: str = "", name: str = "v1", **fields: Any) -> Version:
    """Without text its template could not be read."""
    return Version.objects.create(
        product=of,
        artifact_id=f"pa-{next(_numbers):013d}",
        name=name,
        template=template(text) if text else None,
        **fields,
    )


def template(text: str) -> Template:
    data = text.encode()
    found, _ = Template.objects.get_or_create(
        sha256=hashlib.sha256(data).hexdigest(), defaults={"body": text, "size": len(data), "first_read_at": now()}
    )
    return found


def offer(of: Product, name: str = "Platform", role: str = "") -> Portfolio:
    """In a portfolio, with a launch role where one is named."""
    assert of.place is not None
    portfolio, _ = Portfolio.objects.get_or_create(
        place=of.place, portfolio_id=f"port-{name.lower()}", defaults={"name": name}
    )
    Offer.objects.create(portfolio=portfolio, product=of)
    if role:
        Constraint.objects.create(
            place=of.place,
            constraint_id=f"cons-{next(_numbers)}",
            portfolio=portfolio,
            product=of,
            type=Constraint.LAUNCH,
            role_arn=role,
            read_at=now(),
        )
    return portfolio


def covered(seconds: float = 30.0) -> None:
    covering.cover(now(), seconds)
