"""A stack that waits although its message never came, in the sandbox; and following it to its end."""

from __future__ import annotations

import io
import json
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import boto3
import pytest

from approvals.choices import AlarmCode, HoldStatus, Outcome, State
from approvals.following import outcome, reconcile, stacks
from approvals.models import Alarm, LaunchRequest
from approvals.sealing import unseal
from catalog import aws
from portal.clock import now
from tests.support import allow, run

pytestmark = pytest.mark.django_db
# A notifier that lost its topic: answers CloudFormation and tells nobody.
MUTE = """
import http.client, json
from urllib.parse import urlsplit
def handler(event, context):
    body = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    body |= {"Status": "SUCCESS", "PhysicalResourceId": "mute", "Data": {}}
    parts = urlsplit(event["ResponseURL"])
    connection = http.client.HTTPConnection(parts.netloc)
    connection.request("PUT", event["ResponseURL"].split(parts.netloc, 1)[1], json.dumps(body), {"Content-Type": ""})
    connection.getresponse().read()
"""


def template(function_arn: str, timeout: int = 300) -> str:
    return json.dumps(
        {
            "Description": "A topic behind a classic gate",
            "Parameters": {"Size": {"Type": "String", "Default": "small"}},
            "Resources": {
                "WaitHandle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
                "NotificationFunction": {
                    "Type": "Custom::NotificationFunction",
                    "Properties": {
                        "ServiceToken": function_arn,
                        "WaitUrl": {"Ref": "WaitHandle"},
                        "EmailID": "rita@example.com",
                    },
                },
                "WaitCondition": {
                    "Type": "AWS::CloudFormation::WaitCondition",
                    "DependsOn": "NotificationFunction",
                    "Properties": {"Handle": {"Ref": "WaitHandle"}, "Timeout": str(timeout)},
                },
                "Topic": {"Type": "AWS::SNS::Topic", "DependsOn": "WaitCondition"},
            },
        }
    )


def mute_function(client: Callable[[str], Any], account: str) -> str:
    """The notifier in `account`, with a role of its own, which may do nothing."""
    name, packed = f"mute-{uuid4().hex[:8]}", io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", MUTE)
    allow.role(client("iam"), name, principal={"Service": "lambda.amazonaws.com"})
    created = client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=f"arn:aws:iam::{account}:role/{name}",
        Handler="index.handler",
        Code={"ZipFile": packed.getvalue()},
        Timeout=20,
    )
    return str(created["FunctionArn"])


@pytest.fixture(scope="module")
def function_arn(sandbox: str) -> str:
    session: Any = boto3.Session()
    return mute_function(session.client, run.account())


@pytest.fixture
def gated(function_arn: str, sandbox: str, settings: Any) -> Iterator[Callable[..., str]]:
    """Launch a gated stack and wait until it waits; returns its id."""
    settings.GATEHOUSE_DEV_WAIT_ORIGIN = sandbox
    aws.own_account.cache_clear()
    client = boto3.client("cloudformation")
    made: list[str] = []

    def launch(name: str = "", body: str = "") -> str:
        name = name or f"SC-{run.account()}-pp-{uuid4().hex[:13]}"
        stack_id = client.create_stack(StackName=name, TemplateBody=body or template(function_arn))["StackId"]
        made.append(stack_id)
        return stack_id

    yield launch
    for stack_id in made:
        client.delete_stack(StackName=stack_id)


def until(found: Callable[[], Any], seconds: float = 30) -> Any:
    ends = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < ends, "it took too long"
        time.sleep(0.1)
    return result


def waits(stack_id: str) -> bool:
    events = boto3.client("cloudformation").describe_stack_events(StackName=stack_id)["StackEvents"]
    return any(event["LogicalResourceId"] == "WaitCondition" for event in events)


def status_of(stack_id: str) -> str:
    return boto3.client("cloudformation").describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]


def soon() -> datetime:
    """Two minutes from now: late enough for reconciliation to look."""
    return now() + timedelta(minutes=2)


def test_a_waiting_stack_nobody_announced_is_opened_once(gated: Callable[..., str]) -> None:
    stack_id = gated()
    until(lambda: waits(stack_id))
    assert reconcile.run(now()) == 0, "its message may still be on its way"
    assert reconcile.run(soon()) == 1
    assert reconcile.run(soon()) == 0
    request = LaunchRequest.objects.get(stack_id=stack_id)
    assert (request.state, request.gate, request.typed_email) == (
        State.PENDING,
        "NotificationFunction",
        "rita@example.com",
    )
    assert request.parameters[0]["value"] == "small"
    assert request.template["resource_types"]["AWS::SNS::Topic"] == 1
    assert not request.has_receipt_gate
    hold = request.holds.get()
    assert (hold.status, hold.unusable_reason, hold.wait_logical_id) == (HoldStatus.OPEN, "", "WaitCondition")
    assert hold.timeout_seconds == 300
    assert hold.url_encrypted is not None
    assert "/WaitHandle?" in unseal(hold.url_encrypted)


