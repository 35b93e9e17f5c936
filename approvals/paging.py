"""Keyset paging: a page is as fast at its end as at its start, and rows that come or go shift nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, Q, QuerySet
from django.utils.dateparse import parse_datetime

from approvals.models import LaunchRequest
from approvals.models.requests import LaunchRequestQuerySet
from catalog.models import Product

SIZE = 25
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """`older` is the query string of the next page, empty on the last; `newer`: this is not the first."""

    rows: list[Row]
    older: str
    newer: bool


def newest_first(
    requests: LaunchRequestQuerySet, cursor: str, name: str = "before", **kept: str
) -> Page[LaunchRequest]:
    """`cursor`: a request's number. Anything else shows the first page. `kept` goes into the query string of the
    next page."""
    start = _number(cursor)
    if start is not None:
        requests = requests.filter(pk__lt=start)
    rows = list(requests.order_by("-pk")[: SIZE + 1])
    older = urlencode({**kept, name: rows[SIZE - 1].pk}) if len(rows) > SIZE else ""
    return Page(rows[:SIZE], older, start is not None)


def soonest_first(
    requests: LaunchRequestQuerySet, cursor: str, name: str, *, size: int, **kept: str
) -> Page[LaunchRequest]:
    """`cursor`: deadline and number of the last row seen."""
    if start := _deadline_and_number(cursor):
        deadline, number = start
        requests = requests.filter(Q(deadline__gt=deadline) | Q(deadline=deadline, pk__gt=number))
    rows = list(requests.order_by("deadline", "pk")[: size + 1])
    last = rows[size - 1] if len(rows) > size else None
    cut = f"{last.deadline.isoformat()}~{last.pk}" if last and last.deadline else ""
    older = urlencode({**kept, name: cut}) if cut else ""
    return Page(rows[:size], older, start is not None)


def by_risk(products: QuerySet[Product], cursor: str, **kept: str) -> Page[Product]:
    """The gravest first, then by name. `cursor`: number of the last row seen; `kept` goes into the query string of
    the next page."""
    start = Product.objects.filter(pk=_number(cursor) or 0).values_list("risk", "name", "pk").first()
    if start:
        risk, name, number = start
        same = Q(risk=risk, name__gt=name) | Q(risk=risk, name=name, pk__gt=number)
        products = products.filter(Q(risk__gt=risk) | same)
    rows = list(products.order_by("risk", "name", "pk")[: SIZE + 1])
    older = urlencode({**kept, "after": rows[SIZE - 1].pk}) if len(rows) > SIZE else ""
    return Page(rows[:SIZE], older, start is not None)


def _number(cursor: str) -> int | None:
    return int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) < 19 else None


def _deadline_and_number(cursor: str) -> tuple[datetime, int] | None:
    at, _, number = cursor.partition("~")
    try:
        deadline = parse_datetime(at)
        found = int(number[:18])
        return (deadline.astimezone(UTC), found) if deadline and deadline.tzinfo else None
    except (ValueError, OverflowError):
        return None
