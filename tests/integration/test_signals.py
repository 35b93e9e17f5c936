"""A decision on its way to CloudFormation: claim, sign once, PUT, settle, and everything that may go wrong."""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils.timezone import now

from approvals import actions, outbox, receipts, waithandle, wiping
from approvals.actor import Actor
from approvals.audit import Event
from approvals.choices import AlarmCode, Channel, HoldStatus, NoticeCode, SignalStatus, Verdict
from approvals.errors import Refused, Why
from approvals.models import Alarm, AuditEvent, Hold, LaunchRequest, Notice, Signal
from approvals.outbox import signals
from approvals.outbox.crew import Crew
from portal import clock
from tests.support.cast import Cast
from tests.support.listener import OK, Listener, s3_error
from tests.support.signalling import CANARY, KEY_ARN, Key, approved, launch_at, rejected

FAILS = s3_error("500 Internal Server Error", "InternalError")


@pytest.fixture(autouse=True)
def key(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Key:
    settings.GATEHOUSE_SIGNING_KEY = KEY_ARN
    key = Key()
    monkeypatch.setattr(receipts, "_kms_sign", key)
    return key


@pytest.fixture
def far(settings: Any) -> Iterator[Listener]:
    with Listener() as listener:
        settings.GATEHOUSE_DEV_WAIT_ORIGIN = listener.origin
        yield listener


def drained() -> None:
    """Send everything that is due, in this thread."""
    while piece := signals.take():
        piece()


def claimed() -> Signal:
    signal = signals.claim(now())
    assert signal is not None
    return signal


def eventually(true: Callable[[], object], seconds: float = 120.0) -> object:
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.02)
    return true()


def due_now(signal: Signal) -> None:
    Signal.objects.filter(pk=signal.pk).update(next_attempt_at=now())


def again(signal: Signal) -> Signal:
    """The row as it is now."""
    return Signal.objects.select_related("request", "hold").get(pk=signal.pk)


def codes(request: LaunchRequest) -> list[str]:
    return list(AuditEvent.objects.filter(chain__request=request).values_list("code", flat=True))


def unsignable(permanent: bool) -> Callable[..., bytes]:
    def fail(*_: Any) -> bytes:
        raise receipts.Unsigned("Trouble", permanent=permanent)

    return fail


# The debt.


def test_decision_owes_one_signal_with_an_unguessable_id(cast: Cast, far: Listener) -> None:
    signal = approved(cast.approver, far.origin, now())
    assert signal.status == signal.request.signal == SignalStatus.QUEUED
    assert len(signal.unique_id) == 29
    assert signal.unique_id.removeprefix("gh-").isalnum()
    assert signal.body is None
    assert far.requests == []


def test_nothing_is_owed_outside_of_a_transaction(cloned_db: str, cast: Cast, far: Listener) -> None:
    request = launch_at(far.origin, now())
    with pytest.raises(transaction.TransactionManagementError):
        outbox.owe_signal(request, request.holds.get(), verdict=Verdict.APPROVED, reason="", now=now())
    assert not Signal.objects.exists()


# The way of a signal.


def test_approval_is_stored_with_a_receipt_and_the_url_is_wiped(cast: Cast, far: Listener, key: Key) -> None:
    signal = approved(cast.approver, far.origin, now())
    drained()
    (body,) = far.bodies
    fields = json.loads(body)
    assert fields["Status"] == "SUCCESS"
    assert fields["UniqueId"] == signal.unique_id
    assert fields["Reason"] == f"Approved, {signal.request.number}"
    assert fields["Data"].count(".") == 2
    signal = again(signal)
    assert signal.status == signal.request.signal == SignalStatus.STORED
    assert signal.attempts == 1
    assert signal.body is not None
    assert bytes(signal.body) == body
    assert codes(signal.request)[-1] == Event.SIGNAL_STORED
    assert signal.hold.url_encrypted is None
    assert signal.hold.wiped_at is not None


def test_rejection_tells_the_requester_why_in_the_events_of_the_stack(cast: Cast, far: Listener) -> None:
    signal = rejected(cast.approver, far.origin, now(), "Bitte kleiner: 非常に大きい")
    drained()
    fields = json.loads(far.bodies[0])
    assert fields["Status"] == "FAILURE"
    assert fields["Reason"] == f"Rejected, {signal.request.number}: Bitte kleiner: 非常に大きい"


def test_withdrawal_fails_the_stack_without_a_receipt(cast: Cast, far: Listener, key: Key) -> None:
    request = launch_at(far.origin, now())
    actions.withdraw(request.pk, actor=Actor(cast.requester, Channel.DESK), now=now(), reason="not needed")
    drained()
    fields = json.loads(far.bodies[0])
    assert fields["Status"] == "FAILURE"
    assert fields["Reason"].startswith(f"{request.number}: Withdrawn by the requester")
    assert fields["Data"] == ""
    assert key.signed == 0


