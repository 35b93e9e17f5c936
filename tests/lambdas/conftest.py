"""A stack that waits, an account around it, and the two functions."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.client
import jsonschema
import pytest

from lambdas import shared
from tests.lambdas.cloud import STACK_ID, TOPIC_ARN, Buckets, Clock, Cloud, serving
from tests.lambdas.mail import Mail, mail_in

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "lambdas" / "envelope.schema.json").read_text("utf-8"))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(shared, "time", clock)
    return clock


@pytest.fixture
def buckets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Buckets]:
    with serving() as buckets:
        monkeypatch.setenv("DEV_ORIGIN", buckets.origin)
        yield buckets


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, buckets: Buckets, clock: Clock) -> Cloud:
    """The account, with the handle of its stack's gate already made."""
    cloud = Cloud()
    cloud.resources["ApprovalHandleV1"] = (
        "AWS::CloudFormation::WaitConditionHandle",
        "CREATE_COMPLETE",
        buckets.wait_url(),
    )
    cloud.resources["ApprovalRequestV1"] = ("Custom::NotificationFunction", "CREATE_IN_PROGRESS", "")
    buckets.on_put = lambda: cloud.order.append("answered")

    def api_call(client: Any, operation: str, params: dict[str, Any]) -> Any:
        return cloud.api_call(client, operation, params)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", api_call)
    for name, value in {
        "TOPIC_ARN": TOPIC_ARN,
        "DESK_URL": "https://desk.example.com/",
        "ALLOWED_KEYS": "",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "111122223333",
        "AWS_SECRET_ACCESS_KEY": "test",
    }.items():
        monkeypatch.setenv(name, value)
    shared.client.cache_clear()
    # boto3 keeps the credentials of its first client for good: these must not outlive the test.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return cloud


@pytest.fixture
def event(buckets: Buckets) -> Callable[..., dict[str, Any]]:
    """A custom-resource event as CloudFormation sends it; keyword arguments replace or, with None, remove keys."""

    def make(type_: str = "Create", **changes: Any) -> dict[str, Any]:
        request_id = changes.get("RequestId", "0f0f0f0f-1111-4222-8333-444444444444")
        logical_id = changes.get("LogicalResourceId", "ApprovalRequestV1")
        made: dict[str, Any] = {
            "RequestType": type_,
            "ServiceToken": "arn:aws:lambda:us-east-1:111122223333:function:gatehouse-notify",
            "ResponseURL": buckets.response_url(logical_id, request_id),
            "StackId": STACK_ID,
            "RequestId": request_id,
            "ResourceType": "Custom::NotificationFunction",
            "LogicalResourceId": logical_id,
            "ResourceProperties": {"WaitUrl": buckets.wait_url(), "EmailID": "typed@example.com"},
        }
        if type_ != "Create":
            made["PhysicalResourceId"] = "gatehouse-" + "a" * 64
        if type_ == "Update":
            made["OldResourceProperties"] = dict(made["ResourceProperties"])
        made |= changes
        return {name: value for name, value in made.items() if value is not None}

    return make


@pytest.fixture
def valid() -> Callable[[dict[str, Any]], None]:
    """Raises unless the envelope follows envelope.schema.json."""
    return jsonschema.Draft202012Validator(SCHEMA).validate


def recordings() -> dict[str, Any]:
    folder = ROOT.parent / "shared" / "events"
    if not folder.is_dir():
        pytest.skip("the recorded events (../shared/events) are not beside this repository")
    return {path.name: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))}


@pytest.fixture
def recorded() -> dict[str, dict[str, Any]]:
    """Custom-resource events as public test suites recorded them."""
    return {name: event for name, event in recordings().items() if "RequestType" in event}


@pytest.fixture
def recorded_others() -> list[dict[str, Any]]:
    """Recorded events of SNS, API Gateway and function URLs."""
    return [event for event in recordings().values() if "RequestType" not in event]


@pytest.fixture
def mail(sandbox: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mail]:
    """A standalone account with a table, a topic and a key of this test's own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    with mail_in(f"2222333344{worker:02}", sandbox, monkeypatch) as mail:
        yield mail
