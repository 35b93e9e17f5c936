"""Sending signals: claim → (say who was first) → sign once → PUT → settle.

Invariant: at most one worker holds a claim on a signal, and every try of a signal sends the same bytes. A
claim is (row, number of the attempt); whoever settles or fixes the body must still hold it. The body is
stored before it is first sent, so a worker that dies at any point leaves a row that the next one sends
again byte for byte. No lock is held during I/O, and claims wait for no lock (SKIP LOCKED), so they are
never part of a deadlock.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db import transaction
from django.db.models import QuerySet

from approvals import actions, audit, precedence, receipts, waithandle
from approvals.actions.alarms import raise_alarm
from approvals.actions.base import wipe_urls
from approvals.actor import Actor
from approvals.choices import AlarmCode, Channel, HoldKind, HoldStatus, SignalStatus, State, Verdict
from approvals.models import Hold, LaunchRequest, Signal
from approvals.outbox.crew import Crew, Piece
from approvals.retry import SIGNAL
from approvals.sealing import Unsealable, unseal
from approvals.waithandle import Never, Outcome, Retry, Stored, TooLong
from portal import clock

# Table and KMS may take 39 seconds each (three tries, catalog.aws) and the PUT 60; a row in flight for longer
# lost its worker.
TAKEOVER = timedelta(seconds=waithandle.TRY_SECONDS + 85)
HANDS = 16
# All waits of a region are PUT to one endpoint. When it stalls, the other hands go on with other regions.
HANDS_PER_REGION = 12

HOLD_ENDED = "hold_ended"

SENDER = Actor.system(Channel.TIMER)

log = structlog.get_logger(__name__)
# Tries under way in this process, by region.
_under_way: Counter[str] = Counter()
_claiming = threading.Lock()


@dataclass(frozen=True, slots=True)
class Overtaken:
    """A link in a mail decided first: the desk says nothing."""

    code: str = "decided_by_link"


class ClaimLost(Exception):
    """Another worker took the row over while this one was away."""


def drain() -> None:
    """Have the signals that wait sent; returns at once."""
    crew.call()


def take() -> Piece | None:
    """Claim one signal; the piece of work tries it once and settles it. None when no signal waits."""
    with _claiming:
        crowded = [region for region, tries in _under_way.items() if tries >= HANDS_PER_REGION]
        signal = claim(clock.now(), but_not_in=crowded)
        if signal is None:
            return None
        _under_way[signal.request.region] += 1
        return partial(_send, signal)


def _send(signal: Signal) -> None:
    try:
        settle(signal, _attempt(signal), clock.now())
    except ClaimLost:
        log.warning("signal taken over", signal=signal.pk, attempt=signal.attempts)
    finally:
        with _claiming:
            _under_way[signal.request.region] -= 1


@transaction.atomic(durable=True)
def claim(now: datetime, *, but_not_in: Collection[str] = ()) -> Signal | None:
    """Take one signal that is due, else one whose worker is gone; `but_not_in` are regions."""
    for rows in (
        Signal.objects.due(now).order_by("next_attempt_at"),
        Signal.objects.stuck(now - TAKEOVER).order_by("claimed_at"),
    ):
        signal = (
            rows.exclude(request__region__in=but_not_in)
            .select_related("request", "hold")
            .defer("request__parameters", "request__template", "request__stack_facts", "request__policy_trace")
            .select_for_update(skip_locked=True, of=("self", "request"), no_key=True)
            .first()
        )
        if signal is not None:
            signal.attempts += 1
            Signal.objects.filter(pk=signal.pk).update(
                status=SignalStatus.IN_FLIGHT, claimed_at=now, attempts=signal.attempts
            )
            if signal.is_newest:
                LaunchRequest.objects.filter(pk=signal.request_id).update(signal=SignalStatus.IN_FLIGHT)
            return signal
    return None


def _attempt(signal: Signal) -> Outcome | Overtaken:
    """One try, whatever happens: a row that fails in an unforeseen way waits for its turn and blocks no other."""
    try:
        return _try(signal)
    except ClaimLost:
        raise
    except Exception:
        log.exception("signal not sent", signal=signal.pk)
        return Retry("internal_error")


def _try(signal: Signal) -> Outcome | Overtaken:
    hold = signal.hold
    if hold.status == HoldStatus.UNUSABLE:
        return Never("url_refused")
    try:
        if hold.email_decisions and signal.body is None and (first := precedence.claim(signal, clock.now())):
            actions.adopt_link_decision(first, actor=SENDER, now=clock.now())
            return Overtaken()
    except precedence.Unclear as error:
        return Retry(f"decisions table: {error}")
    if hold.status == HoldStatus.ENDED and signal.body is None:
        # Once bytes may have left, the same bytes again only tell whether they arrived.
        return Never(HOLD_ENDED)
    if hold.url_encrypted is None or signal.until <= clock.now():
        return Never("expired")
    try:
        url = unseal(hold.url_encrypted)
        body = _fixed_body(signal)
    except Unsealable:
        return Never("no_key_opens_the_url")
    except receipts.Unsigned as error:
        return Never(f"receipt: {error}") if error.permanent else Retry(f"receipt: {error}")
    except TooLong:
        return Never("receipt_too_long")
    return waithandle.send(url, body, kind=HoldKind(hold.kind), stack_id=signal.request.stack_id)


def _fixed_body(signal: Signal) -> bytes:
    """The bytes of every try: made at the first one, stored before they are sent."""
    if signal.body is not None:
        return bytes(signal.body)
    body = _answer(signal) if signal.hold.is_update else _wait_signal(signal)
    if not _ours(signal).filter(body__isnull=True).update(body=body):
        raise ClaimLost
    return body


def _wait_signal(signal: Signal) -> bytes:
    return waithandle.signal_body(
        Verdict(signal.verdict),
        unique_id=signal.unique_id,
        reason=reason_text(signal),
        receipt=_receipt(signal),
    )


def _answer(signal: Signal) -> bytes:
    hold, request = signal.hold, signal.request
    return waithandle.answer_body(
        Verdict(signal.verdict),
        waithandle.Asked(request.stack_id, hold.response_request_id, request.gate, hold.physical_id),
        reason=reason_text(signal),
        fingerprint=hold.fingerprint,
        receipt=_receipt(signal) if signal.verdict == Verdict.APPROVED else "",
    )


def _ours(signal: Signal) -> QuerySet[Signal]:
    return Signal.objects.filter(pk=signal.pk, status=SignalStatus.IN_FLIGHT, attempts=signal.attempts)


def reason_text(signal: Signal) -> str:
    """All that the requester sees in the stack's events. The number comes first: the end may be cut."""
    request = signal.request
    if signal.hold.status == HoldStatus.LAPSED:
        return f"{request.number}: {signal.reason}"
    word = {State.APPROVED: "Approved, ", State.REJECTED: "Rejected, "}.get(State(request.state), "")
    return f"{word}{request.number}" + (f": {signal.reason}" if signal.reason else "")


