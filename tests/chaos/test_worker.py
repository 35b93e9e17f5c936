"""Workers are killed and brokers vanish; no decision is lost, none is sent in two versions."""

import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as configured
from django.utils.timezone import now

from approvals import hints, receipts
from approvals.audit import Event
from approvals.choices import SignalStatus
from approvals.hints import Hint
from approvals.models import AuditEvent, LaunchRequest, Signal
from approvals.outbox import signals
from portal.celery import hinting
from tests.support.cast import Cast
from tests.support.listener import OK, Listener
from tests.support.run import ROOT
from tests.support.signalling import KEY_ARN, Key, approved, rejected


@pytest.fixture
def far(settings: Any) -> Iterator[Listener]:
    with Listener() as listener:
        settings.GATEHOUSE_DEV_WAIT_ORIGIN = listener.origin
        settings.GATEHOUSE_SIGNING_KEY = KEY_ARN
        yield listener


@contextmanager
def worker(far: Listener, database: str, moment: str = "never") -> Iterator["subprocess.Popen[str]"]:
    """A worker process on the test's database, killed at the latest when the block ends."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    env = os.environ | {
        "DATABASE_URL": parts._replace(path=f"/{database}").geturl(),
        "GATEHOUSE_DEV_WAIT_ORIGIN": far.origin,
        "GATEHOUSE_SIGNING_KEY": KEY_ARN,
        "GATEHOUSE_ENCRYPTION_KEYS": ",".join(configured.GATEHOUSE_ENCRYPTION_KEYS),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.worker", moment],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert said(process) == "ready\n"
            yield process
        finally:
            process.kill()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def killed_at(moment: str, far: Listener, database: str) -> None:
    with worker(far, database, moment) as process:
        assert said(process) == "here\n"


def time_passes() -> None:
    """As long as it takes until a row in flight counts as abandoned."""
    Signal.objects.filter(status=SignalStatus.IN_FLIGHT).update(claimed_at=now() - signals.TAKEOVER)


def recovered(far: Listener, database: str) -> None:
    time_passes()
    with worker(far, database) as process:
        assert process.wait(60) == 0


def assert_settled_once(signal: Signal) -> None:
    signal.refresh_from_db()
    request = LaunchRequest.objects.get(pk=signal.request_id)
    assert signal.status == request.signal == SignalStatus.STORED
    events = AuditEvent.objects.filter(chain__request=request, code=Event.SIGNAL_STORED)
    assert events.count() == 1


@pytest.mark.parametrize(("moment", "puts"), [("before_put", 1), ("after_put", 2)])
def test_decision_survives_a_worker_killed_around_the_put(
    cloned_db: str, cast: Cast, far: Listener, moment: str, puts: int
) -> None:
    signal = approved(cast.approver, far.origin, now())
    killed_at(moment, far, cloned_db)
    signal.refresh_from_db()
    assert signal.status == SignalStatus.IN_FLIGHT
    assert signal.body is not None
    recovered(far, cloned_db)
    assert_settled_once(signal)
    assert signal.attempts == 2
    assert len(far.bodies) == puts
    assert set(far.bodies) == {body_of(signal)}


def body_of(signal: Signal) -> bytes:
    assert signal.body is not None
    return bytes(signal.body)


def test_workers_killed_at_random_moments_lose_nothing_and_contradict_nothing(
    cloned_db: str, cast: Cast, far: Listener
) -> None:
    def slowly(connection: socket.socket) -> None:
        time.sleep(random.uniform(0, 0.05))
        connection.sendall(OK)

    far.answer = slowly
    rows = [
        approved(cast.approver, far.origin, now()) if n % 2 else rejected(cast.approver, far.origin, now(), "no")
        for n in range(12)
    ]
    for _ in range(4):
        with worker(far, cloned_db):
            time.sleep(random.uniform(0.02, 0.6))
        time_passes()
    recovered(far, cloned_db)
    sent: dict[str, set[bytes]] = {}
    for body in far.bodies:
        sent.setdefault(json.loads(body)["UniqueId"], set()).add(body)
    assert set(sent) == {row.unique_id for row in rows}
    for row in rows:
        assert_settled_once(row)
        assert sent[row.unique_id] == {body_of(row)}
    # A killed worker sends at most the one row it had in hand a second time.
    assert len(rows) <= len(far.bodies) <= len(rows) + 4


@pytest.fixture(params=["refused", "silent"])
def broken_broker(request: pytest.FixtureRequest) -> Iterator[str]:
    broker = Listener(lambda connection: time.sleep(5))
    if request.param == "refused":
        broker.__exit__()
    yield f"amqp://guest:guest@{urlsplit(broker.origin).netloc}//"
    broker.__exit__()


def test_decision_with_the_broker_gone_is_answered_at_once_and_sent_by_the_next_sweep(
    cloned_db: str, cast: Cast, far: Listener, broken_broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hinted = hinting(broken_broker)

    asking = set()

    def send(hint: Hint) -> None:
        asking.add(threading.get_ident())
        hinted.send_task(hint.value, retry=False)

    publisher = hints.Publisher(send)
    monkeypatch.setattr(hints, "publisher", publisher)
    monkeypatch.setattr(receipts, "_kms_sign", Key())
    signal = approved(cast.approver, far.origin, now())
    assert signal.status == SignalStatus.QUEUED
    assert publisher.flush(15)
    assert asking
    assert threading.get_ident() not in asking, "who decides waits for no broker"
    assert publisher.counts["failed"] >= 1
    assert publisher.counts["published"] == 0
    while piece := signals.take():
        piece()
    assert_settled_once(signal)
