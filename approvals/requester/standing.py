"""Where one launch stands, for the page of the request."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from approvals import rules
from approvals.choices import MessageKind, State
from approvals.lifecycle import Action
from approvals.models import LaunchRequest, Vote
from approvals.requester.advice import advice
from approvals.requester.deciders import teams_of
from approvals.requester.journey import Step, journey
from approvals.review.steps import Mark
from portal.accounts.models import User


def standing(launch: LaunchRequest, person: User, now: datetime) -> dict[str, Any]:
    """What the template parts/requester.html shows this person of a launch that may be their own: `seen` (by
    somebody who can decide), `teams` (who can decide now), `answers` (whether they may), and `advice` once it has
    ended."""
    return {
        "seen": way(launch, now)[1].mark is Mark.DONE,
        "teams": teams_of([launch], person).get(launch.pk, []) if launch.is_open else [],
        "answers": launch.state == State.NEEDS_INFO and rules.may(person, launch, Action.ANSWER, now) is None,
        "advice": advice(launch, now),
    }


def way(launch: LaunchRequest, now: datetime) -> list[Step]:
    """Its steps from the asking to its end, as the requester's lists show them."""
    return journey(launch, now, touched=launch.is_open and _touched(launch))


def _touched(launch: LaunchRequest) -> bool:
    """Somebody voted or asked, by command or by mail perhaps."""
    if launch.first_seen_at is not None:
        return True
    voted = Vote.objects.filter(group__stage__request=launch).exists()
    return voted or launch.messages.filter(kind=MessageKind.QUESTION).exists()
