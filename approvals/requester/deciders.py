"""Who can decide on a person's launches now, by name, for many launches with few queries."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, F, Window
from django.db.models.functions import RowNumber

from approvals import rules
from approvals.models import LaunchRequest, Membership, StageGroup
from portal.accounts.models import User

SHOWN = 4


@dataclass(frozen=True, slots=True)
class Team:
    """`others`: how many more may decide than are named."""

    name: str
    people: tuple[User, ...]
    others: int

    @property
    def is_empty(self) -> bool:
        return not self.people and not self.others


def teams_of(launches: Collection[LaunchRequest], person: User) -> dict[int, list[Team]]:
    """Request → the teams whose turn it is. `person` asks, so is not named. Three queries, however many."""
    turns = _turns(launches)
    members = _members({group.team_id for groups in turns.values() for group in groups}, person)
    by_key = {launch.pk: launch for launch in launches}
    return {
        pk: [_team(group, members.get(group.team_id, []), by_key[pk]) for group in groups]
        for pk, groups in turns.items()
    }


def _turns(launches: Collection[LaunchRequest]) -> dict[int, list[StageGroup]]:
    """Of each request the groups of the first stage that has not passed."""
    groups = StageGroup.objects.filter(stage__request__in=launches, stage__passed_at__isnull=True)
    found: dict[int, list[StageGroup]] = {}
    for group in groups.select_related("stage").order_by("stage__request", "stage__order", "pk"):
        known = found.setdefault(group.stage.request_id, [])
        if not known or known[0].stage_id == group.stage_id:
            known.append(group)
    return found


def _members(teams: set[int], person: User) -> dict[int, list[Membership]]:
    order = [F("person__name").asc(), F("person__email").asc()]
    members = (
        Membership.objects.filter(team__in=teams, may_decide=True, person__is_active=True)
        .exclude(person=person)
        .annotate(
            place=Window(RowNumber(), partition_by="team", order_by=order),
            size=Window(Count("pk"), partition_by="team"),
        )
        .filter(place__lte=SHOWN + 1)
    )
    found: dict[int, list[Membership]] = {}
    for member in members.select_related("person").prefetch_related("person__principals").order_by("team", "place"):
        found.setdefault(member.team_id, []).append(member)
    return found


def _team(group: StageGroup, members: list[Membership], launch: LaunchRequest) -> Team:
    may = [member.person for member in members if not rules.is_own(member.person, launch)]
    size: int = getattr(members[0], "size", 0) if members else 0
    people = tuple(may[:SHOWN])
    return Team(group.team_name, people, size - (len(members) - len(may)) - len(people))
