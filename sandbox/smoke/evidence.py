"""What was recorded of one launch: the desk's rows and CloudFormation's events."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.demo import database

UNDECIDED = ("", "waiting", "released")
FINAL = ("CREATE_COMPLETE", "ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED")


@dataclass(frozen=True)
class Evidence:
    """Moments are None until they happened; `status` and `state` are the last known words of each side."""

    opened: datetime | None = None
    closed: datetime | None = None
    stored: datetime | None = None
    wait_ended: datetime | None = None
    finished: datetime | None = None
    status: str = ""
    number: str = ""
    path: str = ""
    state: str = ""
    signal: str = ""
    outcome: str = ""

    @property
    def settled(self) -> bool:
        """Whether the stack has come to its end and the desk knows it."""
        return bool(self.finished) and self.outcome not in UNDECIDED


def gather(cloudformation: Any, stack_id: str) -> Evidence:
    """Everything known of this launch now."""
    return Evidence(**at_the_desk(stack_id), **_in_aws(cloudformation, stack_id))


def at_the_desk(stack_id: str) -> dict[str, Any]:
    """The desk's half; empty when it has not heard of the stack."""
    requests = database.requests_of(stack_id)
    if not requests:
        return {}
    request = requests[0]
    signal = request.signals.first()
    decision = getattr(request, "decision", None)
    return {
        "opened": request.opened_at,
        "closed": decision.decided_at if decision else request.closed_at,
        "stored": signal.stored_at if signal else None,
        "number": request.number,
        "path": request.get_absolute_url(),
        "state": request.state,
        "signal": request.signal,
        "outcome": request.outcome,
    }


def _in_aws(cloudformation: Any, stack_id: str) -> dict[str, Any]:
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    found: dict[str, Any] = {}
    for event in sorted((e for page in pages for e in page["StackEvents"]), key=lambda e: e["Timestamp"]):
        status, ended = (
            event["ResourceStatus"],
            event["ResourceStatus"] in ("CREATE_COMPLETE", "CREATE_FAILED"),
        )
        if event["ResourceType"] == "AWS::CloudFormation::WaitCondition" and ended:
            found.setdefault("wait_ended", event["Timestamp"])
        if event["PhysicalResourceId"] == stack_id:
            found |= {"status": status, "finished": event["Timestamp"] if status in FINAL else None}
    return found
