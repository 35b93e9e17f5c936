"""Keyset paging: a page is as fast at its end as at its start, and rows that come or go shift nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Q
from django.utils.dateparse import parse_datetime

from approvals.models import LaunchRequest
from approvals.models.requests import LaunchRequestQuerySet

SIZE = 25


@dataclass(frozen=True, slots=True)
class Page:
    """`older` is the query string of the next page, empty on the last; `newer`: this is not the first."""

    rows: list[LaunchRequest]
    older: str
    newer: bool


def newest_first(requests: LaunchRequestQuerySet, cursor: str, name: str = "before") -> Page:
    """`cursor`: a request's number. Anything else shows the first page."""
    start = int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) < 19 else None
    if start is not None:
        requests = requests.filter(pk__lt=start)
    rows = list(requests.order_by("-pk")[: SIZE + 1])
    older = urlencode({name: rows[SIZE - 1].pk}) if len(rows) > SIZE else ""
    return Page(rows[:SIZE], older, start is not None)


def soonest_first(requests: LaunchRequestQuerySet, cursor: str, name: str) -> Page:
    """`cursor`: deadline and number of the last row seen."""
    if start := _deadline_and_number(cursor):
        deadline, number = start
        requests = requests.filter(Q(deadline__gt=deadline) | Q(deadline=deadline, pk__gt=number))
    rows = list(requests.order_by("deadline", "pk")[: SIZE + 1])
    last = rows[SIZE - 1] if len(rows) > SIZE else None
    older = urlencode({name: f"{last.deadline.isoformat()}~{last.pk}"}) if last and last.deadline else ""
    return Page(rows[:SIZE], older, start is not None)


def _deadline_and_number(cursor: str) -> tuple[datetime, int] | None:
    at, _, number = cursor.partition("~")
    try:
        deadline = parse_datetime(at)
        found = int(number[:18])
    except ValueError:
        return None
    return (deadline, found) if deadline and deadline.tzinfo else None
