"""Hints cost their sender nothing, whatever the broker does."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import transaction
from kombu import pools

from approvals import hints, outbox
from approvals.hints import Hint, Publisher
from portal.celery import hinting, transport_options
from tests.support.listener import Listener, stall

# Less than any broker's time limit, and much more than a busy machine needs to note two hints.
BUDGET = 0.9
PATIENCE = 120.0


@pytest.fixture(autouse=True)
def _no_old_connections() -> Iterator[None]:
    """kombu keeps connections per URL, and `sqs://` names no host: an earlier test's broker would answer."""
    pools.reset()
    yield
    pools.reset()


def publish_through(broker_url: str) -> Publisher:
    hinted = hinting(broker_url)

    def send(hint: Hint) -> None:
        hinted.send_task(hint.value, expires=30, ignore_result=True, retry=False)

    return Publisher(send, quiet=3600)


def cost(publisher: Publisher) -> float:
    """Seconds that two hints cost their sender."""
    began = time.monotonic()
    publisher.publish(Hint.SIGNALS)
    publisher.publish(Hint.DELIVERIES)
    return time.monotonic() - began


@pytest.fixture
def refused() -> str:
    """A port where nobody listens."""
    far = Listener()
    far.__exit__()
    return far.origin


@pytest.fixture
def black_hole() -> Iterator[str]:
    """A port that swallows connections: its queue is full, so not even the handshake ends."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(0)
    clients = []
    for _ in range(4):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(server.getsockname())
        clients.append(client)
    yield f"http://127.0.0.1:{server.getsockname()[1]}"
    for one in (*clients, server):
        one.close()


@pytest.fixture
def silent() -> Iterator[str]:
    """A broker that takes requests and never answers."""
    with Listener(stall) as far:
        yield far.origin


@pytest.mark.parametrize("trouble", ["refused", "black_hole", "silent"])
@pytest.mark.parametrize("scheme", ["sqs", "amqp"])
def test_broker_that_is_down_costs_the_sender_nothing_and_is_counted(
    request: Any, monkeypatch: pytest.MonkeyPatch, trouble: str, scheme: str
) -> None:
    origin = request.getfixturevalue(trouble)
    monkeypatch.setenv("AWS_ENDPOINT_URL", origin)
    url = "sqs://" if scheme == "sqs" else f"amqp://guest:guest@{urlsplit(origin).netloc}//"
    publisher = publish_through(url)
    assert cost(publisher) < BUDGET
    assert publisher.flush(PATIENCE)
    assert publisher.counts["failed"] == 1
    assert publisher.counts["skipped"] <= 1
    assert cost(publisher) < BUDGET
    assert publisher.flush(PATIENCE)
    assert publisher.counts["failed"] == 1
    assert publisher.counts["skipped"] >= 1


def test_publisher_speaks_again_after_a_quiet_time() -> None:
    sent: list[str] = []

    def flaky(hint: Hint) -> None:
        if not sent:
            sent.append("failed")
            raise ConnectionError
        sent.append(hint)

    publisher = Publisher(flaky, quiet=0.05)
    publisher.publish(Hint.SIGNALS)
    assert publisher.flush(PATIENCE)
    time.sleep(0.06)
    publisher.publish(Hint.SIGNALS)
    assert publisher.flush(PATIENCE)
    assert sent == ["failed", Hint.SIGNALS]
    assert publisher.counts == {"failed": 1, "published": 1}


def test_hints_melt_into_one_while_the_broker_is_slow() -> None:
    gate, sent = threading.Event(), list[Hint]()

    def slow(hint: Hint) -> None:
        gate.wait(PATIENCE)
        sent.append(hint)

    publisher = Publisher(slow)
    for _ in range(100):
        publisher.publish(Hint.SIGNALS)
    gate.set()
    assert publisher.flush(PATIENCE)
    assert 1 <= len(sent) <= 2


def test_hint_names_a_task_and_says_nothing_else() -> None:
    hinted = hinting("memory://")
    hinted.send_task(Hint.SIGNALS.value, expires=30, ignore_result=True)
    with hinted.connection_for_read() as connection:
        message = connection.SimpleQueue("gatehouse-work").get(timeout=30)
    assert message.headers["task"] == Hint.SIGNALS
    assert json.loads(message.body or "")[:2] == [[], {}]


@pytest.mark.parametrize("url", ["sqs://", "redis://broker/0", "rediss://broker/0", "amqp://broker//"])
def test_every_transport_gets_its_time_limits(url: str) -> None:
    assert "1" in str(transport_options(url, 1))


def test_hint_is_published_only_after_the_commit(cloned_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Hint] = []
    monkeypatch.setattr(hints.publisher, "publish", heard.append)
    with transaction.atomic():
        outbox.hint_on_commit(Hint.SIGNALS)
        transaction.set_rollback(True)
    assert heard == []
    with transaction.atomic():
        outbox.hint_on_commit(Hint.SIGNALS)
        assert heard == []
    assert heard == [Hint.SIGNALS]


def test_a_hint_that_fails_stops_nobody_who_commits(cloned_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_hint: Hint) -> None:
        raise RuntimeError("no thread can be started")

    monkeypatch.setattr(hints, "publish", broken)
    with transaction.atomic():
        outbox.hint_on_commit(Hint.SIGNALS)
