"""From filters to rows: what of all that somebody may see a list holds, and how much that is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q

from approvals.actions.claiming import claimed, unclaimed
from approvals.inbox.filters import Filters
from approvals.inbox.searching import search
from approvals.inbox.tabs import Tab
from approvals.models import LaunchRequest
from approvals.models.requests import LaunchRequestQuerySet
from portal.accounts.models import User

# More than this is shown as "1,000+".
MOST_COUNTED = 1000
_SPANS = {
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
# Requests get their numbers in the order in which they are opened, but for some that are opened at the same moment.
_AT_ONCE = 100


def conditions(filters: Filters, person: User, now: datetime) -> dict[str, Q]:
    """What each filter asks of a row, by the filter's name. `person`: who looks at the list."""
    return {name: _condition(name, value, filters, person, now) for name, value in filters.values.items()}


def counted(requests: LaunchRequestQuerySet, filters: Filters, asked: dict[str, Q]) -> dict[Tab, int]:
    """How many the filters leave over in each tab, in one query that counts no further than it is shown."""
    counts: list[str] = []
    params: list[Any] = []
    for tab in Tab:
        kept = [asked[name] for name in filters.on(tab).values]
        rows = requests.filter(tab.where, *kept).order_by().values("pk")[: MOST_COUNTED + 1]
        sql, given = rows.query.sql_with_params()
        counts.append(f"(SELECT count(*) FROM ({sql}) AS counted)")  # noqa: S608 - Django wrote it, values apart
        params += given
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(counts)}", params)
        return dict(zip(Tab, cursor.fetchone() or (), strict=True))


def _condition(name: str, value: str, filters: Filters, person: User, now: datetime) -> Q:
    if name == "q":
        return search(value) or Q()
    if name == "age":
        return _age(value, now)
    if name == "taken":
        return claimed(now, by=person) if value == "me" else unclaimed(now)
    if name == "requester":
        return Q(requester=filters.requester)
    if name == "risk":
        return Q(risk="" if value == "unread" else value)
    column = {"product": "product_id", "portfolio": "portfolio_id"}.get(name, name)
    return Q(**{column: value})


def _age(value: str, now: datetime) -> Q:
    """Older ones are bounded by their number as well: a list by number would read through all younger ones first."""
    start = now - _SPANS[value.removeprefix("over-")]
    if not value.startswith("over-"):
        return Q(opened_at__gte=start)
    before = LaunchRequest.objects.filter(opened_at__lt=start).order_by("-opened_at")
    last = max(before.values_list("pk", flat=True)[:_AT_ONCE], default=0)
    return Q(opened_at__lt=start, pk__lte=last)
