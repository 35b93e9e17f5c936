"""The whole way in: the hub's own functions, topic and queue, and the desk that hears of a launch and follows it."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from approvals.asked import reading
from approvals.choices import HoldStatus, Kind, Outcome, ReadingStatus, State
from approvals.following import outcome
from approvals.intake import certificates
from approvals.intake.consumer import Consumer
from approvals.models import Alarm, LaunchRequest, Quarantined, TemplateReading
from approvals.sealing import unseal
from catalog import aws
from lambdas.deploy import deploy
from portal.clock import now
from tests.support import run

SAMPLE = run.ROOT / "lambdas" / "samples" / "data-sandbox.yaml"


def client(service: Any) -> Any:
    return boto3.client(service)


@pytest.fixture
def hub(sandbox: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Consumer]:
    """The hub stack in an account no other test deploys into; yields the consumer of its queue."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", run.account().replace("1", "7", 1))
    boto3.DEFAULT_SESSION = None
    aws._client.cache_clear()
    aws.own_account.cache_clear()
    certificates.forget()
    settings.GATEHOUSE_DEV_CERT_ORIGIN = settings.GATEHOUSE_DEV_WAIT_ORIGIN = sandbox
    outputs = deploy(client, "hub", {"DevelopmentOrigin": sandbox, "DeskUrl": "http://desk.invalid"}, pause=0.1)
    yield Consumer(outputs["QueueUrl"], wait_seconds=1)
    boto3.DEFAULT_SESSION = None
    aws._client.cache_clear()
    aws.own_account.cache_clear()


def until(found: Callable[[], Any], seconds: float = 60) -> Any:
    ends = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < ends, "it took too long"
        time.sleep(0.2)
    return result


def hear(consumer: Consumer, found: Callable[[], bool]) -> None:
    def heard() -> bool:
        consumer.run(once=True)
        return found()

    until(heard)


def launch(pp: str) -> str:
    body = SAMPLE.read_text()
    return boto3.client("cloudformation").create_stack(
        StackName=f"SC-{aws.own_account()}-pp-{pp}",
        TemplateBody=body,
        Parameters=parameters(body),
        Capabilities=["CAPABILITY_IAM"],
    )["StackId"]


def of(stack_id: str) -> LaunchRequest:
    return LaunchRequest.objects.get(stack_id=stack_id)


def test_a_launch_is_heard_of_and_so_is_its_end(cloned_db: str, hub: Consumer) -> None:
    deleted, forged = launch("abcdefghijklm"), launch("nopqrstuvwxyz")
    hear(hub, lambda: LaunchRequest.objects.count() == 2)
    request = of(deleted)
    assert (request.state, request.kind, request.typed_email) == (State.PENDING, Kind.LAUNCH, "rita@example.com")
    assert request.has_receipt_gate
    hold = request.holds.get()
    assert (hold.status, hold.unusable_reason) == (HoldStatus.OPEN, "")
    assert hold.wait_logical_id.startswith("ApprovalWait")
    assert outcome.follow(now()) == 2
    # What notify announced is what the desk reads.
    reading.drain()
    assert [found.status for found in TemplateReading.objects.all()] == [ReadingStatus.READ] * 2

    boto3.client("cloudformation").delete_stack(StackName=deleted)
    hear(hub, lambda: of(deleted).outcome == Outcome.TERMINATED)
    assert of(deleted).state == State.WITHDRAWN
    assert list(Alarm.objects.values_list("code", "detail")) == []

    encrypted = of(forged).holds.get().url_encrypted
    assert encrypted is not None
    body = b'{"Status": "SUCCESS", "UniqueId": "mine", "Data": "", "Reason": "by hand"}'
    put = urllib.request.Request(unseal(encrypted), body, {"Content-Type": ""}, method="PUT")  # noqa: S310
    urllib.request.urlopen(put, timeout=10).close()  # noqa: S310
    hear(hub, lambda: of(forged).outcome == Outcome.ROLLED_BACK)
    assert of(forged).state == State.BYPASSED
    assert [alarm.code for alarm in Alarm.objects.all()] == ["bypass"]
    assert not Quarantined.objects.exists()


def parameters(body: str) -> list[Any]:
    typed = {"UserEmail": "rita@example.com"}
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in typed.items() if f"\n  {key}:" in body]
