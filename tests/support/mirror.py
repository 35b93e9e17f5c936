"""A catalogue in an account of the sandbox of its own, and the desk as one that reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import Model

from catalog import aws, places
from catalog.models import Constraint, Offer, Place, Portfolio, Product, SyncRun, Template, Version
from catalog.sync.reading import Reader
from catalog.sync.trouble import Trouble
from portal.clock import now


def forget_clients() -> None:
    aws.own_account.cache_clear()
    aws._client.cache_clear()
    aws._reading.cache_clear()


def watched() -> Place:
    """The desk's own place."""
    places.ensure(now())
    return Place.objects.get()


class Killed(BaseException):
    """The worker dies: nothing that it might still want to write is written."""


@contextmanager
def calls(before: Callable[[int, str], None] | None = None) -> Iterator[list[str]]:
    """The operations that are asked for, in order; `before` is told each one's number and name and may raise."""
    asked: list[str] = []
    real = Reader.ask

    def ask(reader: Reader, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        asked.append(operation)
        if before is not None:
            before(len(asked), operation)
        return real(reader, service, operation, **arguments)

    Reader.ask = ask  # type: ignore[method-assign, assignment]
    try:
        yield asked
    finally:
        Reader.ask = real  # type: ignore[method-assign]


def dies_at(number: int) -> Callable[[int, str], None]:
    def before(count: int, _operation: str) -> None:
        if count >= number:
            raise Killed

    return before


def fails(operation: str, trouble: Trouble) -> Callable[[int, str], None]:
    def before(_count: int, asked: str) -> None:
        if asked == operation:
            raise trouble

    return before


def mirrored() -> dict[str, Any]:
    """All that the tables say of the catalogue, without ids and times of our own."""
    return {
        "portfolios": sorted(
            (one.portfolio_id, one.name, one.shared, one.removed_at is None) for one in Portfolio.objects.all()
        ),
        "products": sorted(
            (one.product_id, one.name, one.engine, one.removed_at is None) for one in Product.objects.all()
        ),
        "offers": sorted(
            (one.portfolio.portfolio_id, one.product.product_id, one.removed_at is None)
            for one in Offer.objects.select_related("portfolio", "product")
        ),
        "versions": sorted(
            (
                one.artifact_id,
                one.product.product_id,
                one.name,
                one.active,
                one.guidance,
                one.removed_at is None,
                one.template.sha256 if one.template else "",
                one.template_unread,
            )
            for one in Version.objects.select_related("product", "template")
        ),
        "constraints": sorted(
            (one.constraint_id, one.type, one.role_arn, one.role_name, str(one.parameters), one.removed_at is None)
            for one in Constraint.objects.all()
        ),
        "templates": sorted((one.sha256, one.body, one.size) for one in Template.objects.all()),
    }


_MODELS: tuple[type[Model], ...] = (Place, SyncRun, Template, Portfolio, Product, Version, Offer, Constraint)


def wipe() -> None:
    """All rows, whatever else might point at them."""
    with connection.cursor() as cursor:
        for model in reversed(_MODELS):
            cursor.execute(f"DELETE FROM {model._meta.db_table}")  # noqa: S608 - a table's name of our own


def taken() -> list[list[Model]]:
    """All rows, for `put_back`."""
    return [list(model._default_manager.all()) for model in _MODELS]


def put_back(rows: list[list[Model]]) -> None:
    wipe()
    for model, kept in zip(_MODELS, rows, strict=True):
        model._default_manager.bulk_create(kept)
