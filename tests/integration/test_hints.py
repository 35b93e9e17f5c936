"""Hints cost their sender nothing, whatever the broker does."""

import json
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest
from django.db import transaction

from approvals import hints, outbox
from approvals.hints import Hint, Publisher
from portal.celery import hinting, transport_options
from tests.support.listener import Listener, stall

BUDGET = 0.3


def publish_through(broker_url):
    hinted = hinting(broker_url)
    return Publisher(lambda hint: hinted.send_task(hint.value, expires=30, ignore_result=True, retry=False), quiet=60)


def cost(publisher):
    """Seconds that two hints cost their sender."""
    began = time.monotonic()
    publisher.publish(Hint.SIGNALS)
    publisher.publish(Hint.DELIVERIES)
    return time.monotonic() - began


@pytest.fixture
def refused():
    """A port where nobody listens."""
    far = Listener()
    far.__exit__()
    return far.origin


@pytest.fixture
def black_hole():
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
def silent():
    """A broker that takes requests and never answers."""
    with Listener(stall) as far:
        yield far.origin


@pytest.mark.parametrize("trouble", ["refused", "black_hole", "silent"])
@pytest.mark.parametrize("scheme", ["sqs", "amqp"])
def test_broker_that_is_down_costs_the_sender_nothing_and_is_counted(request, monkeypatch, trouble, scheme):
    origin = request.getfixturevalue(trouble)
    monkeypatch.setenv("AWS_ENDPOINT_URL", origin)
    url = "sqs://" if scheme == "sqs" else f"amqp://guest:guest@{urlsplit(origin).netloc}//"
    publisher = publish_through(url)
    assert cost(publisher) < BUDGET
    assert publisher.flush(15)
    assert publisher.counts["failed"] == 1
    assert publisher.counts["skipped"] <= 1
    assert cost(publisher) < BUDGET
    assert publisher.flush(1)
    assert publisher.counts["failed"] == 1
    assert publisher.counts["skipped"] >= 1


def test_publisher_speaks_again_after_a_quiet_time():
    sent = []

    def flaky(hint):
        if not sent:
            sent.append("failed")
            raise ConnectionError
        sent.append(hint)

    publisher = Publisher(flaky, quiet=0.05)
    publisher.publish(Hint.SIGNALS)
    assert publisher.flush(5)
    time.sleep(0.06)
    publisher.publish(Hint.SIGNALS)
    assert publisher.flush(5)
    assert sent == ["failed", Hint.SIGNALS]
    assert publisher.counts == {"failed": 1, "published": 1}


def test_hints_melt_into_one_while_the_broker_is_slow():
    gate, sent = threading.Event(), []

    def slow(hint):
        gate.wait(5)
        sent.append(hint)

    publisher = Publisher(slow)
    for _ in range(100):
        publisher.publish(Hint.SIGNALS)
    gate.set()
    assert publisher.flush(5)
    assert 1 <= len(sent) <= 2


def test_hint_names_a_task_and_says_nothing_else():
    hinted = hinting("memory://")
    hinted.send_task(Hint.SIGNALS.value, expires=30, ignore_result=True)
    with hinted.connection_for_read() as connection:
        message = connection.SimpleQueue("gatehouse-work").get(timeout=1)
    assert message.headers["task"] == Hint.SIGNALS
    assert json.loads(message.body)[:2] == [[], {}]


@pytest.mark.parametrize("url", ["sqs://", "redis://broker/0", "rediss://broker/0", "amqp://broker//"])
def test_every_transport_gets_its_time_limits(url):
    assert "1" in str(transport_options(url, 1))


def test_hint_is_published_only_after_the_commit(cloned_db, monkeypatch):
    heard = []
    monkeypatch.setattr(hints.publisher, "publish", heard.append)
    with transaction.atomic():
        outbox.hint_on_commit(Hint.SIGNALS)
        transaction.set_rollback(True)
    assert heard == []
    with transaction.atomic():
        outbox.hint_on_commit(Hint.SIGNALS)
        assert heard == []
    assert heard == [Hint.SIGNALS]
