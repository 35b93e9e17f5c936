"""What the desk owes the world, as rows.

Invariant: a debt (Signal, Notice) is written in the same transaction as the fact it follows from, so
there is never one without the other. Celery messages are only hints that rows wait; a lost hint costs
the two seconds until the next sweep, never a signal.
"""

from __future__ import annotations

import secrets
import string
from datetime import datetime

from django.db import transaction

from approvals import audit, hints
from approvals.actor import Actor
from approvals.choices import NoticeCode, SignalStatus, Verdict
from approvals.errors import Refused, Why
from approvals.models import AuditEvent, Hold, LaunchRequest, Notice, Signal, TemplateReading

_ALPHABET = string.ascii_letters + string.digits


def unique_id() -> str:
    """Unguessable (155 bits) and legal as a UniqueId: alphanumeric and '-', ≤ 64 (aws-facts §1.3)."""
    return "gh-" + "".join(secrets.choice(_ALPHABET) for _ in range(26))


def owe_signal(request: LaunchRequest, hold: Hold, *, verdict: Verdict, reason: str, now: datetime) -> Signal:
    """One signal per hold; a second one for the same hold is an IntegrityError.

    The caller holds the request's row lock. `request.signal` is written here as well.
    """
    _must_be_atomic()
    signal = Signal.objects.create(
        hold=hold,
        request=request,
        verdict=verdict,
        reason=reason,
        unique_id=unique_id(),
        status=SignalStatus.QUEUED,
        next_attempt_at=now,
        created_at=now,
    )
    request.signal = SignalStatus.QUEUED
    request.save(update_fields=["signal"])
    hint_on_commit(hints.Hint.SIGNALS)
    return signal


def owe_notice(event: AuditEvent, code: NoticeCode, request: LaunchRequest | None, now: datetime) -> Notice:
    """One happening people are told about; a worker turns it into a Delivery per person and channel."""
    _must_be_atomic()
    notice = Notice.objects.create(event=event, code=code, request=request, created_at=now)
    hint_on_commit(hints.Hint.DELIVERIES)
    return notice


def owe_reading(request: LaunchRequest, now: datetime) -> TemplateReading:
    """The template of a launch, for the people who decide; a worker reads it (approvals.asked)."""
    _must_be_atomic()
    reading = TemplateReading.objects.create(request=request, next_attempt_at=now, created_at=now)
    hint_on_commit(hints.Hint.TEMPLATES)
    return reading


def retry_signal(pk: int, *, actor: Actor, now: datetime) -> Signal:
    """An administrator has a signal that was given up sent again, with the same bytes if it was ever signed.

    Raises `Refused` when the actor is no administrator, when it was not given up, and when its URL is gone.
    """
    if actor.person is None or not (actor.person.is_active and actor.person.is_administrator):
        raise Refused(Why.NOT_ALLOWED)
    with transaction.atomic(durable=True):
        request = LaunchRequest.objects.select_for_update(of=("self",)).filter(signals=pk).first()
        if request is None:
            raise Refused(Why.NOT_FOUND)
        signal = Signal.objects.select_related("hold").get(pk=pk)
        if signal.status != SignalStatus.GIVEN_UP:
            raise Refused(Why.NOT_LEGAL, state=SignalStatus(signal.status).label)
        expiry = signal.hold.url_expires_at
        if signal.hold.url_encrypted is None or (expiry is not None and expiry <= now):
            raise Refused(Why.DEADLINE_PASSED)
        signal.status, signal.next_attempt_at = SignalStatus.QUEUED, now
        signal.save(update_fields=["status", "next_attempt_at"])
        if signal.is_newest:
            request.signal = SignalStatus.QUEUED
            request.save(update_fields=["signal"])
        audit.record(request, audit.Event.SIGNAL_RETRIED, actor=actor, now=now, params={"signal": pk})
        hint_on_commit(hints.Hint.SIGNALS)
        return signal


def hint_on_commit(hint: hints.Hint) -> None:
    def publish() -> None:
        """A function, not a partial: Django logs a robust one that fails by its `__qualname__`."""
        hints.publish(hint)

    transaction.on_commit(publish, robust=True)


def _must_be_atomic() -> None:
    """A debt outside of a transaction would outlive the fact it follows from, or be missing beside it."""
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("The outbox is written inside the caller's transaction.")
