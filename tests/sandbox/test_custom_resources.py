"""Custom resources answered over S3-like response URLs (aws-facts §2)."""

import json
import os
import subprocess
import time
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.sandbox.conftest import Client
from tests.sandbox.gate import Gate, send, signal, until
from tests.support import allow


def alone(gate: Gate, **properties: Any) -> dict[str, Any]:
    """A template with nothing but the custom resource."""
    template = gate.template(**properties)
    del template["Resources"]["Request"]["Properties"]["WaitUrl"]
    return {
        "Resources": {"Request": template["Resources"]["Request"]},
        "Outputs": {"Kinds": {"Value": {"Fn::GetAtt": ["Request", "Kinds"]}}},
    }


def failure(gate: Gate, stack: str) -> str:
    return next(reason or "" for name, status, reason in gate.story(stack) if status == "CREATE_FAILED")


def test_primitive_properties_arrive_as_text_and_maps_and_lists_as_they_are(gate: Gate) -> None:
    stack = gate.create(alone(gate, Number=5, Flag=True, Map={"a": 1}, List=[1]))
    kinds = json.loads(gate.ended(stack)["Outputs"][0]["OutputValue"])
    assert kinds == {
        "ServiceToken": "str", "ServiceTimeout": "str", "Number": "str", "Flag": "str", "Map": "dict", "List": "list",
    }  # fmt: skip


def test_failed_answer_fails_the_stack_with_its_reason_and_the_function_gets_delete(gate: Gate) -> None:
    stack = gate.create(alone(gate, Fail="Create"))
    assert gate.ended(stack)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert failure(gate, stack).startswith(
        "Received response status [FAILED] from custom resource. Message returned: not today (RequestId: "
    )
    assert ("Request", "DELETE_COMPLETE", None) in gate.story(stack)


def test_silent_function_fails_after_the_service_timeout(gate: Gate) -> None:
    stack = gate.create(alone(gate, Silent="Create", ServiceTimeout=1))
    assert gate.ended(stack)["StackStatus"] == "ROLLBACK_COMPLETE"
    text = "CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId ["
    assert failure(gate, stack).startswith(text)


def test_function_that_raises_is_asked_again_with_the_same_event(gate: Gate) -> None:
    stack = gate.create(alone(gate, Crash="Create"))
    assert gate.ended(stack)["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"Padding": " " * 4096}, "Response object is too long."),
        ({"Padding": "}"}, "Response is not valid JSON."),
        ({"Mute": "yes"}, "Invalid PhysicalResourceId"),
    ],
)
def test_answer_that_breaks_the_rules_fails_the_resource(gate: Gate, properties: dict[str, str], reason: str) -> None:
    stack = gate.create(alone(gate, **properties))
    gate.ended(stack)
    assert reason in failure(gate, stack)


def test_function_that_does_not_exist_fails_at_once(gate: Gate) -> None:
    template = alone(gate, ServiceToken=gate.token.replace(":gate", ":nobody"))
    stack = gate.create(template)
    assert gate.ended(stack)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "not found" in failure(gate, stack)


def test_provider_behind_a_topic_gets_the_event_and_answers_by_url(gate: Gate, aws: Client) -> None:
    sns, sqs = aws("sns"), aws("sqs")
    topic = sns.create_topic(Name="provider")["TopicArn"]
    queue = sqs.create_queue(QueueName="provider")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=allow.topic(sqs, queue, topic))
    stack = gate.create(alone(gate, ServiceToken=topic))
    envelope = next(gate.messages(sqs, queue))
    event = json.loads(envelope["Message"])
    assert envelope["Subject"] == "AWS CloudFormation custom resource request"
    answer = {
        "Status": "SUCCESS",
        "PhysicalResourceId": "there",
        "Data": {"Kinds": "none"},
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    url = event["ResponseURL"]
    bucket, key = urlsplit(url).path.lstrip("/").split("/", 1)
    assert bucket == "cloudformation-custom-resource-response-useast1"
    assert unquote(key) == f"{stack}|Request|{event['RequestId']}"
    assert "X-Amz-Expires=7200&" in url
    assert send(url.replace("%7C", "|"), b"{}").status == 403
    assert send(url, json.dumps(answer).encode()).status == 200
    assert gate.ended(stack)["StackStatus"] == "CREATE_COMPLETE"
    assert gate.resource(stack, "Request")["PhysicalResourceId"] == "there"
    late = json.dumps({**answer, "Status": "FAILED"}).encode()
    assert send(url, late).status == 200
    assert gate.stack(stack)["StackStatus"] == "CREATE_COMPLETE"


def test_stack_is_deleted_while_its_function_is_silent(gate: Gate) -> None:
    stack = gate.create(alone(gate, Silent="Create", ServiceTimeout=60))
    until(lambda: ("Request", "CREATE_IN_PROGRESS", None) in gate.story(stack))
    started = time.monotonic()
    gate.cloudformation.delete_stack(StackName=stack)
    assert gate.ended(stack)["StackStatus"] == "DELETE_COMPLETE"
    assert time.monotonic() - started < 30


def test_warm_gate_reaches_its_wait_quickly(gate: Gate) -> None:
    gate.cloudformation.delete_stack(StackName=gate.waiting()[0])
    started = time.monotonic()
    stack, url = gate.waiting()
    assert time.monotonic() - started < 2
    send(url, signal())
    gate.ended(stack)


def test_many_launches_at_once_share_a_few_workers(gate: Gate) -> None:
    stacks = [gate.create(alone(gate, Slow="0.05")) for _ in range(25)]
    assert {gate.ended(stack, 30)["StackStatus"] for stack in stacks} == {"CREATE_COMPLETE"}
    listed = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True).stdout
    mine = [line for line in listed.splitlines() if os.environ["GATEHOUSE_HOME"] in line]
    workers = sum("ministack-lambda-gate-" in line for line in mine)
    assert 1 <= workers <= 6 * int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
