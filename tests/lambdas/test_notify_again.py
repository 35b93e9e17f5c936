"""What comes after a launch: updates, rollbacks, deletes, and status events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lambdas.notify.index import handler
from lambdas.shared import Refused, Undelivered
from tests.lambdas.cloud import STACK_ID, STACK_NAME, Buckets, Cloud, Context, error

Event = Callable[..., dict[str, Any]]
FINGERPRINT = "a" * 64


# Update


def test_an_update_with_a_new_wait_url_is_a_new_launch(
    cloud: Cloud, buckets: Buckets, event: Event, valid: Callable[[Any], None]
) -> None:
    cloud.status = "UPDATE_IN_PROGRESS"
    cloud.resources["ApprovalRequestV1"] = ("Custom::NotificationFunction", "UPDATE_IN_PROGRESS", "gatehouse-x")
    handler(event("Update", OldResourceProperties={"WaitUrl": buckets.wait_url("Old")}), Context())
    envelope = cloud.envelope()
    valid(envelope)
    assert (envelope["event"], cloud.kind()) == ("Update", "launch")
    assert buckets.puts[0].body["PhysicalResourceId"] == f"gatehouse-{envelope['fingerprint']}"
    assert envelope["fingerprint"] != FINGERPRINT


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"])
@pytest.mark.parametrize("type_", ["Create", "Update"])
def test_a_rollback_is_never_held_up(cloud: Cloud, buckets: Buckets, event: Event, status: str, type_: str) -> None:
    cloud.status = status
    old = {"WaitUrl": buckets.wait_url("Newer")}
    handler(event(type_, OldResourceProperties=old, PhysicalResourceId=f"gatehouse-{FINGERPRINT}"), Context())
    assert cloud.calls == ["DescribeStacks"]
    answer = buckets.puts[0].body
    assert (answer["Status"], answer["Data"]["Fingerprint"]) == ("SUCCESS", FINGERPRINT)


def test_a_failed_update_keeps_its_physical_id(cloud: Cloud, buckets: Buckets, event: Event) -> None:
    cloud.status = "UPDATE_IN_PROGRESS"
    cloud.resources["ApprovalRequestV1"] = ("Custom::NotificationFunction", "UPDATE_IN_PROGRESS", "gatehouse-x")
    cloud.errors["Publish"] = [error("Publish", "NotFound", 404)]
    handler(event("Update", OldResourceProperties={}), Context())
    assert buckets.puts[0].body["Status"] == "FAILED"
    assert buckets.puts[0].body["PhysicalResourceId"] == f"gatehouse-{FINGERPRINT}"


def test_a_failed_create_has_the_same_name_at_every_try(cloud: Cloud, buckets: Buckets, event: Event) -> None:
    cloud.status = "CREATE_COMPLETE"
    for _ in range(2):
        handler(event(), Context())
    names = {put.body["PhysicalResourceId"] for put in buckets.puts}
    assert len(names) == 1
    assert names.pop().startswith("gatehouse-failed-")


# Delete


def test_a_delete_is_answered_first_and_told_afterwards(
    cloud: Cloud, buckets: Buckets, event: Event, valid: Callable[[Any], None]
) -> None:
    cloud.status = "ROLLBACK_IN_PROGRESS"
    handler(event("Delete"), Context())
    assert cloud.order == ["answered", "published"]
    envelope = cloud.envelope()
    valid(envelope)
    assert cloud.kind() == "status", "nobody gets a mail for it"
    assert (envelope["kind"], envelope["event"], envelope["fingerprint"]) == ("launch", "Delete", FINGERPRINT)
    assert envelope["stack"] == {"name": STACK_NAME, "status": "ROLLBACK_IN_PROGRESS"}
    assert "hold" not in envelope


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_delete_cloudformation_did_not_send_closes_nothing(
    cloud: Cloud, buckets: Buckets, event: Event, status: int
) -> None:
    buckets.statuses = [status]
    handler(event("Delete"), Context())
    assert (cloud.published, cloud.calls) == ([], [])


def test_a_delete_that_s3_does_not_take_closes_nothing_and_is_tried_again(
    cloud: Cloud, buckets: Buckets, event: Event
) -> None:
    buckets.statuses = [500] * 99
    with pytest.raises(Undelivered):
        handler(event("Delete"), Context())
    assert cloud.published == []


@pytest.mark.parametrize(
    "physical_id",
    [None, "", "gatehouse-failed-0123", "stack-ApprovalRequest-1ABC", "gatehouse-" + "A" * 64, "x" * 5000, "é"],
)
def test_a_delete_of_something_nameless_is_answered_and_told_nobody(
    cloud: Cloud, buckets: Buckets, event: Event, physical_id: str | None
) -> None:
    handler(event("Delete", PhysicalResourceId=physical_id), Context())
    assert buckets.puts[0].body["Status"] == "SUCCESS"
    assert buckets.puts[0].body["PhysicalResourceId"]
    assert cloud.published == []


def test_a_delete_needs_nothing_of_aws_to_be_answered(cloud: Cloud, buckets: Buckets, event: Event) -> None:
    cloud.errors["DescribeStacks"] = [error("DescribeStacks", "InternalFailure", 500)] * 9
    with pytest.raises(Exception, match="InternalFailure"):
        handler(event("Delete"), Context())
    assert buckets.puts[0].body["Status"] == "SUCCESS"


# Status events


def stack_event(**changes: Any) -> dict[str, Any]:
    return {
        "id": "e1b0a1f0-0000-4000-8000-000000000001",
        "source": "aws.cloudformation",
        "detail-type": "CloudFormation Stack Status Change",
        "detail": {"stack-id": STACK_ID, "status-details": {"status": "CREATE_COMPLETE"}, **changes},
    }


def test_a_stacks_status_is_read_not_believed(cloud: Cloud, buckets: Buckets, valid: Callable[[Any], None]) -> None:
    cloud.status = "ROLLBACK_COMPLETE"
    handler(stack_event(), Context())
    envelope = cloud.envelope()
    valid(envelope)
    assert (cloud.kind(), envelope["scope"], envelope["status"]) == ("status", "stack", "ROLLBACK_COMPLETE")
    assert envelope["reason"] == "see [URL] now"
    assert envelope["id"] == stack_event()["id"]
    assert buckets.puts == []


def test_a_gates_status_is_read_not_believed(cloud: Cloud, valid: Callable[[Any], None]) -> None:
    cloud.resources["ApprovalWaitV1"] = ("AWS::CloudFormation::WaitCondition", "CREATE_COMPLETE", f"{STACK_ID}/x/H")
    handler(stack_event(**{"logical-resource-id": "ApprovalWaitV1", "resource-type": "AWS::S3::Bucket"}), Context())
    envelope = cloud.envelope()
    valid(envelope)
    assert (envelope["scope"], envelope["status"], envelope["logical_id"]) == (
        "resource",
        "CREATE_COMPLETE",
        "ApprovalWaitV1",
    )
    assert envelope["at"] == "2026-09-11T10:12:00.000Z"


def test_a_handles_url_is_never_told_as_a_status(cloud: Cloud) -> None:
    with pytest.raises(Refused):
        handler(stack_event(**{"logical-resource-id": "ApprovalHandleV1"}), Context())
    assert cloud.published == []


def test_a_hint_about_nothing_is_dropped(cloud: Cloud) -> None:
    handler(stack_event(**{"logical-resource-id": "Gone"}), Context())
    assert cloud.published == []


@pytest.mark.parametrize(
    "stack_id", [None, "", 7, STACK_ID.replace("1111", "2222"), STACK_ID.replace("us-east-1", "eu-west-1")]
)
def test_a_status_event_of_elsewhere_is_refused(cloud: Cloud, stack_id: object) -> None:
    with pytest.raises(Refused):
        handler(stack_event(**{"stack-id": stack_id}), Context())
    assert (cloud.published, cloud.calls) == ([], [])
