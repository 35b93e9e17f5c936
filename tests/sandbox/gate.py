"""A gate like the desk's, driven by hand: launch, find the wait URL, signal, follow."""

from __future__ import annotations

import http.client
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

T = TypeVar("T")
DONE = ("_COMPLETE", "_FAILED")
FUNCTION = """
import json, time, urllib.request

def handler(event, context):
    properties = event["ResourceProperties"]
    if properties.get("Silent") == event["RequestType"]:
        return
    if properties.get("Crash") == event["RequestType"] and not seen(event):
        raise RuntimeError("the first try fails")
    time.sleep(float(properties.get("Slow", 0)))
    failed = properties.get("Fail") == event["RequestType"]
    answer = {
        "Status": "FAILED" if failed else "SUCCESS",
        "Reason": "not today",
        "PhysicalResourceId": event.get("PhysicalResourceId", "gate-" + event["LogicalResourceId"]),
        "Data": {"Kinds": json.dumps({k: type(v).__name__ for k, v in properties.items()}), "Empty": ""},
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    if properties.get("Mute"):
        answer.pop("PhysicalResourceId")
    body = json.dumps(answer) + properties.get("Padding", "")
    request = urllib.request.Request(event["ResponseURL"], body.encode(), {"Content-Type": ""}, method="PUT")
    urllib.request.urlopen(request)

def seen(event):
    import os, pathlib, tempfile
    mark = pathlib.Path(tempfile.gettempdir(), event["RequestId"])
    if mark.exists():
        return True
    mark.touch()
    return False
"""


@dataclass(frozen=True)
class Answer:
    """What a PUT was answered."""

    status: int
    headers: dict[str, str]
    body: bytes


def send(url: str, body: bytes, method: str = "PUT", content_type: str | None = "") -> Answer:
    """Send exactly this URL: no client here that could normalise it."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=40)
    try:
        target = url.split(parts.netloc, 1)[1]
        headers = {} if content_type is None else {"Content-Type": content_type}
        connection.request(method, target, body, headers)
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def fetch(url: str, data: bytes | None = None, **headers: str) -> bytes:
    """GET or POST a page of the sandbox; raises HTTPError."""
    with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:  # noqa: S310 - loopback
        return bytes(answer.read())


def signal(status: str = "SUCCESS", unique_id: str = "u1", **more: Any) -> bytes:
    return json.dumps({"Status": status, "UniqueId": unique_id, "Reason": "", "Data": "", **more}).encode()


def until(find: Callable[[], T], seconds: float = 15) -> T:
    """The first truthy answer of `find`."""
    deadline = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
    return found


class Gate:
    """Stacks that wait, in one account of one sandbox."""

    def __init__(self, url: str, cloudformation: Any, account: str) -> None:
        self.url = url
        self.cloudformation = cloudformation
        self.token = f"arn:aws:lambda:us-east-1:{account}:function:gate"

    def deploy_hub(self) -> Gate:
        role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}}
        function = {
            "FunctionName": "gate",
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Timeout": 20,
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": FUNCTION},
        }
        hub = {"Resources": {"Role": role, "Function": {"Type": "AWS::Lambda::Function", "Properties": function}}}
        self.cloudformation.create_stack(StackName="hub", TemplateBody=json.dumps(hub), Capabilities=["CAPABILITY_IAM"])
        assert self.ended("hub")["StackStatus"] == "CREATE_COMPLETE"
        return self

    def template(self, suffix: str = "", timeout: int = 600, **properties: Any) -> dict[str, Any]:
        handle, request, wait = f"Handle{suffix}", "Request", f"Wait{suffix}"
        asked = {"ServiceToken": self.token, "WaitUrl": {"Ref": handle}, "ServiceTimeout": 20, **properties}
        waited = {"Handle": {"Ref": handle}, "Timeout": str(timeout)}
        return {
            "Parameters": {
                "Size": {"Type": "String", "Default": "small"},
                "Password": {"Type": "String", "NoEcho": True, "Default": "hush-hush"},
            },
            "Resources": {
                handle: {"Type": "AWS::CloudFormation::WaitConditionHandle"},
                request: {"Type": "Custom::NotificationFunction", "Properties": asked},
                wait: {"Type": "AWS::CloudFormation::WaitCondition", "DependsOn": request, "Properties": waited},
                "Topic": {"Type": "AWS::SNS::Topic", "DependsOn": wait},
            },
            "Outputs": {"Data": {"Value": {"Fn::GetAtt": [wait, "Data"]}}},
        }

    def create(self, template: dict[str, Any] | None = None, **options: Any) -> str:
        """Start a stack; its id."""
        body = json.dumps(template or self.template())
        stack = self.cloudformation.create_stack(StackName=f"s-{uuid4().hex[:12]}", TemplateBody=body, **options)
        return str(stack["StackId"])

    def waiting(self, template: dict[str, Any] | None = None, **options: Any) -> tuple[str, str]:
        """A stack that waits: (stack id, wait URL)."""
        stack = self.create(template, **options)
        return stack, self.wait_url(stack)

    def wait_url(self, stack: str, suffix: str = "") -> str:
        """The URL, once the wait has begun."""
        until(lambda: (f"Wait{suffix}", "CREATE_IN_PROGRESS", None) in self.story(stack))
        return str(self.resource(stack, f"Handle{suffix}")["PhysicalResourceId"])

    def resource(self, stack: str, logical_id: str) -> Any:
        answer = self.cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
        return answer["StackResourceDetail"]

    def events(self, stack: str) -> list[dict[str, Any]]:
        """Oldest first."""
        pages = self.cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack)
        return [event for page in pages for event in page["StackEvents"]][::-1]

    def story(self, stack: str) -> list[tuple[str, str, str | None]]:
        """(logical id, status, reason) of every event, oldest first; the stack is called `stack`."""
        return [
            (
                "stack" if e["PhysicalResourceId"] == e["StackId"] else e["LogicalResourceId"],
                e["ResourceStatus"],
                e.get("ResourceStatusReason"),
            )
            for e in self.events(stack)
        ]

    def stack(self, stack: str) -> dict[str, Any]:
        found: dict[str, Any] = self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        return found

    def ended(self, stack: str, seconds: float = 15) -> dict[str, Any]:
        """The stack once nothing is in progress any more."""

        def find() -> dict[str, Any]:
            found = self.stack(stack)
            return found if found["StackStatus"].endswith(DONE) else {}

        return until(find, seconds)

    def messages(self, sqs: Any, queue_url: str) -> Iterator[Any]:
        """What arrives on a queue, as JSON; ends after a while without hope."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for message in sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
                "Messages", []
            ):
                yield json.loads(message["Body"])
