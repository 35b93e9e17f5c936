"""Stacks of a spoke: read as the reading role where there is one, else followed by messages alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import boto3
import pytest

from approvals.choices import HoldStatus, Outcome, State
from approvals.following import outcome, reconcile, stacks
from approvals.intake import doors
from approvals.models import LaunchRequest
from catalog import aws
from portal.clock import now
from tests.integration.test_reconcile import mute_function, soon, template, until
from tests.support import envelopes, run

pytestmark = pytest.mark.django_db
EXTERNAL_ID = "desk-of-the-tests"
READER = f"gatehouse-desk-reader-{envelopes.REGION}"


def forget() -> None:
    aws.own_account.cache_clear()
    aws._client.cache_clear()
    aws._reading.cache_clear()


class Spoke:
    """Another account of the sandbox, with the reading role of lambdas/spoke.yaml and a `notify` that is mute."""

    def __init__(self, endpoint: str) -> None:
        self.account = f"2{run.account()[1:]}"
        self.session = boto3.Session(self.account, "test", region_name=envelopes.REGION)
        self.endpoint = endpoint
        self.cloudformation: Any = self.client("cloudformation")
        self.function = mute_function(self.client, self.account)
        self.made: list[str] = []

    def client(self, service: str) -> Any:
        return self.session.client(service, endpoint_url=self.endpoint)  # type: ignore[call-overload]

    def trust_the_desk(self) -> None:
        trust = {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{run.account()}:root"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
            },
        }
        read = ["DescribeStackEvents", "DescribeStacks", "GetTemplate", "GetTemplateSummary", "ListStacks"]
        allowed = {"Effect": "Allow", "Action": [f"cloudformation:{name}" for name in read], "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": allowed}
        iam = self.client("iam")
        iam.create_role(RoleName=READER, AssumeRolePolicyDocument=json.dumps(trust))
        iam.put_role_policy(RoleName=READER, PolicyName="read", PolicyDocument=json.dumps(policy))

    def distrust_the_desk(self) -> None:
        iam = self.client("iam")
        iam.delete_role_policy(RoleName=READER, PolicyName="read")
        iam.delete_role(RoleName=READER)

    def launch(self) -> str:
        name = f"SC-{self.account}-pp-{uuid4().hex[:13]}"
        stack_id = self.cloudformation.create_stack(StackName=name, TemplateBody=template(self.function))["StackId"]
        self.made.append(stack_id)
        until(lambda: self._waits(stack_id))
        return str(stack_id)

    def _waits(self, stack_id: str) -> bool:
        events = self.cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"]
        return any(event["LogicalResourceId"] == "WaitCondition" for event in events)

    def gone(self, stack_id: str) -> bool:
        found = self.cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]
        return str(found["StackStatus"]).startswith("DELETE_")


@pytest.fixture
def spoke(sandbox: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Spoke]:
    settings.GATEHOUSE_DEV_WAIT_ORIGIN = sandbox
    settings.GATEHOUSE_READER_EXTERNAL_ID = EXTERNAL_ID
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", run.account())
    forget()
    spoke = Spoke(sandbox)
    settings.GATEHOUSE_READER_ACCOUNTS = [spoke.account]
    yield spoke
    for stack_id in spoke.made:
        spoke.cloudformation.delete_stack(StackName=stack_id)
    forget()


@pytest.fixture
def role(spoke: Spoke) -> Iterator[None]:
    spoke.trust_the_desk()
    yield
    spoke.distrust_the_desk()


def test_a_waiting_stack_of_a_spoke_is_found_and_followed(spoke: Spoke, role: None) -> None:
    stack_id = spoke.launch()
    assert reconcile.run(soon()) == 1
    request = LaunchRequest.objects.get(stack_id=stack_id)
    assert (request.account, request.state, request.typed_email) == (spoke.account, State.PENDING, "rita@example.com")
    assert request.holds.get().status == HoldStatus.OPEN
    assert outcome.follow(now()) == 1
    request.refresh_from_db()
    assert request.stack_status == "CREATE_IN_PROGRESS"
    spoke.cloudformation.delete_stack(StackName=stack_id)
    until(lambda: spoke.gone(stack_id))
    LaunchRequest.objects.update(followed_at=None)
    outcome.follow(now())
    request.refresh_from_db()
    assert request.state == State.WITHDRAWN


def test_a_spoke_that_is_not_listed_is_not_read(spoke: Spoke, role: None, settings: Any) -> None:
    settings.GATEHOUSE_READER_ACCOUNTS = []
    stack_id = spoke.launch()
    assert reconcile.run(soon()) == 0
    with pytest.raises(stacks.Unreadable, match="NoReadingRole"):
        stacks.look(stack_id, envelopes.REGION, since=None, now=now())


def test_a_role_that_trusts_another_desk_reads_nothing(spoke: Spoke, role: None, settings: Any) -> None:
    settings.GATEHOUSE_READER_EXTERNAL_ID = "desk-of-somebody-else"
    stack_id = spoke.launch()
    assert reconcile.run(soon()) == 0
    with pytest.raises(stacks.Unreadable, match="RoleRefused"):
        stacks.look(stack_id, envelopes.REGION, since=None, now=now())


@pytest.mark.parametrize("listed", [False, True])
def test_without_a_reading_role_messages_alone_end_a_launch(spoke: Spoke, settings: Any, listed: bool) -> None:
    """Nothing is read, nothing fails, and CloudFormation's own words still arrive."""
    settings.GATEHOUSE_READER_ACCOUNTS = [spoke.account] if listed else []
    stack_id = envelopes.new_stack_id().replace(envelopes.ACCOUNT, spoke.account)
    topic = envelopes.TOPIC.replace(envelopes.ACCOUNT, spoke.account)
    began = datetime.now(UTC) - timedelta(minutes=2)
    opened = envelopes.launch(began, stack_id=stack_id)

    def hear(said: dict[str, Any]) -> None:
        assert doors.take(json.dumps(said), topic_arn=topic, door=doors.QUEUE, now=now()) == "done"

    hear(opened)
    assert outcome.follow(now()) == listed, "looked at in vain"
    assert reconcile.run(soon()) == 0
    request = LaunchRequest.objects.get()
    assert (request.state, request.outcome, request.stack_status) == (State.PENDING, Outcome.WAITING, "")
    hear(envelopes.status(stack_id, "ROLLBACK_IN_PROGRESS", now(), "Resource creation cancelled"))
    hear(envelopes.status(stack_id, "ROLLBACK_COMPLETE", now()))
    request.refresh_from_db()
    assert (request.outcome, request.stack_status) == (Outcome.ROLLED_BACK, "ROLLBACK_COMPLETE")