def test_every_try_sends_the_same_bytes(cast: Cast, far: Listener, key: Key) -> None:
    far.answer = FAILS
    signal = approved(cast.approver, far.origin, now())
    piece = signals.take()
    assert piece
    piece()
    signal = again(signal)
    assert signal.status == signal.request.signal == SignalStatus.QUEUED
    assert signal.last_result == "500 InternalError"
    assert signal.claimed_at
    assert signal.next_attempt_at > signal.claimed_at
    far.answer = OK
    due_now(signal)
    drained()
    assert again(signal).status == SignalStatus.STORED
    assert len(far.bodies) == 2
    assert len(set(far.bodies)) == 1
    assert key.signed == 1


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (s3_error("403 Forbidden", "AccessDenied", "Request has expired"), "403 expired"),
        (s3_error("400 Bad Request", "ExpiredToken"), "400 ExpiredToken"),
        (s3_error("404 Not Found", "NoSuchBucket"), "404 NoSuchBucket"),
        (b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:9/\r\n\r\n", "307"),
    ],
)
def test_permanent_refusal_is_given_up_at_once_and_alarms(
    cast: Cast, far: Listener, answer: bytes, result: str
) -> None:
    far.answer = answer
    signal = approved(cast.approver, far.origin, now())
    drained()
    signal = again(signal)
    assert signal.status == signal.request.signal == SignalStatus.GIVEN_UP
    assert (signal.attempts, signal.last_result, len(far.requests)) == (1, result, 1)
    assert Event.SIGNAL_GIVEN_UP in codes(signal.request)
    assert Alarm.objects.get(code=AlarmCode.SIGNAL_GIVEN_UP).request == signal.request
    assert Notice.objects.filter(code=NoticeCode.ALARM, request=signal.request).exists()


