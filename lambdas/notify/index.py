"""Tells the desk what waits: the function behind `Custom::NotificationFunction` and the stacks' status rules.

The invariant: of an event StackId, LogicalResourceId, WaitUrl and ResponseURL are used, and each is checked;
what the desk shows is read from CloudFormation here, save the parameters of a held update (`launch.updated`).
A launch is published first and answered afterwards, so no stack waits that nobody heard of. An update of the
parameters alone, where the gate holds those, is published and not answered: the desk answers it. What else
asks nobody is answered at once, and a rollback is never held up. A Delete is answered first and published
only when S3 took the answer, which proves that CloudFormation asked. The answer follows from the stack alone
(`PhysicalResourceId` is `gatehouse-<fingerprint>`), so the same event always gets the same answer.
"""

import re
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from lambdas.notify.launch import RECEIPT, WAIT_CONDITION, launch_of
from lambdas.notify.link import asked, closed
from lambdas.notify.message import fitted, words_for
from lambdas.shared import (
    Refused,
    Request,
    Stack,
    Undelivered,
    answer,
    call,
    client,
    code_of,
    deadline_of,
    envelope_of,
    log,
    message_of,
    publish,
    request_of,
    rfc3339,
    sha256,
    stack_of,
)

WATCHED = (WAIT_CONDITION, RECEIPT)


def fingerprint_in(physical_id: str) -> str:
    match = re.fullmatch("gatehouse-([0-9a-f]{64})", physical_id)
    return match[1] if match else ""


def name_of(request: Request) -> str:
    """The PhysicalResourceId of a request that came to nothing, the same at every try."""
    return request.physical_id or f"gatehouse-failed-{sha256(request.stack.id + request.logical_id)[:32]}"


def describe(stack: Stack, deadline: float) -> Any:
    return call(deadline, client("cloudformation").describe_stacks, StackName=stack.id)["Stacks"][0]


def asks_nobody(request: Request, envelope: dict[str, Any]) -> bool:
    """Whether an update goes on by itself: the gate holds none, or nothing at all is new.

    What is new is told by fingerprint and properties together: after a rollback the PhysicalResourceId may be
    that of the update that failed, and an event may tell of a parameter that DescribeStacks does not show yet.
    """
    if envelope["hold"]["kind"] != "response":
        return False
    same = envelope["physical_id"] == request.physical_id and request.properties == request.old_properties
    return same or not envelope["gate"]["gate_updates"]


def open_(request: Request) -> None:
    """Create and Update: publish, then answer or leave the answer to the desk. Raises Refused, or what went wrong."""
    if request.type not in ("Create", "Update"):
        raise Refused("The event is neither Create, Update nor Delete.")
    found = describe(request.stack, request.deadline)
    rolled_back = found["StackStatus"].startswith("UPDATE_ROLLBACK")
    if not rolled_back:
        if found["StackStatus"] not in (f"{request.type.upper()}_IN_PROGRESS", "UPDATE_IN_PROGRESS"):
            raise Refused("The stack is neither being created nor updated.")
        envelope = launch_of(request, found)
    if rolled_back or asks_nobody(request, envelope):
        data = {"Fingerprint": fingerprint_in(request.physical_id), "Receipt": ""}
        answer(request, "SUCCESS", name_of(request), data=data)
        return
    invitation = asked(envelope, request.deadline)
    envelope["gate"]["email_decisions"] = invitation is not None
    updates = found["StackStatus"] == "UPDATE_IN_PROGRESS"
    subject = "An update waits for approval" if updates else "Approval needed"
    message = fitted(envelope, words_for(envelope, request.stack, invitation))
    publish(request.deadline, "launch", f"{subject}: {request.stack.name}", message)
    if envelope["hold"]["kind"] == "wait_handle":
        data = {"Fingerprint": envelope["fingerprint"], "Receipt": ""}
        answer(request, "SUCCESS", envelope["physical_id"], data=data)


