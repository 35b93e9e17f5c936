"""The queue's door against a real queue and topic: SNS signs, SQS delivers, the consumer takes."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from io import StringIO
from typing import Any
from uuid import uuid4

import boto3
import pytest
from django.core.management import CommandError, call_command

from approvals.intake import certificates
from approvals.intake.consumer import Consumer
from approvals.models import Alarm, LaunchRequest, Quarantined
from catalog import aws
from portal.clock import now
from tests.support import allow, envelopes, run


class Door:
    """A topic of Gatehouse in this worker's account, and a queue that listens.

    With clients of its own: boto3's default session keeps the credentials it found first, which another test
    may have set. The topic would then be in another account than the stacks, and every message in quarantine.
    """

    def __init__(self, endpoint: str) -> None:
        session = boto3.Session(run.account(), "test", region_name=envelopes.REGION)
        self.sns: Any = session.client("sns", endpoint_url=endpoint)
        self.sqs: Any = session.client("sqs", endpoint_url=endpoint)
        attributes = {"SignatureVersion": "2"}
        self.topic: str = self.sns.create_topic(Name="gatehouse-launches", Attributes=attributes)["TopicArn"]
        self.queue: str = self.sqs.create_queue(QueueName=f"desk-{uuid4().hex[:8]}")["QueueUrl"]
        arn = allow.topic(self.sqs, self.queue, self.topic)
        self.subscription: str = self.sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)[
            "SubscriptionArn"
        ]

    def publish(self, *messages: str) -> None:
        for message in messages:
            self.sns.publish(TopicArn=self.topic, Message=message, Subject="A launch waits")

    def left(self) -> int:
        found = self.sqs.get_queue_attributes(
            QueueUrl=self.queue,
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]
        return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])

    def consumer(self, **options: Any) -> Consumer:
        return Consumer(self.queue, wait_seconds=1, **options)


@pytest.fixture
def door(sandbox: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    settings.GATEHOUSE_DEV_CERT_ORIGIN = sandbox
    settings.GATEHOUSE_ACCOUNTS = [run.account()]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", run.account())
    aws._client.cache_clear()
    certificates.forget()
    door = Door(sandbox)
    assert door.topic.split(":")[4] == run.account()
    yield door
    aws._client.cache_clear()
    certificates.forget()
    door.sns.unsubscribe(SubscriptionArn=door.subscription)
    door.sqs.delete_queue(QueueUrl=door.queue)


def launch() -> dict[str, Any]:
    stack = envelopes.new_stack_id().replace(envelopes.ACCOUNT, run.account())
    return envelopes.launch(now(), stack_id=stack)


def test_what_the_topic_publishes_becomes_requests_and_leaves_the_queue(cloned_db: str, door: Door) -> None:
    launches = [json.dumps(launch()) for _ in range(25)]
    door.publish(*launches, *launches[:5], "poison")
    counts = door.consumer().run(idle_exit=2)
    assert (counts["done"], counts["quarantined"]) == (30, 1)
    assert LaunchRequest.objects.count() == 25
    assert Quarantined.objects.get().reason == "It is not JSON."
    assert door.left() == 0


@pytest.fixture
def neighbour(door: Door, sandbox: str) -> Iterator[Any]:
    """A spoke's topic in another account, subscribed to the desk's queue from there."""
    session = boto3.Session(f"7{run.account()[1:]}", "test", region_name=envelopes.REGION)
    sns: Any = session.client("sns", endpoint_url=sandbox)
    topic = sns.create_topic(Name="gatehouse-launches", Attributes={"SignatureVersion": "2"})["TopicArn"]
    queue = door.sqs.get_queue_attributes(QueueUrl=door.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    lets_in = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": [topic, door.topic]}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [lets_in]})
    door.sqs.set_queue_attributes(QueueUrl=door.queue, Attributes={"Policy": policy})
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, ReturnSubscriptionArn=True)
    yield sns, topic
    sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    sns.delete_topic(TopicArn=topic)


@pytest.mark.parametrize("listed", [True, False])
def test_a_spoke_joins_the_queue_only_if_its_account_is_listed(
    cloned_db: str, door: Door, settings: Any, neighbour: Any, listed: bool
) -> None:
    sns, topic = neighbour
    account = topic.split(":")[4]
    settings.GATEHOUSE_ACCOUNTS = [run.account(), *([account] if listed else [])]
    # `once` leaves no poll behind that could take the next message away.
    assert door.consumer().run(once=True) == {"done" if listed else "refused": 1}
    opened = envelopes.launch(now(), stack_id=envelopes.new_stack_id().replace(envelopes.ACCOUNT, account))
    sns.publish(TopicArn=topic, Message=json.dumps(opened))
    door.consumer().run(once=True)
    assert LaunchRequest.objects.filter(account=account).count() == listed
    assert Alarm.objects.filter(code="unknown_topic", stack_id=topic).count() == (not listed)


def test_forged_messages_in_the_queue_are_refused(cloned_db: str, door: Door) -> None:
    door.publish(json.dumps(launch()))
    body = door.sqs.receive_message(QueueUrl=door.queue, WaitTimeSeconds=5)["Messages"][0]["Body"]
    fields = json.loads(body)
    assert fields["SignatureVersion"] == "2"
    door.sqs.send_message(QueueUrl=door.queue, MessageBody=json.dumps(fields | {"Message": json.dumps(launch())}))
    assert door.consumer().run(once=True) == {"refused": 1}
    assert not LaunchRequest.objects.exists()


def test_what_cannot_be_taken_now_stays_in_the_queue(cloned_db: str, door: Door) -> None:
    door.publish("a", "b")
    consumer = door.consumer(taker=lambda _: "left")
    assert consumer.run(once=True)["left"] == 2
    assert door.left() == 2


def test_a_message_that_faults_or_takes_long_holds_up_nobody(cloned_db: str, door: Door) -> None:
    slow, quick = threading.Event(), threading.Event()
    taken: list[str] = []

    def taker(body: str) -> str:
        message = json.loads(body)["Message"]
        if message == "faulty":
            raise ZeroDivisionError
        if message == "slow":
            assert quick.wait(20)
            slow.set()
        else:
            taken.append(message)
            if len(taken) == 5:
                quick.set()
        return "done"

    door.publish("slow", "faulty", *(f"quick {n}" for n in range(5)))
    counts = door.consumer(taker=taker).run(idle_exit=2)
    assert slow.is_set()
    assert (counts["done"], counts["left"]) == (6, 1)
    assert door.left() == 1


def test_stopping_finishes_what_was_begun_and_is_quick(cloned_db: str, door: Door) -> None:
    begun = threading.Event()

    def taker(_body: str) -> str:
        begun.set()
        time.sleep(0.5)
        return "done"

    door.publish("one")
    consumer = Consumer(door.queue, wait_seconds=20, taker=taker)
    runner = threading.Thread(target=consumer.run)
    runner.start()
    assert begun.wait(20)
    stopped = time.monotonic()
    consumer.stop.set()
    runner.join(15)
    assert not runner.is_alive()
    assert time.monotonic() - stopped < 10, "a long poll that waits is left behind"
    assert consumer.counts == {"done": 1}
    assert door.left() == 0


def test_the_command_takes_what_is_there_and_says_how_much(
    cloned_db: str, door: Door, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers: dict[int, Any] = {}
    monkeypatch.setattr("signal.signal", handlers.__setitem__)
    settings.GATEHOUSE_QUEUE_URL = door.queue
    door.publish(json.dumps(launch()), "poison")
    out = StringIO()
    call_command("intake", "--once", "--receivers", "1", stdout=out)
    assert out.getvalue().strip() == "1 done, 1 quarantined"
    assert set(handlers) == {signal.SIGTERM, signal.SIGINT}


def test_the_command_says_what_it_lacks(settings: Any) -> None:
    settings.GATEHOUSE_QUEUE_URL = ""
    with pytest.raises(CommandError, match="GATEHOUSE_QUEUE_URL"):
        call_command("intake", "--once")


def test_a_queue_that_cannot_be_read_is_asked_again(sandbox: str) -> None:
    consumer = Consumer(f"{sandbox}/{run.account()}/no-such-queue", wait_seconds=1)
    runner = threading.Thread(target=consumer.run)
    runner.start()
    time.sleep(1)
    assert runner.is_alive()
    consumer.stop.set()
    runner.join(10)
    assert not runner.is_alive()