def _receipt(signal: Signal) -> str:
    """The signed decision; a gate that checks none, and a refusal, do without it when it cannot be had."""
    needed = signal.verdict == Verdict.APPROVED and signal.request.has_receipt_gate
    try:
        return receipts.receipt_of(signal.request, signal.hold, clock.now())
    except receipts.Unsigned as error:
        if needed:
            raise
        log.warning("signal without a receipt", signal=signal.pk, why=str(error))
        return ""


def settle(signal: Signal, outcome: Outcome | Overtaken, now: datetime) -> None:
    """Write down what became of the try. Lock order: request, signal, chain. Raises `ClaimLost`."""
    with transaction.atomic(durable=True):
        request = LaunchRequest.objects.select_for_update(of=("self",), no_key=True).get(pk=signal.request_id)
        status, again = _verdict(signal, outcome, now)
        settled = _ours(signal).update(
            status=status,
            next_attempt_at=again or now,
            stored_at=now if status == SignalStatus.STORED else None,
            last_result=outcome.code[:200],
        )
        if not settled:
            raise ClaimLost
        if signal.is_newest:
            request.signal = status
            request.save(update_fields=["signal"])
        if status == SignalStatus.STORED:
            _stored(request, signal, now)
        elif status == SignalStatus.GIVEN_UP:
            _given_up(request, signal, outcome.code, now)
        elif status == SignalStatus.NONE:
            audit.record(request, audit.Event.SIGNAL_NOT_SENT, actor=SENDER, now=now, params={"signal": signal.pk})
            wipe_urls(request, now)
    log.info(
        "signal tried",
        request=request.number,
        result=outcome.code,
        status=status.value,
        attempt=signal.attempts,
        seconds=round((now - signal.created_at).total_seconds(), 3),
    )


def _verdict(signal: Signal, outcome: Outcome | Overtaken, now: datetime) -> tuple[SignalStatus, datetime | None]:
    if isinstance(outcome, Stored):
        return SignalStatus.STORED, None
    if isinstance(outcome, Overtaken):
        return SignalStatus.NONE, None
    again = SIGNAL.next_try(
        signal.attempts,
        now=now,
        until=signal.until,
        permanent=isinstance(outcome, Never),
        at_least=outcome.after if isinstance(outcome, Retry) else 0.0,
    )
    return (SignalStatus.QUEUED, again) if again else (SignalStatus.GIVEN_UP, None)


def _stored(request: LaunchRequest, signal: Signal, now: datetime) -> None:
    audit.record(
        request,
        audit.Event.SIGNAL_STORED,
        actor=SENDER,
        now=now,
        params={"signal": signal.pk, "attempts": signal.attempts},
    )
    wipe_urls(request, now)
    if signal.hold.status == HoldStatus.LAPSED:
        # The request is still open, what its update waited for is not.
        Hold.objects.filter(pk=signal.hold_id).update(url_encrypted=None, wiped_at=now)


def _given_up(request: LaunchRequest, signal: Signal, code: str, now: datetime) -> None:
    """The URL is kept until it expires: an administrator may have the signal sent again."""
    audit.record(
        request,
        audit.Event.SIGNAL_GIVEN_UP,
        actor=SENDER,
        now=now,
        params={"signal": signal.pk, "attempts": signal.attempts, "result": code},
    )
    # A refusal that CloudFormation no longer waits for has got what it wanted.
    if code != HOLD_ENDED or signal.verdict == Verdict.APPROVED:
        raise_alarm(AlarmCode.SIGNAL_GIVEN_UP, now=now, request=request, detail=code, actor=SENDER)


crew = Crew("signals", HANDS, take)
