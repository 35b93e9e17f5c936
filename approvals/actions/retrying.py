"""An update of parameters that is tried again, and the pass that lets it through.

CloudFormation waits an hour at most for the answer of a custom resource (aws-facts §2), people may take longer.
So an update that nobody decided in time is answered "asked, retry when granted" (`lapse`) and its request stays
open; the same update, tried again, is held by the same request, or let through by the pass that was granted
meanwhile. A pass is good for the very fingerprint it was granted for, until it has served once or its time is up.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext_noop

from approvals import audit, outbox
from approvals.actions.alarms import alarm_about
from approvals.actions.base import hold_of, locked, open_hold, permit
from approvals.actor import Actor
from approvals.choices import AlarmCode, HoldKind, HoldStatus, NoticeCode, Outcome, SignalStatus, Verdict
from approvals.facts import HoldFacts, LaunchFacts
from approvals.lifecycle import Action
from approvals.models import Hold, LaunchRequest, Pass, Signal

LAPSED = gettext_noop("Approval asked. Retry this update when it is granted.")
TWO_AT_ONCE = gettext_noop(
    "Two updates of this stack are held at once, which CloudFormation does not do: one of them may be forged."
)


def grant(request: LaunchRequest, now: datetime) -> Pass:
    """Inside the transaction of the approval."""
    return Pass.objects.create(
        request=request,
        fingerprint=request.fingerprint,
        valid_until=now + timedelta(hours=settings.GATEHOUSE_PASS_HOURS),
    )


def again(
    request: LaunchRequest, facts: LaunchFacts, hold: HoldFacts, *, actor: Actor, now: datetime
) -> LaunchRequest | None:
    """Hold the same update once more, under the lock of its request; None when it has to be asked for anew."""
    granted: Pass | None = getattr(request, "granted_pass", None)
    passes = granted is not None and granted.holds(now)
    if not (request.is_open or passes):
        return None
    still_held = request.holds.filter(status=HoldStatus.OPEN, deadline__gt=now, signal=None).exists()
    request.holds.filter(status=HoldStatus.OPEN).update(status=HoldStatus.ENDED, ended_at=now)
    kept = hold_of(request, hold, now)
    request.outcome, request.outcome_at, request.stack_facts = Outcome.WAITING, None, facts.stack
    request.followed_at, request.deadline = None, kept.deadline
    request.save(update_fields=["outcome", "outcome_at", "stack_facts", "followed_at", "deadline"])
    audit.record(request, audit.Event.RETRIED, actor=actor, now=now, params={"message": facts.message_id})
    if passes and kept.status == HoldStatus.OPEN:
        audit.record(request, audit.Event.LET_THROUGH, actor=actor, now=now)
        outbox.owe_signal(request, kept, verdict=Verdict.APPROVED, reason=request.decision.reason, now=now)
    if kept.status == HoldStatus.UNUSABLE:
        alarm_about(request, AlarmCode.UNUSABLE_HOLD, kept.unusable_reason, actor=actor, now=now)
    if still_held:
        alarm_about(request, AlarmCode.FACTS_CHANGED, TWO_AT_ONCE, actor=actor, now=now)
    return request


def lapse(pk: int, *, actor: Actor, now: datetime) -> LaunchRequest:
    """Answer an update whose hour is over; the request stays open and what is granted later is a pass."""
    with locked(pk) as request:
        permit(actor, request, Action.LAPSE, now)
        hold = open_hold(request)
        if hold is None or not hold.is_update or hold.deadline > now:
            return request
        hold.status, hold.ended_at = HoldStatus.LAPSED, now
        hold.save(update_fields=["status", "ended_at"])
        request.deadline = request.update_ends_at
        request.save(update_fields=["deadline"])
        event = audit.record(request, audit.Event.LAPSED, actor=actor, now=now)
        outbox.owe_signal(request, hold, verdict=Verdict.REJECTED, reason=LAPSED, now=now)
        outbox.owe_notice(event, NoticeCode.LAPSED, request, now)
        return request


def spend_served(request: LaunchRequest, now: datetime) -> None:
    """A new update shows that the ones before are over, also where no word of their end came: what has let one
    through and was not seen to be rolled back has served."""
    served = Signal.objects.filter(
        request__stack_id=request.stack_id,
        request__gate=request.gate,
        request__outcome__in=(Outcome.WAITING, Outcome.RELEASED),
        verdict=Verdict.APPROVED,
        status=SignalStatus.STORED,
    ).exclude(request=request)
    Pass.objects.filter(used_at=None, request__in=served.values("request")).update(used_at=now)


def warn_of_two(request: LaunchRequest, *, actor: Actor, now: datetime) -> None:
    """CloudFormation updates a stack once at a time. Inside the caller's transaction."""
    others = Hold.objects.filter(
        kind=HoldKind.RESPONSE,
        status=HoldStatus.OPEN,
        signal=None,
        deadline__gt=now,
        request__stack_id=request.stack_id,
    ).exclude(request=request)
    if others.filter(request__gate=request.gate).exists():
        alarm_about(request, AlarmCode.FACTS_CHANGED, TWO_AT_ONCE, actor=actor, now=now)
