"""Updates of custom resources as CloudFormation drives them (aws-facts §2): held, replaced, rolled back."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from tests.sandbox.conftest import Client
from tests.sandbox.gate import Gate, send, until
from tests.support import allow

NAMES = ("StackId", "RequestId", "LogicalResourceId")


class Provider:
    """Answers nothing by itself: events come to a queue, and the test answers them when it likes."""

    def __init__(self, gate: Gate, aws: Client) -> None:
        self.gate, self.sqs, self.stack = gate, aws("sqs"), ""
        name = "updates"
        self.topic = aws("sns").create_topic(Name=name)["TopicArn"]
        self.queue = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = allow.topic(self.sqs, self.queue, self.topic)
        aws("sns").subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)

    def template(self, *, fails: bool = False) -> str:
        properties = {"ServiceToken": self.topic, "Size": {"Ref": "Size"}, "ServiceTimeout": {"Ref": "Wait"}}
        resources: dict[str, Any] = {"Gate": {"Type": "Custom::Gate", "Properties": properties}}
        if fails:
            broken = {"Queues": [{"Fn::GetAtt": "Queue.No"}], "PolicyDocument": {}}
            resources["Queue"] = {"Type": "AWS::SQS::Queue"}
            resources["Broken"] = {"Type": "AWS::SQS::QueuePolicy", "DependsOn": "Gate", "Properties": broken}
        size = {"Type": "String", "Default": "small"}
        return json.dumps(
            {
                "Parameters": {"Size": size, "Wait": {"Type": "Number", "Default": 30}},
                "Resources": resources,
                "Outputs": {"Receipt": {"Value": {"Fn::GetAtt": ["Gate", "Receipt"]}}},
            }
        )

    def event(self, kind: str) -> dict[str, Any]:
        """The next event of the stack launched last; it must be of this kind."""

        def arrived() -> dict[str, Any]:
            got = self.sqs.receive_message(QueueUrl=self.queue, WaitTimeSeconds=1)
            for message in got.get("Messages", []):
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
                event: dict[str, Any] = json.loads(json.loads(message["Body"])["Message"])
                if event["StackId"] == self.stack:
                    return event
            return {}

        event = until(arrived, 20)
        assert event["RequestType"] == kind
        return event

    def answer(self, event: dict[str, Any], physical_id: str, status: str = "SUCCESS") -> None:
        said = {"Status": status, "Reason": "no", "PhysicalResourceId": physical_id, "Data": {"Receipt": physical_id}}
        body = json.dumps({**said, **{name: event[name] for name in NAMES}}).encode()
        assert send(event["ResponseURL"], body).status == 200

    def launched(self, name: str, **parameters: str) -> str:
        given = _parameters(parameters)
        made = self.gate.cloudformation.create_stack(StackName=name, TemplateBody=self.template(), Parameters=given)
        self.stack = str(made["StackId"])
        self.answer(self.event("Create"), "gate-1")
        assert self.gate.ended(self.stack)["StackStatus"] == "CREATE_COMPLETE"
        return self.stack

    def update(self, stack: str, *, fails: bool = False, **parameters: str) -> None:
        self.gate.cloudformation.update_stack(
            StackName=stack,
            TemplateBody=self.template(fails=fails),
            Parameters=_parameters(parameters),
        )


def _parameters(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


@pytest.fixture(scope="module")
def provider(gate: Gate, aws: Client) -> Provider:
    return Provider(gate, aws)


def test_update_says_what_was_and_may_be_answered_from_elsewhere_later(provider: Provider) -> None:
    stack = provider.launched("held")
    provider.update(stack, Size="large")
    event = provider.event("Update")
    assert event["PhysicalResourceId"] == "gate-1"
    assert event["ResourceProperties"]["Size"] == "large"
    assert event["OldResourceProperties"]["Size"] == "small"
    assert "X-Amz-Expires=7200&" in event["ResponseURL"]
    assert re.search(r"X-Amz-Date=\d{8}T\d{6}Z&", event["ResponseURL"])
    time.sleep(1)
    assert provider.gate.stack(stack)["StackStatus"] == "UPDATE_IN_PROGRESS"
    provider.answer(event, "gate-1")
    ended = provider.gate.ended(stack)
    assert ended["StackStatus"] == "UPDATE_COMPLETE"


def test_answer_with_another_id_replaces_and_the_old_one_is_deleted_in_the_clean_up(provider: Provider) -> None:
    stack = provider.launched("replaced")
    provider.update(stack, Size="large")
    provider.answer(provider.event("Update"), "gate-2")
    gone = provider.event("Delete")
    assert gone["PhysicalResourceId"] == "gate-1"
    assert gone["ResourceProperties"]["Size"] == "small"
    assert provider.gate.stack(stack)["StackStatus"] == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    provider.answer(gone, "gate-1")
    ended = provider.gate.ended(stack)
    assert ended["StackStatus"] == "UPDATE_COMPLETE"
    assert ended["Outputs"][0]["OutputValue"] == "gate-2"
    assert provider.gate.resource(stack, "Gate")["PhysicalResourceId"] == "gate-2"


def test_rollback_by_another_resource_deletes_the_new_one_and_keeps_the_old(provider: Provider) -> None:
    stack = provider.launched("rolled-back")
    provider.update(stack, Size="large", fails=True)
    provider.answer(provider.event("Update"), "gate-2")
    gone = provider.event("Delete")
    assert gone["PhysicalResourceId"] == "gate-2"
    provider.answer(gone, "gate-2")
    ended = provider.gate.ended(stack)
    assert ended["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert {p["ParameterKey"]: p["ParameterValue"] for p in ended["Parameters"]}["Size"] == "small"
    assert ended["Outputs"][0]["OutputValue"] == "gate-1"
    assert provider.gate.resource(stack, "Gate")["PhysicalResourceId"] == "gate-1"


def test_rollback_sends_an_update_in_place_back(provider: Provider) -> None:
    stack = provider.launched("sent-back")
    provider.update(stack, Size="large", fails=True)
    provider.answer(provider.event("Update"), "gate-1")
    back = provider.event("Update")
    assert (back["ResourceProperties"]["Size"], back["OldResourceProperties"]["Size"]) == ("small", "large")
    assert provider.gate.stack(stack)["StackStatus"] == "UPDATE_ROLLBACK_IN_PROGRESS"
    provider.answer(back, "gate-1")
    assert provider.gate.ended(stack)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


def test_refused_update_is_sent_back_and_the_stack_says_why(provider: Provider) -> None:
    stack = provider.launched("refused")
    provider.update(stack, Size="large")
    provider.answer(provider.event("Update"), "gate-1", "FAILED")
    back = provider.event("Update")
    assert back["ResourceProperties"]["Size"] == "small"
    provider.answer(back, "gate-1")
    assert provider.gate.ended(stack)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    reasons = [
        reason for name, status, reason in provider.gate.story(stack) if (name, status) == ("Gate", "UPDATE_FAILED")
    ]
    assert reasons
    assert "Message returned: no" in (reasons[0] or "")


def test_held_update_fails_when_the_service_timeout_of_a_parameter_passes(provider: Provider) -> None:
    stack = provider.launched("timed-out")
    provider.update(stack, Size="large", Wait="1")
    late = provider.event("Update")
    until(lambda: provider.gate.stack(stack)["StackStatus"] == "UPDATE_ROLLBACK_IN_PROGRESS")
    back = provider.event("Update")
    provider.answer(late, "gate-2")
    provider.answer(back, "gate-1")
    assert provider.gate.ended(stack)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert provider.gate.resource(stack, "Gate")["PhysicalResourceId"] == "gate-1"


def test_rollback_that_is_not_answered_in_time_ends_failed(provider: Provider) -> None:
    stack = provider.launched("stuck", Wait="2")
    provider.update(stack, Size="large", Wait="20", fails=True)
    provider.answer(provider.event("Update"), "gate-1")
    assert provider.event("Update")["ResourceProperties"]["Size"] == "small"
    assert provider.gate.ended(stack)["StackStatus"] == "UPDATE_ROLLBACK_FAILED"


def test_stack_shows_the_new_parameters_while_the_update_waits(provider: Provider) -> None:
    stack = provider.launched("shown")
    provider.update(stack, Size="large")
    event = provider.event("Update")
    shown = {p["ParameterKey"]: p["ParameterValue"] for p in provider.gate.stack(stack)["Parameters"]}
    provider.answer(event, "gate-1")
    assert shown["Size"] == "large"
    provider.gate.ended(stack)