def test_a_stack_whose_events_do_not_show_the_url_is_an_alarm(
    gated: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack_id = gated()
    until(lambda: waits(stack_id))
    real = stacks.events

    def without_properties(*args: Any) -> Iterator[dict[str, Any]]:
        for event in real(*args):
            yield {key: value for key, value in event.items() if key != "ResourceProperties"}

    monkeypatch.setattr(stacks, "events", without_properties)
    for _ in range(2):
        assert reconcile.run(soon()) == 0
    alarm = Alarm.objects.get(stack_id=stack_id)
    assert (alarm.code, alarm.times) == (AlarmCode.UNKNOWN_STACK, 1)


def test_an_address_that_nobody_typed_is_not_believed(
    gated: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What CloudFormation worked out for the event may be a secret it resolved: `notify` does not take it either."""
    stack_id = gated()
    until(lambda: waits(stack_id))
    real = stacks.events

    def resolved(*args: Any) -> Iterator[dict[str, Any]]:
        for event in real(*args):
            properties = event.get("ResourceProperties", "").replace("rita@example.com", "hunter2@example.com")
            yield {**event, "ResourceProperties": properties}

    monkeypatch.setattr(stacks, "events", resolved)
    assert reconcile.run(soon()) == 1
    assert LaunchRequest.objects.get(stack_id=stack_id).typed_email == ""


@pytest.mark.parametrize(("seconds", "alarms"), [(240, 0), (360, 1)])
def test_an_update_held_at_a_gate_the_desk_never_heard_of_is_an_alarm(
    gated: Callable[..., str], monkeypatch: pytest.MonkeyPatch, seconds: int, alarms: int
) -> None:
    """Its response URL shows in no event, so nothing can be opened; `notify` gets its retries first."""
    stack_id = gated()
    until(lambda: waits(stack_id))
    real = stacks.events

    def updating(*args: Any) -> Iterator[dict[str, Any]]:
        for event in real(*args):
            if event["ResourceType"] == "Custom::NotificationFunction":
                yield {**event, "ResourceStatus": "UPDATE_IN_PROGRESS"}

    monkeypatch.setattr(stacks, "events", updating)
    assert reconcile.run(now() + timedelta(seconds=seconds)) == 0
    assert Alarm.objects.filter(stack_id=stack_id, code=AlarmCode.UNKNOWN_STACK).count() == alarms
    assert not LaunchRequest.objects.filter(stack_id=stack_id).exists()


def test_other_stacks_are_left_alone(gated: Callable[..., str], function_arn: str) -> None:
    """Stacks that are not Service Catalog's, and products without a gate."""
    foreign = gated(name=f"other-{uuid4().hex[:8]}")
    until(lambda: waits(foreign))
    assert reconcile.run(soon()) == 0
    assert not LaunchRequest.objects.filter(stack_id=foreign).exists()
    assert not Alarm.objects.filter(stack_id=foreign).exists()


def test_reconciliation_can_be_switched_off(gated: Callable[..., str], settings: Any) -> None:
    settings.GATEHOUSE_RECONCILE = False
    assert reconcile.run(soon()) == 0


def opened(gated: Callable[..., str]) -> LaunchRequest:
    stack_id = gated()
    until(lambda: waits(stack_id))
    reconcile.run(soon())
    return LaunchRequest.objects.get(stack_id=stack_id)


def signal(request: LaunchRequest, status: str) -> None:
    encrypted = request.holds.get().url_encrypted
    assert encrypted is not None
    body = json.dumps({"Status": status, "UniqueId": "mine", "Data": "", "Reason": "by hand"}).encode()
    put = urllib.request.Request(  # noqa: S310
        unseal(encrypted), body, {"Content-Type": ""}, method="PUT"
    )
    with urllib.request.urlopen(put, timeout=10) as answer:  # noqa: S310
        assert answer.status == 200


@pytest.mark.parametrize(
    ("word", "ends", "became"),
    [("SUCCESS", "CREATE_COMPLETE", Outcome.LAUNCHED), ("FAILURE", "ROLLBACK_COMPLETE", Outcome.ROLLED_BACK)],
)
def test_a_signal_by_hand_is_a_bypass_whichever_way_it_went(
    gated: Callable[..., str], word: str, ends: str, became: Outcome
) -> None:
    request = opened(gated)
    assert outcome.follow(now()) >= 1
    request.refresh_from_db()
    assert (request.state, request.stack_status) == (State.PENDING, "CREATE_IN_PROGRESS")
    signal(request, word)
    until(lambda: status_of(request.stack_id) == ends)
    LaunchRequest.objects.filter(pk=request.pk).update(followed_at=None)
    outcome.follow(now())
    request.refresh_from_db()
    assert (request.state, request.outcome) == (State.BYPASSED, became)
    assert Alarm.objects.filter(request=request, code=AlarmCode.BYPASS).count() == 1


def test_a_deleted_stack_withdraws_its_request(gated: Callable[..., str]) -> None:
    request = opened(gated)
    boto3.client("cloudformation").delete_stack(StackName=request.stack_id)
    until(lambda: status_of(request.stack_id).startswith("DELETE_"))
    LaunchRequest.objects.filter(pk=request.pk).update(followed_at=None)
    outcome.follow(now())
    request.refresh_from_db()
    assert request.state == State.WITHDRAWN
