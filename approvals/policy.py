"""Who has to agree. Routing makes stages and groups for a request; the tally is a pure function over votes.

Today there is one policy: one stage, the default team, quorum 1. Stages, groups, quorum and denials are already
what the tally works on, so a richer policy only changes `route`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from approvals.choices import Verdict
from approvals.models import LaunchRequest, Stage, StageGroup, Team
from portal.accounts.models import User

VERSION = "single-stage/1"


@dataclass(frozen=True, slots=True)
class Ballot:
    """One group's rule and the votes cast so far."""

    quorum: int
    denials: int
    votes: tuple[Verdict, ...]


def tally(ballots: Iterable[Ballot]) -> Verdict | None:
    """The verdict of one stage, or None while it is open.

    One group's denials reject the stage; every group's quorum is needed to approve it. A stage without groups
    never approves: an empty policy fails closed.
    """
    groups = list(ballots)
    if any(group.votes.count(Verdict.REJECTED) >= group.denials for group in groups):
        return Verdict.REJECTED
    if groups and all(group.votes.count(Verdict.APPROVED) >= group.quorum for group in groups):
        return Verdict.APPROVED
    return None


def route(request: LaunchRequest) -> None:
    """Give a new request its stages and say why, in `policy_trace`. The request is not saved here."""
    team, _ = Team.objects.get_or_create(is_default=True, defaults={"name": "Approvers"})
    stage = Stage.objects.create(request=request, order=1)
    StageGroup.objects.create(stage=stage, team=team, team_name=team.name)
    request.policy_version = VERSION
    request.policy_trace = [{"rule": "default", "team": team.pk, "stage": 1, "quorum": 1}]


def current_stage(request: LaunchRequest) -> Stage | None:
    """The first stage that has not passed."""
    return request.stages.filter(passed_at__isnull=True).order_by("order").first()


def verdict_of(stage: Stage) -> Verdict | None:
    return tally(
        Ballot(group.quorum, group.denials, tuple(Verdict(vote.verdict) for vote in group.votes.all()))
        for group in stage.groups.prefetch_related("votes")
    )


def deciders() -> list[tuple[Team, list[User]]]:
    """Who would be asked about a launch now: each team with those in it who may decide."""
    teams = Team.objects.filter(is_default=True)
    people = User.objects.filter(is_active=True).order_by("name", "email")
    return [(team, list(people.filter(memberships__team=team, memberships__may_decide=True))) for team in teams]
