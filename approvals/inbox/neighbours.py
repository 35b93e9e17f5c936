"""What waits for somebody beside the request they look at: how many, the one before it and the one after it.

Invariant: one bounded query, however much waits; only what the person may decide now, in the order of their list.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from approvals import rules
from approvals.choices import HoldStatus, State
from approvals.inbox.filters import Filters
from approvals.inbox.narrowing import conditions
from approvals.inbox.tabs import Tab
from approvals.models import Hold, LaunchRequest, Membership, Stage, StageGroup, Vote
from approvals.models.requests import LaunchRequestQuerySet
from portal.accounts.models import User

MOST = 100
# What their place in the list, their name and `rules.is_own` are told from.
_FIELDS = (
    *("uuid", "deadline", "product_name", "product_id", "stack_name"),
    *("requester_id", "requester_verified", "principal_arn", "updater_arn", "typed_email"),
)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """`count`: how many others wait; of more than MOST, nobody knows how many."""

    count: int = 0
    before: LaunchRequest | None = None
    after: LaunchRequest | None = None

    @property
    def shown(self) -> str:
        return f"{MOST - 1}+" if self.count >= MOST - 1 else str(self.count)


def neighbours(person: User, filters: Filters, launch: LaunchRequest, at: datetime) -> Neighbours:
    """For a request that is not in this list, `after` is the first of it. Uses prefetched principals."""
    teams = list(Membership.objects.filter(person=person, may_decide=True).values_list("team_id", flat=True))
    if not teams:
        return Neighbours()
    rows = [row for row in _rows(person, teams, filters, at) if not rules.is_own(person, row)]
    places = [row.pk for row in rows]
    if launch.pk not in places:
        return Neighbours(len(rows), None, rows[0] if rows else None)
    here = places.index(launch.pk)
    before = rows[here - 1] if here else None
    return Neighbours(len(rows) - 1, before, rows[here + 1] if here + 1 < len(rows) else None)


def _rows(person: User, teams: list[int], filters: Filters, at: datetime) -> LaunchRequestQuerySet:
    """The soonest deadline first."""
    waiting: LaunchRequestQuerySet = LaunchRequest.objects.of_teams(teams)
    unusable = Hold.objects.filter(request=OuterRef("pk"), status=HoldStatus.UNUSABLE)
    voted = Vote.objects.filter(group__stage__request=OuterRef("pk"), group__stage__passed_at=None, person=person)
    waiting = waiting.filter(
        Exists(_turns(teams)),
        ~Exists(unusable),
        ~Exists(voted),
        *conditions(filters.on(Tab.WAITING), person, at).values(),
        state=State.PENDING,
        deadline__gt=at,
    )
    return waiting.only(*_FIELDS).order_by("deadline", "pk")[:MOST]


def _turns(teams: list[int]) -> QuerySet[StageGroup]:
    """Whether the stage whose turn it is asks one of these teams."""
    earlier = Stage.objects.filter(
        request=OuterRef("stage__request"), passed_at=None, order__lt=OuterRef("stage__order")
    )
    groups = StageGroup.objects.filter(stage__request=OuterRef("pk"), stage__passed_at=None, team__in=teams)
    return groups.filter(~Exists(earlier))
