"""What CloudFormation did, as observed. Nothing here decides; late or repeated observations change nothing."""

from __future__ import annotations

from datetime import datetime

from approvals import audit, outbox
from approvals.actions.base import locked
from approvals.actor import Actor
from approvals.choices import HoldStatus, NoticeCode, Outcome
from approvals.lifecycle import outcome_moves
from approvals.models import LaunchRequest, Pass

_ENDS = (Outcome.LAUNCHED, Outcome.FAILED, Outcome.ROLLED_BACK)


def end_hold(pk: int, *, actor: Actor, now: datetime) -> LaunchRequest:
    """CloudFormation no longer waits, for whatever reason."""
    with locked(pk) as request:
        _end_hold(request, actor, now)
        return request


def record_outcome(
    pk: int, outcome: Outcome, *, actor: Actor, now: datetime, stack_status: str = "", reason: str = ""
) -> LaunchRequest:
    """Move the outcome axis forward. Anything past *waiting* also ends the hold."""
    with locked(pk) as request:
        if not outcome_moves(Outcome(request.outcome), outcome):
            return request
        request.outcome, request.outcome_at = outcome, now
        request.stack_status = stack_status or request.stack_status
        request.stack_reason = reason or request.stack_reason
        request.save(update_fields=["outcome", "outcome_at", "stack_status", "stack_reason"])
        _end_hold(request, actor, now)
        if outcome is Outcome.LAUNCHED:
            Pass.objects.filter(request=request, used_at=None).update(used_at=now)
        event = audit.record(
            request,
            audit.Event.OUTCOME,
            actor=actor,
            now=now,
            params={"outcome": outcome.value, "stack_status": stack_status},
        )
        if outcome in _ENDS:
            outbox.owe_notice(event, NoticeCode.ENDED, request, now)
        return request


def _end_hold(request: LaunchRequest, actor: Actor, now: datetime) -> None:
    ended = request.holds.filter(status=HoldStatus.OPEN).update(status=HoldStatus.ENDED, ended_at=now)
    if ended and request.is_parameter_update and request.is_open:
        request.deadline = request.update_ends_at
        request.save(update_fields=["deadline"])
    if ended:
        audit.record(request, audit.Event.HOLD_ENDED, actor=actor, now=now)
