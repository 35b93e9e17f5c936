"""What CloudFormation tells the world: EventBridge events, and events and resources listed in full.

MiniStack puts nothing on the event bus, leaves ResourceProperties out of stack events and lists a resource only once
it is complete. Here every status change of a stack or resource is recorded, then put on the default bus of its
account and region (aws-facts §7.1), in order, by a thread of its own: the engine never waits for a target.
"""
# ruff: noqa: SLF001 - MiniStack's private names

import json
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

from sandbox.patches import live
from sandbox.patches.engine import cloudformation, ministack, replace

STACK = "AWS::CloudFormation::Stack"
Params = dict[str, Any]
logger = logging.getLogger("sandbox.events")
_outgoing: queue.SimpleQueue[tuple[str, str, dict[str, Any]]] = queue.SimpleQueue()


def install(changed: Callable[[], None]) -> None:
    """`changed` is called after every event, on the thread that made it, and must return at once."""
    stacks, handlers = cloudformation("stacks"), cloudformation("handlers")
    record, resolve = stacks._add_event, stacks._resolve_dynamic_references

    def add_event(
        stack_id: str, stack_name: str, logical_id: str, kind: str, status: str, *args: Any, **kwargs: Any
    ) -> None:
        stack = live.stack_named(stack_name)
        of_stack = kind == STACK and logical_id == stack_name
        if not of_stack:
            if live.untouched(stack, logical_id, status):
                return
            status = live.verb(stack, logical_id, status)
        record(stack_id, stack_name, logical_id, kind, status, *args, **kwargs)
        event = cloudformation()._stack_events[stack_id][-1]
        if of_stack:
            event["PhysicalResourceId"] = stack_id
            if event["ResourceStatusReason"] == "Rollback complete":
                event["ResourceStatusReason"] = ""
            stack["StackStatusReason"] = event["ResourceStatusReason"]
        else:
            live.follow(stack, event)
        _announce(event)
        changed()

    def resolve_and_note(properties: Any, *args: Any, **kwargs: Any) -> Any:
        found = resolve(properties, *args, **kwargs)
        live.resolved.set(found[0] if isinstance(found[0], dict) else None)
        return found

    replace(record, add_event)
    replace(resolve, resolve_and_note)
    replace(handlers._describe_stack_events, _describe_stack_events)
    for action in ("_describe_stack_resource", "_describe_stack_resources", "_list_stack_resources"):
        replace(getattr(handlers, action), _with_live_resources(getattr(handlers, action)))
    threading.Thread(target=_emit, daemon=True, name="cloudformation-events").start()


def _announce(event: dict[str, Any]) -> None:
    detail: dict[str, Any] = {
        "stack-id": event["StackId"],
        "status-details": {"status": event["ResourceStatus"], "status-reason": event["ResourceStatusReason"]},
        "client-request-token": event.get("ClientRequestToken", ""),
    }
    kind = "CloudFormation Stack Status Change"
    if event["PhysicalResourceId"] != event["StackId"]:
        kind = "CloudFormation Resource Status Change"
        detail["logical-resource-id"] = event["LogicalResourceId"]
        detail["physical-resource-id"] = event["PhysicalResourceId"]
        detail["resource-type"] = event["ResourceType"]
    entry = {
        "Source": "aws.cloudformation",
        "DetailType": kind,
        "Detail": json.dumps(detail),
        "Resources": [event["StackId"]],
    }
    _, _, _, region, account, _ = event["StackId"].split(":", 5)
    _outgoing.put((account, region, entry))


def _emit() -> None:
    bus, scope = ministack("services.eventbridge"), ministack("core.responses").request_scope
    while True:
        account, region, entry = _outgoing.get()
        try:
            with scope(account, region):
                bus._put_events({"Entries": [entry]}, allow_aws_source=True)
                del bus._events_log_list()[:-500]
        except Exception:  # one event that cannot be delivered must not silence those after it
            logger.exception("an event of CloudFormation was lost")


def _describe_stack_events(params: Params) -> Any:
    """DescribeStackEvents, newest first; members that are empty on AWS are absent."""
    helpers, handlers = cloudformation("helpers"), cloudformation("handlers")
    name = helpers._p(params, "StackName")
    stack = handlers._resolve_stack(name) if name else None
    if not stack:
        return helpers._error("ValidationError", f"Stack [{name}] does not exist")
    events = cloudformation()._stack_events.get(stack["StackId"], [])
    page, token, error = helpers._page(list(reversed(events)), params, "DescribeStackEvents")
    if error:
        return error
    members = "".join(f"<member>{''.join(_members(event))}</member>" for event in page)
    return helpers._xml(
        200,
        "DescribeStackEventsResponse",
        f"<DescribeStackEventsResult><StackEvents>{members}</StackEvents>{token}</DescribeStackEventsResult>",
    )


def _members(event: dict[str, Any]) -> list[str]:
    escape = cloudformation("helpers")._esc
    always = ("StackId", "StackName", "EventId", "LogicalResourceId", "PhysicalResourceId", "ResourceType")
    never_empty = (
        "Timestamp",
        "ResourceStatus",
        "ResourceStatusReason",
        "ResourceProperties",
        "ClientRequestToken",
    )
    names = [*always, *(name for name in (*never_empty, "DetailedStatus") if event.get(name))]
    return [f"<{name}>{escape(str(event.get(name, '')))}</{name}>" for name in names]


def _with_live_resources(action: Callable[[Params], Any]) -> Callable[[Params], Any]:
    """The same action on a stack whose resources are all those AWS would list."""

    def describe(params: Params) -> Any:
        handlers = cloudformation("handlers")
        resolve = handlers._resolve_stack

        def resolve_listed(name: str) -> Any:
            stack = resolve(name)
            return {**stack, "_resources": live.listed(stack)} if stack else stack

        handlers._resolve_stack = resolve_listed  # actions run to their end on the event loop: nobody else sees it
        try:
            return action(params)
        finally:
            handlers._resolve_stack = resolve

    return describe
