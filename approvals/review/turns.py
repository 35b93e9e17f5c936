"""Whose turn it is. CloudFormation's clock runs on, whoever has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from approvals.audit import Event
from approvals.choices import State
from approvals.models import AuditEvent, LaunchRequest


@dataclass(frozen=True, slots=True)
class Turn:
    """`of_requester`: whether the desk waits for the requester, else the requester for the desk."""

    of_requester: bool
    since: datetime


def turn(launch: LaunchRequest, events: Iterable[AuditEvent]) -> Turn | None:
    """None for a request that is closed. `events`: its trail, oldest first."""
    if not launch.is_open:
        return None
    since, asked = launch.opened_at, False
    for event in events:
        # A second question gives no more time: the turn began with the first one that is unanswered.
        if event.code == Event.ASKED and not asked:
            asked, since = True, event.at
        elif event.code == Event.ANSWERED:
            asked, since = False, event.at
    return Turn(launch.state == State.NEEDS_INFO, since)
