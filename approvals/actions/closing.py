"""A request that ends without a decision: withdrawn, expired, or bypassed."""

from __future__ import annotations

from datetime import datetime

from approvals import audit, outbox
from approvals.actions.alarms import alarm_about
from approvals.actions.base import clean_text, locked, move, open_hold, outcome_of_nothing, permit, wipe_urls
from approvals.actor import Actor
from approvals.choices import AlarmCode, NoticeCode, Verdict
from approvals.lifecycle import Action
from approvals.models import LaunchRequest

# Told to CloudFormation, whose events are English for everybody.
WITHDRAWN_BY_REQUESTER = "Withdrawn by the requester"


def withdraw(pk: int, *, actor: Actor, now: datetime, reason: str = "") -> LaunchRequest:
    """The requester gives up (CloudFormation is told to roll back), or, by the system, the stack went away."""
    reason = clean_text(reason, required=False)
    with locked(pk) as request:
        target = permit(actor, request, Action.WITHDRAW, now)
        move(request, target, now)
        event = audit.record(
            request,
            audit.Event.WITHDRAWN,
            actor=actor,
            now=now,
            texts={"reason": reason} if reason else None,
        )
        hold = open_hold(request)
        if actor.person is not None and hold is not None:
            sentence = f"{WITHDRAWN_BY_REQUESTER}: {reason}" if reason else WITHDRAWN_BY_REQUESTER
            outbox.owe_signal(request, hold, verdict=Verdict.REJECTED, reason=sentence, now=now)
        if request.is_parameter_update and hold is None:
            outcome_of_nothing(request, now)
        outbox.owe_notice(event, NoticeCode.WITHDRAWN, request, now)
        wipe_urls(request, now)
        return request


def expire(pk: int, *, actor: Actor, now: datetime) -> LaunchRequest:
    """Nobody decided in time. CloudFormation's own timer rolls the stack back; nothing is sent."""
    with locked(pk) as request:
        move(request, permit(actor, request, Action.EXPIRE, now), now)
        if request.is_parameter_update and open_hold(request) is None:
            outcome_of_nothing(request, now)
        event = audit.record(request, audit.Event.EXPIRED, actor=actor, now=now)
        outbox.owe_notice(event, NoticeCode.EXPIRED, request, now)
        wipe_urls(request, now)
        return request


def bypass(pk: int, *, actor: Actor, now: datetime, detail: str) -> LaunchRequest:
    """The wait was ended by a signal the desk did not send. Accuses nobody; alarms the administrators."""
    with locked(pk) as request:
        move(request, permit(actor, request, Action.BYPASS, now), now)
        audit.record(request, audit.Event.BYPASSED, actor=actor, now=now, texts={"detail": detail})
        alarm_about(request, AlarmCode.BYPASS, detail, actor=actor, now=now)
        wipe_urls(request, now)
        return request
