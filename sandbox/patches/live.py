"""A stack's resources as AWS lists them: also those in progress and, once a stack is gone, those deleted.

MiniStack records a resource only when it is complete. The record kept here follows the stack's events; it lives in
the stack itself (`_live`) and so in the sandbox's state. It also remembers what a resource's properties were, which
AWS shows with every event, the wait URL included (aws-facts §1.5).
"""

import json
from contextvars import ContextVar
from typing import Any

from sandbox.patches.engine import cloudformation

GONE = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_COMPLETE", "DELETE_FAILED", "DELETE_IN_PROGRESS")
resolved: ContextVar[dict[str, Any] | None] = ContextVar("resolved", default=None)


def stack_named(name: str) -> dict[str, Any]:
    """The stack of that name in the current account and region; empty when there is none."""
    found = cloudformation()._stacks.get(name)  # noqa: SLF001 - MiniStack's store
    return found if isinstance(found, dict) else {}


def records(stack: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The records kept in a stack, by logical id."""
    kept: dict[str, dict[str, Any]] = stack.setdefault("_live", {})
    return kept


def started(stack_name: str, logical_id: str, physical_id: str) -> None:
    """A resource in progress has got its physical id."""
    record = records(stack_named(stack_name)).setdefault(logical_id, {"LogicalResourceId": logical_id})
    record["PhysicalResourceId"] = physical_id


def _before(stack: dict[str, Any], logical_id: str) -> dict[str, Any] | None:
    """The resource as it was when the running update began; None when it is new or no update runs."""
    previous = (stack.get("_operation") or {}).get("previous_stack") or {}
    found: dict[str, Any] | None = previous.get("_resources", {}).get(logical_id)
    return found


def untouched(stack: dict[str, Any], logical_id: str, status: str) -> bool:
    """Whether an update passes this resource by: MiniStack tells of every resource, AWS only of those that change."""
    operation, before = stack.get("_operation") or {}, _before(stack, logical_id)
    same: list[str] = operation.setdefault("_untouched", [])
    if before and status == "UPDATE_IN_PROGRESS" and resolved.get() == before.get("Properties"):
        resolved.set(None)
        same.append(logical_id)
        return True
    return status == "UPDATE_COMPLETE" and logical_id in same


def verb(stack: dict[str, Any], logical_id: str, status: str) -> str:
    """A resource that an update adds is created, not updated."""
    updating = bool((stack.get("_operation") or {}).get("is_update"))
    new = updating and status.startswith("UPDATE_") and _before(stack, logical_id) is None
    return status.replace("UPDATE_", "CREATE_", 1) if new else status


def follow(stack: dict[str, Any], event: dict[str, Any]) -> None:
    """Bring the record up to date with an event and complete the event from it."""
    kept, logical_id, status = records(stack), event["LogicalResourceId"], event["ResourceStatus"]
    record = kept.get(logical_id, {})
    replaced = event["PhysicalResourceId"] not in ("", record.get("PhysicalResourceId", ""))
    if status.startswith("DELETE_") and record and replaced:
        return  # the predecessor of a replaced resource; the one that stands keeps its record
    if status.endswith("_IN_PROGRESS") and not status.startswith("DELETE_"):
        if (properties := resolved.get()) is not None:
            record = {**record, "Properties": properties}
        if status == "CREATE_IN_PROGRESS" and record.get("ResourceStatus") != "CREATE_IN_PROGRESS":
            record.pop("PhysicalResourceId", None)
    resolved.set(None)
    event["PhysicalResourceId"] = event["PhysicalResourceId"] or record.get("PhysicalResourceId", "")
    if "Properties" in record:
        event["ResourceProperties"] = _as_text(record["Properties"], secrets_of(stack))
    kept[logical_id] = {
        **record,
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": event["PhysicalResourceId"],
        "ResourceType": event["ResourceType"],
        "ResourceStatus": status,
        "ResourceStatusReason": event["ResourceStatusReason"],
        "Timestamp": event["Timestamp"],
    }


def listed(stack: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every resource as the API lists it. A stack that stands does not list what has left it."""
    merged: dict[str, dict[str, Any]] = dict(stack.get("_resources", {}))
    for logical_id, record in records(stack).items():
        if record.get("ResourceStatus") == "DELETE_COMPLETE" and stack.get("StackStatus") not in GONE:
            continue
        merged[logical_id] = {**merged.get(logical_id, {}), **record}
    return merged


def secrets_of(stack: dict[str, Any]) -> list[str]:
    """The values of NoEcho parameters, which AWS shows as `****`."""
    return [p["ParameterValue"] for p in stack.get("Parameters", []) if p.get("NoEcho") and p.get("ParameterValue")]


def _as_text(properties: dict[str, Any], hidden: list[str]) -> str:
    text = cloudformation("custom_resource")._normalise_resource_properties(properties)  # noqa: SLF001
    return json.dumps(_masked(text, hidden), separators=(",", ":"))


def _masked(value: Any, hidden: list[str]) -> Any:
    if isinstance(value, dict):
        return {key: _masked(item, hidden) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, hidden) for item in value]
    return "****" if value in hidden else value
