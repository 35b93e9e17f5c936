"""Reading stacks where the desk may: in its own account and where it has a reading role. What is read is plain
data, free of URLs. Everywhere else the desk lives on what messages say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from approvals.following.conclusions import RECEIPT, WAIT_CONDITION
from approvals.intake.envelope import Status
from catalog import aws

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef

VANISHED = "The stack does not exist any more."
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_MAX_PAGES = 20


class Unreadable(Exception):
    """CloudFormation did not say. The text is the error's code, never its words, which may quote a URL."""


@dataclass(frozen=True, slots=True)
class Look:
    """A stack as it is now, and what its gate's resources went through, oldest first."""

    stack: Status
    resources: list[Status]


def client(stack_id: str, region: str) -> CloudFormationClient:
    """CloudFormation in the account of the stack. Raises what `aws.client` raises."""
    return aws.client("cloudformation", region, stack_id.split(":")[4])


def look(stack_id: str, region: str, *, since: datetime | None, now: datetime) -> Look:
    """Ask CloudFormation. Raises Unreadable."""
    try:
        found = client(stack_id, region).describe_stacks(StackName=stack_id)["Stacks"][0]
        stack = Status(stack_id, found["StackStatus"], without_urls(found.get("StackStatusReason", "")), at=now)
        seen = [] if stack.status == "DELETE_COMPLETE" else list(_gate_events(stack_id, region, since))
    except ClientError as error:
        vanished = "does not exist" in error.response["Error"].get("Message", "")
        if vanished and error.operation_name.startswith("DescribeStack"):
            return Look(Status(stack_id, "DELETE_COMPLETE", VANISHED, at=now), [])
        raise Unreadable(error.response["Error"]["Code"]) from None
    except (BotoCoreError, IndexError, KeyError) as error:
        raise Unreadable(type(error).__name__) from None
    return Look(stack, seen[::-1])


def events(stack_id: str, region: str, since: datetime | None) -> Iterator[StackEventTypeDef]:
    """The stack's events, newest first, back to `since`. Raises botocore's errors."""
    pages = client(stack_id, region).get_paginator("describe_stack_events")
    for page in pages.paginate(StackName=stack_id, PaginationConfig={"MaxItems": 100 * _MAX_PAGES}):
        for event in page["StackEvents"]:
            if since is not None and event["Timestamp"] < since:
                return
            yield event


def _gate_events(stack_id: str, region: str, since: datetime | None) -> Iterator[Status]:
    for event in events(stack_id, region, since):
        if event.get("ResourceType") in (WAIT_CONDITION, RECEIPT):
            yield Status(
                stack_id,
                event.get("ResourceStatus", ""),
                without_urls(event.get("ResourceStatusReason", "")),
                at=event["Timestamp"].astimezone(UTC),
                logical_id=event.get("LogicalResourceId", ""),
                resource_type=event.get("ResourceType", ""),
            )


def without_urls(text: str) -> str:
    return _URL.sub("[URL]", text)[:2000]
