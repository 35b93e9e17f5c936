"""One page of the inbox: the rows of a tab, and how many stand in each tab."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.db.models import Exists, OuterRef

from approvals.actions.claiming import claimant
from approvals.choices import HoldStatus, State
from approvals.inbox.filters import Filters
from approvals.inbox.narrowing import conditions, counted
from approvals.inbox.tabs import Tab
from approvals.models import Hold, LaunchRequest
from approvals.models.requests import LaunchRequestQuerySet
from approvals.paging import Page, newest_first, soonest_first
from approvals.review import sensitivity
from portal.accounts.models import User

# As many as are decided on at once (approvals.inbox.bulk.MOST).
WAITING = 50


@dataclass(frozen=True, slots=True)
class Listing:
    """`pages`: what waits for a decision and what for an answer, or the one page of another tab. `cursors` are
    those of the URL, by their names."""

    filters: Filters
    cursors: Mapping[str, str]
    pages: tuple[Page[LaunchRequest], ...]
    counts: Mapping[Tab, int]
    at: datetime

    @property
    def is_empty(self) -> bool:
        return not any(page.rows or page.newer for page in self.pages)

    @property
    def token(self) -> str:
        """Another one when the list says something else. That a minute has passed, the page shows by itself."""
        rows = [[_said(row, self.at) for row in page.rows] for page in self.pages]
        ends = [(page.older, page.newer) for page in self.pages]
        return sha256(repr((rows, ends, sorted(self.counts.items()))).encode()).hexdigest()[:16]


def listing(
    person: User, seen: LaunchRequestQuerySet, filters: Filters, cursors: Mapping[str, str], at: datetime
) -> Listing:
    """`seen`: all that the person may see."""
    unusable = Hold.objects.filter(request=OuterRef("pk"), status=HoldStatus.UNUSABLE)
    shown = (
        seen.listed()
        .select_related("requester", "claimed_by")
        .annotate(is_unusable=Exists(unusable), is_sensitive=sensitivity.is_marked())
    )
    asked = conditions(filters, person, at)
    rows = shown.filter(filters.tab.where, *asked.values())
    return Listing(filters, cursors, _pages(rows, filters, cursors), counted(seen, filters, asked), at)


def _pages(
    rows: LaunchRequestQuerySet, filters: Filters, cursors: Mapping[str, str]
) -> tuple[Page[LaunchRequest], ...]:
    if filters.tab is not Tab.WAITING:
        return (newest_first(rows, cursors.get("before", ""), **_kept(filters)),)
    return (
        _waiting(rows.filter(state=State.PENDING), cursors, "after", filters),
        _waiting(rows.filter(state=State.NEEDS_INFO), cursors, "asked_after", filters),
    )


def _waiting(
    rows: LaunchRequestQuerySet, cursors: Mapping[str, str], name: str, filters: Filters
) -> Page[LaunchRequest]:
    return soonest_first(rows, cursors.get(name, ""), name, size=WAITING, **_kept(filters))


def _kept(filters: Filters) -> dict[str, str]:
    tab = {} if filters.tab is Tab.WAITING else {"tab": filters.tab.value}
    return {**tab, **filters.values}


def _said(row: LaunchRequest, at: datetime) -> tuple[object, ...]:
    claimed = claimant(row, at)
    names = (row.title, row.version_name, row.provisioned_product_name, row.requester_label)
    marks: tuple[object, ...] = (
        *(row.risk, row.requester_verified, claimed and claimed.pk),
        *(getattr(row, name, False) for name in ("is_sensitive", "is_unusable")),
    )
    return (row.pk, row.state, row.outcome, row.deadline, *marks, *names)