def test_trouble_is_retried_until_the_url_expires(cast: Cast, far: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    far.answer = FAILS
    began = at = now()
    monkeypatch.setattr(clock, "now", lambda: at)
    life = timedelta(minutes=10)
    signal = approved(cast.approver, far.origin, began, expires_at=began + life)
    while again(signal).status != SignalStatus.GIVEN_UP:
        assert at <= began + life
        drained()
        at += timedelta(seconds=10)
    assert len(far.requests) > 5
    assert again(signal).last_result in ("500 InternalError", "expired")
    assert Alarm.objects.filter(code=AlarmCode.SIGNAL_GIVEN_UP).exists()


def test_expired_url_is_not_called(cast: Cast, far: Listener) -> None:
    signal = approved(cast.approver, far.origin, now())
    Hold.objects.update(url_expires_at=now())
    drained()
    assert again(signal).last_result == "expired"
    assert far.requests == []


def test_signal_whose_url_no_key_opens_is_given_up(cast: Cast, far: Listener) -> None:
    signal = approved(cast.approver, far.origin, now())
    Hold.objects.update(url_encrypted=b"gAAAAA")
    drained()
    assert again(signal).last_result == "no_key_opens_the_url"


# Retry by hand.


def given_up(cast: Cast, far: Listener) -> Signal:
    far.answer = s3_error("403 Forbidden", "AccessDenied")
    signal = approved(cast.approver, far.origin, now())
    drained()
    far.answer = OK
    return again(signal)


def test_administrator_has_a_signal_sent_again(cast: Cast, far: Listener, key: Key) -> None:
    signal = given_up(cast, far)
    outbox.retry_signal(signal.pk, actor=Actor(cast.administrator, Channel.DESK), now=now())
    assert again(signal).request.signal == SignalStatus.QUEUED
    drained()
    assert again(signal).status == SignalStatus.STORED
    assert len(set(far.bodies)) == 1
    assert key.signed == 1
    assert codes(signal.request)[-2:] == [Event.SIGNAL_RETRIED, Event.SIGNAL_STORED]


def test_nobody_else_may_have_it_sent_again(cast: Cast, far: Listener) -> None:
    signal = given_up(cast, far)
    for actor in (Actor(cast.approver, Channel.DESK), Actor.system(Channel.TIMER)):
        with pytest.raises(Refused) as refused:
            outbox.retry_signal(signal.pk, actor=actor, now=now())
        assert refused.value.why == Why.NOT_ALLOWED


def test_signal_is_sent_again_only_after_it_was_given_up_and_while_its_url_lives(cast: Cast, far: Listener) -> None:
    ada = Actor(cast.administrator, Channel.DESK)
    stored = approved(cast.approver, far.origin, now())
    drained()
    lost = given_up(cast, far)
    Hold.objects.filter(pk=lost.hold_id).update(url_expires_at=now())
    reasons = []
    for pk in (stored.pk, lost.pk, 0):
        with pytest.raises(Refused) as refused:
            outbox.retry_signal(pk, actor=ada, now=now())
        assert refused.value.sentence
        reasons.append(refused.value.why)
    assert reasons == [Why.NOT_LEGAL, Why.DEADLINE_PASSED, Why.NOT_FOUND]


# The hold ends first.


def end_hold(signal: Signal) -> None:
    Hold.objects.filter(pk=signal.hold_id).update(status=HoldStatus.ENDED)


def test_nothing_is_sent_to_a_wait_that_has_ended(cast: Cast, far: Listener) -> None:
    yes = approved(cast.approver, far.origin, now())
    no = rejected(cast.approver, far.origin, now(), "no")
    end_hold(yes)
    end_hold(no)
    drained()
    assert far.requests == []
    assert again(yes).last_result == again(no).last_result == "hold_ended"
    assert [alarm.request for alarm in Alarm.objects.all()] == [yes.request]


def test_try_whose_answer_was_lost_is_made_again_after_the_wait_ended(cast: Cast, far: Listener) -> None:
    far.answer = b""
    signal = approved(cast.approver, far.origin, now())
    drained()
    end_hold(signal)
    far.answer = OK
    due_now(signal)
    drained()
    assert again(signal).status == SignalStatus.STORED
    assert len(set(far.bodies)) == 1


# The receipt cannot be had.


def test_approval_waits_for_its_receipt(cast: Cast, far: Listener, monkeypatch: pytest.MonkeyPatch, key: Key) -> None:
    monkeypatch.setattr(receipts, "_kms_sign", unsignable(permanent=False))
    signal = approved(cast.approver, far.origin, now())
    drained()
    assert again(signal).status == SignalStatus.QUEUED
    assert far.requests == []
    monkeypatch.setattr(receipts, "_kms_sign", key)
    due_now(signal)
    drained()
    assert again(signal).status == SignalStatus.STORED


def test_approval_that_can_never_be_signed_alarms(cast: Cast, far: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "_kms_sign", unsignable(permanent=True))
    signal = approved(cast.approver, far.origin, now())
    drained()
    assert again(signal).status == SignalStatus.GIVEN_UP
    assert Alarm.objects.get().detail == "receipt: Trouble"
    assert far.requests == []


@pytest.mark.parametrize("permanent", [True, False])
def test_rejection_and_classic_gate_do_without_a_receipt(
    cast: Cast, far: Listener, monkeypatch: pytest.MonkeyPatch, permanent: bool
) -> None:
    monkeypatch.setattr(receipts, "_kms_sign", unsignable(permanent))
    no = rejected(cast.approver, far.origin, now(), "no")
    classic = approved(cast.approver, far.origin, now(), has_receipt_gate=False)
    drained()
    assert {again(no).status, again(classic).status} == {SignalStatus.STORED}
    assert [json.loads(body)["Data"] for body in far.bodies] == ["", ""]


# Workers that die, and workers that are slow.


def test_row_of_a_dead_worker_is_taken_over_and_sends_the_same_bytes(cast: Cast, far: Listener, key: Key) -> None:
    approved(cast.approver, far.origin, now())
    dead = claimed()
    assert isinstance(signals._try(dead), waithandle.Stored)
    drained()
    assert again(dead).status == SignalStatus.IN_FLIGHT
    Signal.objects.update(claimed_at=now() - signals.TAKEOVER)
    drained()
    assert again(dead).status == SignalStatus.STORED
    assert len(far.bodies) == 2
    assert len(set(far.bodies)) == 1
    assert key.signed == 1


def test_worker_that_lost_its_claim_settles_nothing(cast: Cast, far: Listener) -> None:
    approved(cast.approver, far.origin, now())
    slow = claimed()
    Signal.objects.update(claimed_at=now() - signals.TAKEOVER)
    drained()
    with pytest.raises(signals.ClaimLost):
        signals.settle(slow, waithandle.Never("403"), now())
    assert again(slow).status == again(slow).request.signal == SignalStatus.STORED
    assert not Alarm.objects.exists()


def test_worker_that_lost_its_claim_sends_nothing_of_its_own(cast: Cast, far: Listener) -> None:
    approved(cast.approver, far.origin, now())
    slow = claimed()
    Signal.objects.update(claimed_at=now() - signals.TAKEOVER)
    drained()
    with pytest.raises(signals.ClaimLost):
        signals._try(slow)
    assert len(far.requests) == 1


def test_row_that_fails_in_an_unforeseen_way_blocks_no_other(
    cast: Cast, far: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    poisoned = approved(cast.approver, far.origin, now())
    healthy = approved(cast.approver, far.origin, now())
    send = waithandle.send

    def sometimes(url: str, body: bytes, **rest: Any) -> waithandle.Outcome:
        if poisoned.unique_id.encode() in body:
            raise RuntimeError("bug")
        return send(url, body, **rest)

    monkeypatch.setattr(waithandle, "send", sometimes)
    drained()
    assert again(poisoned).last_result == "internal_error"
    assert again(healthy).status == SignalStatus.STORED


def test_many_workers_never_claim_a_row_twice(cloned_db: str, cast: Cast, far: Listener) -> None:
    rows = [approved(cast.approver, far.origin, now()) for _ in range(40)]
    crews = [Crew(f"crew {n}", 8, signals.take) for n in range(3)]
    for crew in crews:
        crew.call()
    eventually(lambda: not Signal.objects.exclude(status=SignalStatus.STORED).exists())
    assert {crew.rest(120) for crew in crews} == {True}
    assert set(Signal.objects.values_list("status", "attempts")) == {(SignalStatus.STORED, 1)}
    assert sorted(json.loads(body)["UniqueId"] for body in far.bodies) == sorted(row.unique_id for row in rows)


class Read(list[bytes]):
    """Requests of a listener, and the one that this thread has read."""

    def __init__(self) -> None:
        super().__init__()
        self.here = threading.local()

    def append(self, request: bytes) -> None:
        self.here.request = request
        super().append(request)


def test_stalled_endpoint_does_not_hold_other_regions(cloned_db: str, cast: Cast, far: Listener, settings: Any) -> None:
    stalled = [approved(cast.approver, far.origin, now(), region="eu-west-3") for _ in range(20)]
    healthy = [approved(cast.approver, far.origin, now()) for _ in range(20)]
    released = threading.Event()
    far.requests = read = Read()

    def answer(connection: socket.socket) -> None:
        if b"waitcondition-eu-west-3/" in read.here.request and not released.is_set():
            released.wait(120)
        connection.sendall(OK)

    far.answer = answer
    signals.drain()
    done = Signal.objects.filter(pk__in=[row.pk for row in healthy], status=SignalStatus.STORED)
    in_flight = Signal.objects.filter(status=SignalStatus.IN_FLIGHT)
    try:
        assert eventually(lambda: done.count() == 20)
        assert set(in_flight.values_list("request__region", flat=True)) == {"eu-west-3"}
        assert eventually(lambda: in_flight.count() == signals.HANDS_PER_REGION)
        released.set()
        assert eventually(lambda: all(again(row).status == SignalStatus.STORED for row in stalled))
    finally:
        released.set()
        assert signals.crew.rest(120)


def test_claim_waits_for_no_lock(cloned_db: str, cast: Cast, far: Listener) -> None:
    signal = approved(cast.approver, far.origin, now())
    locked, done = threading.Event(), threading.Event()

    def talk() -> None:
        with transaction.atomic():
            LaunchRequest.objects.select_for_update().get(pk=signal.request_id)
            locked.set()
            done.wait(60)
        connections.close_all()

    thread = threading.Thread(target=talk)
    thread.start()
    assert locked.wait(60)
    try:
        assert signals.claim(now()) is None
    finally:
        done.set()
        thread.join()
    assert signals.claim(now()) is not None


# What must not be kept or told.


def test_url_is_in_no_log_audit_alarm_or_signal(cast: Cast, far: Listener, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    far.answer = s3_error("403 Forbidden", "SignatureDoesNotMatch", f"X-Amz-Signature={CANARY}")
    signal = approved(cast.approver, far.origin, now())
    drained()
    rows = [again(signal).last_result, *map(str, AuditEvent.objects.values()), *map(str, Alarm.objects.values())]
    assert CANARY not in caplog.text + "".join(rows)
    assert CANARY.encode() in far.requests[0]


def test_wipe_destroys_urls_that_nobody_will_call(cast: Cast, far: Listener) -> None:
    waiting = launch_at(far.origin, now())
    expired = launch_at(far.origin, now(), expires_at=now() + timedelta(seconds=1))
    lost = given_up(cast, far)
    queued = approved(cast.approver, far.origin, now())
    wiping.wipe(now() + timedelta(seconds=2))
    kept = set(Hold.objects.filter(url_encrypted__isnull=False).values_list("request", flat=True))
    assert kept == {waiting.pk, lost.request_id, queued.request_id}
    assert expired.holds.get().wiped_at is not None