def close(request: Request) -> None:
    """Delete: answer, and tell the desk only what CloudFormation proved to have asked."""
    fingerprint = fingerprint_in(request.physical_id)
    if not answer(request, "SUCCESS", name_of(request)) or not fingerprint:
        return
    closed(request.stack.id, fingerprint, request.deadline)
    status = describe(request.stack, request.deadline)["StackStatus"]
    envelope = envelope_of(
        "launch",
        request.id,
        request.stack,
        event="Delete",
        logical_id=request.logical_id,
        physical_id=request.physical_id,
        fingerprint=fingerprint,
        stack={"name": request.stack.name, "status": status},
    )
    text = f"The wait of stack {request.stack.name} is over."
    publish(request.deadline, "status", f"Closed: {request.stack.name}", message_of(envelope, text))


def without_urls(text: str) -> str:
    return re.sub(r"[A-Za-z][A-Za-z0-9+.-]{0,20}://\S+", "[URL]", text)


def standing(stack: Stack, logical_id: str, deadline: float) -> dict[str, Any]:
    """How the stack (logical_id "") or the resource stands now, as the envelope says it. Raises Refused."""
    if not logical_id:
        found = describe(stack, deadline)
        whole = dict.fromkeys(("logical_id", "resource_type", "physical_id"), "")
        reason, now = without_urls(found.get("StackStatusReason", "")), rfc3339(datetime.now(UTC))
        return {"scope": "stack", "status": found["StackStatus"], "reason": reason, "at": now, **whole}
    read = client("cloudformation").describe_stack_resource
    found = call(deadline, read, StackName=stack.id, LogicalResourceId=logical_id)["StackResourceDetail"]
    if found["ResourceType"] not in WATCHED:
        raise Refused("The resource is no part of a gate.")
    return {
        "scope": "resource",
        "status": found["ResourceStatus"],
        "reason": without_urls(found.get("ResourceStatusReason", "")),
        "at": rfc3339(found["LastUpdatedTimestamp"]),
        "logical_id": logical_id,
        "resource_type": found["ResourceType"],
        "physical_id": without_urls(found.get("PhysicalResourceId", "")),
    }


def report(event: dict[str, Any], context: Any) -> None:
    """A status event is only a hint: what the desk hears is what CloudFormation says now."""
    stack, deadline = stack_of(event["detail"].get("stack-id")), deadline_of(context)
    logical_id = str(event["detail"].get("logical-resource-id") or "")
    try:
        now = standing(stack, logical_id, deadline)
    except ClientError as error:
        if code_of(error) != "ValidationError":
            raise
        log("nothing to report", stack=stack.id, resource=logical_id)
        return
    envelope = envelope_of("status", str(event.get("id")), stack, **now)
    text = f"Stack {stack.name} {logical_id}: {now['status']}"
    publish(deadline, "status", f"Status: {stack.name}", message_of(envelope, text))


def handler(event: Any, context: Any) -> None:
    """Lambda's entry. Raises Refused before anything was done when there is nobody it may answer."""
    if isinstance(event, dict) and isinstance(event.get("detail"), dict):
        report(event, context)
        return
    request = request_of(event, context)
    log("asked", type=request.type, request=request.id, stack=request.stack.id, resource=request.logical_id)
    if request.type == "Delete":
        close(request)
        return
    try:
        open_(request)
    except Undelivered:
        raise
    except Refused as refusal:
        answer(request, "FAILED", name_of(request), f"Approval cannot be asked for. {refusal}")
    except Exception as error:  # noqa: BLE001 - CloudFormation waits for an answer, whatever went wrong
        log("failed", error=code_of(error), request=request.id, stack=request.stack.id)
        reason = f"Nobody could be asked to approve this ({code_of(error)}), so it was stopped. Please try again."
        answer(request, "FAILED", name_of(request), reason)
