"""What CloudFormation tells: on the event bus, in stack events, in lists of resources (aws-facts §1.5, §7.1)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.conftest import Client
from tests.sandbox.gate import Gate, send, signal

KINDS = ("CloudFormation Stack Status Change", "CloudFormation Resource Status Change")


@pytest.fixture
def bus(aws: Client, account: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A queue that receives the events a pattern of the test lets through."""
    sqs, events, name = aws("sqs"), aws("events"), f"bus-{abs(hash(request.node.name))}"
    queue = str(sqs.create_queue(QueueName=name)["QueueUrl"])
    pattern = {
        "source": ["aws.cloudformation"],
        "detail": {"stack-id": [{"wildcard": f"arn:aws:cloudformation:us-east-1:{account}:stack/s-*"}]},
    }
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:us-east-1:{account}:{name}"}])
    yield queue
    events.remove_targets(Rule=name, Ids=["1"])
    events.delete_rule(Name=name)


def gathered(gate: Gate, aws: Client, queue: str, stack: str) -> list[dict[str, Any]]:
    """Every event of a stack up to its end."""
    found = []
    for event in gate.messages(aws("sqs"), queue):
        if event["detail"]["stack-id"] == stack:
            found.append(event)
            detail = event["detail"]
            status = detail["status-details"]["status"]
            if event["detail-type"] == KINDS[0] and status.endswith(("CREATE_COMPLETE", "ROLLBACK_COMPLETE")):
                break
    return found


def test_every_status_change_of_stack_and_resource_is_an_event_in_order(gate: Gate, aws: Client, bus: str) -> None:
    stack, url = gate.waiting(ClientRequestToken="token-1")
    send(url, signal())
    events = gathered(gate, aws, bus, stack)
    assert [(e["detail-type"] == KINDS[0], e["detail"]["status-details"]["status"]) for e in events] == [
        (name == "stack", status) for name, status, _ in gate.story(stack)
    ]
    assert {e["source"] for e in events} == {"aws.cloudformation"}
    assert all(e["resources"] == [stack] for e in events)
    assert {e["detail"]["client-request-token"] for e in events} == {"token-1"}
    assert set(events[0]["detail"]) == {"stack-id", "status-details", "client-request-token"}
    handle = next(e["detail"] for e in events if e["detail"].get("physical-resource-id") == url)
    assert (handle["logical-resource-id"], handle["resource-type"]) == (
        "Handle",
        "AWS::CloudFormation::WaitConditionHandle",
    )


def test_reason_of_a_failure_travels_with_its_event(gate: Gate, aws: Client, bus: str) -> None:
    stack, url = gate.waiting()
    send(url, signal("FAILURE", "gh-9", Reason="no"))
    details = [e["detail"] for e in gathered(gate, aws, bus, stack)]
    failed = next(d for d in details if d["status-details"]["status"] == "CREATE_FAILED")
    assert failed["logical-resource-id"] == "Wait"
    assert failed["status-details"]["status-reason"].endswith("'no' for uniqueId: gh-9")


def test_event_reaches_a_function_of_a_deployed_template(gate: Gate, aws: Client, account: str) -> None:
    code = (
        "import boto3, json\n"
        "def handler(event, context):\n"
        "    sqs = boto3.client('sqs')\n"
        "    queue = sqs.get_queue_url(QueueName='heard')['QueueUrl']\n"
        "    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(event))\n"
    )
    function = {"Runtime": "python3.13", "Handler": "index.handler", "Timeout": 20, "Code": {"ZipFile": code}}
    pattern = {
        "source": ["aws.cloudformation"],
        "detail-type": [KINDS[0]],
        "detail": {
            "stack-id": [{"prefix": f"arn:aws:cloudformation:us-east-1:{account}:stack/s-"}],
            "status-details": {"status": ["CREATE_COMPLETE"]},
        },
    }
    target = {"Id": "1", "Arn": {"Fn::GetAtt": ["Function", "Arn"]}}
    statement = [{"Effect": "Allow", "Action": ["sqs:GetQueueUrl", "sqs:SendMessage"], "Resource": "*"}]
    policies = [{"PolicyName": "tell", "PolicyDocument": {"Version": "2012-10-17", "Statement": statement}}]
    role = {"AssumeRolePolicyDocument": {"Statement": []}, "Policies": policies}
    template = {
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "heard"}},
            "Role": {"Type": "AWS::IAM::Role", "Properties": role},
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {**function, "Role": {"Fn::GetAtt": ["Role", "Arn"]}},
            },
            "Rule": {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": pattern, "Targets": [target]}},
        }
    }
    aws("cloudformation").create_stack(
        StackName="listener", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
    )
    assert gate.ended("listener")["StackStatus"] == "CREATE_COMPLETE"
    stack, url = gate.waiting()
    send(url, signal())
    queue = aws("sqs").get_queue_url(QueueName="heard")["QueueUrl"]
    assert stack in (event["detail"]["stack-id"] for event in gate.messages(aws("sqs"), queue))
    gate.cloudformation.delete_stack(StackName="listener")


def test_events_show_properties_with_the_url_and_without_secrets(gate: Gate) -> None:
    stack, url = gate.waiting(gate.template(Secret={"Ref": "Password"}, Number=5))
    shown = {
        e["LogicalResourceId"]: json.loads(e["ResourceProperties"])
        for e in gate.events(stack)
        if e.get("ResourceProperties")
    }
    assert shown["Request"]["WaitUrl"] == shown["Wait"]["Handle"] == url
    assert (shown["Request"]["Secret"], shown["Request"]["Number"]) == ("****", "5")
    assert shown["Handle"] == {}
    send(url, signal())
    gate.ended(stack)


def test_resources_in_progress_are_listed_with_the_url_of_the_handle(gate: Gate) -> None:
    stack, url = gate.waiting()
    listed = gate.cloudformation.list_stack_resources(StackName=stack)["StackResourceSummaries"]
    described = gate.cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    for resources in (listed, described):
        assert {r["LogicalResourceId"]: r["ResourceStatus"] for r in resources} == {
            "Handle": "CREATE_COMPLETE",
            "Request": "CREATE_COMPLETE",
            "Wait": "CREATE_IN_PROGRESS",
        }
        assert next(r for r in resources if r["LogicalResourceId"] == "Handle")["PhysicalResourceId"] == url
    assert gate.resource(stack, "Wait")["ResourceStatus"] == "CREATE_IN_PROGRESS"
    send(url, signal("FAILURE"))
    gate.ended(stack)
    listed = gate.cloudformation.list_stack_resources(StackName=stack)["StackResourceSummaries"]
    assert {r["ResourceStatus"] for r in listed} == {"DELETE_COMPLETE"}


def test_wait_condition_is_named_after_its_handle(gate: Gate) -> None:
    stack, url = gate.waiting()
    send(url, signal())
    gate.ended(stack)
    name = gate.resource(stack, "Wait")["PhysicalResourceId"]
    assert name.startswith(f"{stack}/")
    assert name.endswith("/Handle")
