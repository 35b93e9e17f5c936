"""Who may decide on a request, team by team, and why these."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from approvals import rules
from approvals.choices import Verdict
from approvals.errors import Why
from approvals.lifecycle import Action
from approvals.models import LaunchRequest, Membership, StageGroup
from portal.accounts.models import User
from portal.phrases import joined

SHOWN = 12


@dataclass(frozen=True, slots=True)
class Group:
    """`people` without whoever may not decide on this very launch; `others`: how many more than are shown."""

    name: str
    people: list[User]
    others: int
    needs: str
    turn: bool


def groups(launch: LaunchRequest) -> list[Group]:
    """In the order in which they are asked. The requester is in no list, whatever team they are in."""
    asked = list(
        StageGroup.objects.filter(stage__request=launch)
        .select_related("stage")
        .prefetch_related("votes")
        .order_by("stage__order", "pk")
    )
    people = _people(launch, {group.team_id for group in asked})
    current = next((group.stage_id for group in asked if group.stage.passed_at is None), None)
    return [
        Group(
            group.team_name,
            people[group.team_id][:SHOWN],
            max(len(people[group.team_id]) - SHOWN, 0),
            _needs(group),
            launch.is_open and group.stage_id == current,
        )
        for group in asked
    ]


def why_not(launch: LaunchRequest, person: User, asked: list[Group], now: datetime) -> str:
    """Why this person cannot decide on a request that waits. Empty where the page says so already, or nothing waits."""
    why = rules.may(person, launch, Action.REJECT, now) if launch.is_open else None
    if why is Why.NOT_ALLOWED:
        teams = joined(group.name for group in asked if group.turn)
        said = _("You cannot decide on this: you are not among those who decide in %(teams)s.")
        return said % {"teams": teams} if teams else ""
    if why is Why.ALREADY_VOTED:
        return _("You have given your vote; others have to give theirs.")
    return str(rules.refusal(why, launch).sentence) if why is Why.DEADLINE_PASSED else ""


def _people(launch: LaunchRequest, teams: set[int]) -> dict[int, list[User]]:
    found: dict[int, list[User]] = defaultdict(list)
    members = Membership.objects.filter(team__in=teams, may_decide=True, person__is_active=True)
    members = members.select_related("person").prefetch_related("person__principals")
    for member in members.order_by("person__name", "person__email"):
        if not rules.is_own(member.person, launch):
            found[member.team_id].append(member.person)
    return found


def _needs(group: StageGroup) -> str:
    given = sum(vote.verdict == Verdict.APPROVED for vote in group.votes.all())
    if group.quorum == 1:
        return _("One approval is enough.")
    return _("%(given)d of %(needed)d approvals") % {"given": given, "needed": group.quorum}


def why(launch: LaunchRequest) -> list[str]:
    """Why these teams: what the policy wrote down when the request arrived."""
    return [_RULES.get(one.get("rule", ""), _other)(one) for one in launch.policy_trace if isinstance(one, dict)]


def _default(_rule: dict[str, object]) -> str:
    return _("No rule sends this launch elsewhere, so the default team is asked.")


def _other(rule: dict[str, object]) -> str:
    return _("The rule “%(rule)s” sends it there.") % {"rule": rule.get("rule", "?")}


_RULES = {"default": _default}
