"""Stack operations that can be interrupted: by a delete, by a cancelled update, by the sandbox stopping.

MiniStack starts a delete beside the create that still waits, looks at a cancelled update only between resources,
forgets a failed custom resource on rollback (AWS sends it Delete), cleans up an update before it says so, and leaves
a stack that was in flight at its end *in progress* for ever. Every operation keeps what its rollback needs in the
stack itself (`_operation`), so that the next start can finish it.
"""
# ruff: noqa: SLF001 - MiniStack's private names

import asyncio
from collections.abc import Coroutine
from typing import Any

from sandbox.patches import custom_resources, live, wait_conditions
from sandbox.patches.engine import cloudformation, ministack, replace

STOPPED = "sandbox stopped"
STACK = "AWS::CloudFormation::Stack"
Stack = dict[str, Any]
_running: dict[str, asyncio.Task[Any]] = {}
_superseded: set[str] = set()
_finishing: set[asyncio.Task[Any]] = set()


def install() -> None:
    """Wrap the engine's operations."""
    wrapped = Operations()
    for original, wrapper in (
        (wrapped.original_deploy, wrapped.deploy),
        (wrapped.original_delete, wrapped.delete),
        (wrapped.original_roll_back, wrapped.roll_back),
        (wrapped.original_cancel, wrapped.cancel),
        (wrapped.original_outputs, wrapped.outputs),
    ):
        replace(original, wrapper)
    cloudformation("stacks")._delete_resource = wrapped.delete_resource


class Operations:
    """The engine's own functions and what stands in their place, under the same names."""

    def __init__(self) -> None:
        stacks = cloudformation("stacks")
        self._add_event = stacks._add_event
        self.original_deploy = stacks._deploy_stack_async
        self.original_delete = stacks._delete_stack_async
        self.original_roll_back = stacks._roll_back_operation
        self.original_outputs = stacks._resolve_stack_outputs
        self.original_delete_resource = stacks._delete_resource
        self.original_cancel = cloudformation("handlers")._cancel_update_stack

    async def deploy(self, name: str, stack_id: str, *args: Any, **options: Any) -> None:
        """Create or update, keeping what a rollback needs; ends quietly when a delete supersedes it."""
        stack = live.stack_named(name)
        stack["_operation"] = _kept(args, options)
        if task := asyncio.current_task():
            _running[stack_id] = task
        try:
            await self.original_deploy(name, stack_id, *args, **options)
        except asyncio.CancelledError:
            if stack_id not in _superseded:
                raise
        finally:
            _running.pop(stack_id, None)
            _superseded.discard(stack_id)
            stack.pop("_operation", None)

    async def delete(self, name: str, stack_id: str, *args: Any, **options: Any) -> None:
        """Delete; an operation that still runs ends first."""
        if task := _running.get(stack_id):
            await _supersede(stack_id, task)
        _adopt_unfinished(live.stack_named(name))
        await self.original_delete(name, stack_id, *args, **options)

    async def roll_back(
        self, name: str, stack_id: str, stack: Stack, operation: Stack, reason_override: str = ""
    ) -> None:
        """Roll back, also what never completed; the reason names what failed, as on AWS."""
        failed = operation.get("failed_logical_id")
        operation["created"] = [*operation.get("created", []), *_adopt_unfinished(stack)]
        if failed and not operation.get("is_update") and not reason_override:
            reason_override = f"The following resource(s) failed to create: [{failed}]. Rollback requested by user."
        await self.original_roll_back(name, stack_id, stack, operation, reason_override)

    def cancel(self, params: dict[str, Any]) -> Any:
        """Cancel an update, also one that waits."""
        answer = self.original_cancel(params)
        if answer[0] == 200:
            name = cloudformation("helpers")._p(params, "StackName")
            _interrupt(cloudformation("handlers")._resolve_stack(name)["StackId"], "Resource update cancelled")
        return answer

    def outputs(self, *args: Any) -> Any:
        """Once its outputs stand, an update has succeeded and cleans up."""
        found = self.original_outputs(*args)
        name, stack_id = args[-2:]
        if (stack := live.stack_named(name)).get("StackStatus") == "UPDATE_IN_PROGRESS":
            stack["StackStatus"] = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
            self._add_event(stack_id, name, name, STACK, stack["StackStatus"], "", stack_id)
        return found

    def delete_resource(self, kind: str, physical_id: str, props: Any, name: str = "", logical_id: str = "") -> None:
        """Delete a resource; in the clean-up of an update the stack's events tell of it."""
        stack = live.stack_named(name)
        told = stack.get("StackStatus") == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
        if told:
            self._add_event(stack["StackId"], name, logical_id, kind, "DELETE_IN_PROGRESS", "", physical_id)
        self.original_delete_resource(kind, physical_id, props, name, logical_id)
        if told:
            self._add_event(stack["StackId"], name, logical_id, kind, "DELETE_COMPLETE", "", physical_id)


def _kept(args: tuple[Any, ...], options: dict[str, Any]) -> Stack:
    template, parameters = args[:2]
    return {
        "is_update": bool(options.get("is_update")),
        "previous_stack": options.get("previous_stack"),
        "template": template,
        "param_values": parameters,
    }


def _interrupt(stack_id: str, reason: str) -> None:
    wait_conditions.abort(stack_id, reason)
    custom_resources.abort(stack_id, reason)


async def _supersede(stack_id: str, task: asyncio.Task[Any]) -> None:
    """End a running operation without its rollback: the delete that follows does what is left."""
    _superseded.add(stack_id)
    task.cancel()
    _interrupt(stack_id, "Resource creation cancelled")
    await asyncio.wait([task], timeout=5)


def _adopt_unfinished(stack: Stack) -> list[str]:
    """Make custom resources and wait conditions that never completed part of what is deleted, as on AWS."""
    resources, adopted = stack.setdefault("_resources", {}), []
    for logical_id, record in live.records(stack).items():
        unfinished = record.get("ResourceStatus") in ("CREATE_IN_PROGRESS", "CREATE_FAILED")
        known = logical_id in resources or not record.get("PhysicalResourceId")
        if unfinished and not known and record["ResourceType"].startswith(("Custom::", "AWS::CloudFormation::")):
            resources[logical_id] = {"Properties": {}, "Attributes": {}, **record}
            adopted.append(logical_id)
    return adopted


def recover() -> int:
    """Finish every operation that was in flight when the sandbox ended; returns how many. Needs the event loop."""
    scope = ministack("core.responses").request_scope
    for (account, region, name), stack in cloudformation()._stacks.all_items():
        if stack["StackStatus"].endswith("_IN_PROGRESS") and stack["StackStatus"] != "REVIEW_IN_PROGRESS":
            with scope(account, region):
                task = asyncio.get_running_loop().create_task(_finish(name, stack))
            _finishing.add(task)
            task.add_done_callback(_finishing.discard)
    return len(_finishing)


def _finish(name: str, stack: Stack) -> Coroutine[Any, Any, None]:
    stacks, status = cloudformation("stacks"), stack["StackStatus"]
    if status == "DELETE_IN_PROGRESS":
        delete: Coroutine[Any, Any, None] = stacks._delete_stack_async(name, stack["StackId"])
        return delete
    if status.endswith("_CLEANUP_IN_PROGRESS"):
        return _settle(name, stack, status.removesuffix("_CLEANUP_IN_PROGRESS"))
    return _undo(name, stack)


async def _settle(name: str, stack: Stack, status: str) -> None:
    stack["StackStatus"] = status
    cloudformation("stacks")._add_event(stack["StackId"], name, name, STACK, status, STOPPED, stack["StackId"])


async def _undo(name: str, stack: Stack) -> None:
    """Roll back, with `sandbox stopped` as the reason of whatever was under way and of the stack."""
    stacks, stack_id, kept = cloudformation("stacks"), stack["StackId"], stack.pop("_operation", None) or {}
    unfinished = []
    for logical_id, record in list(live.records(stack).items()):
        verb, _, phase = str(record.get("ResourceStatus", "")).partition("_")
        if phase == "IN_PROGRESS" and verb != "DELETE":
            unfinished.append(logical_id)
            stacks._add_event(stack_id, name, logical_id, record["ResourceType"], f"{verb}_FAILED", STOPPED)
    operation = stacks._failed_operation(
        kept.get("is_update", False),
        kept.get("previous_stack"),
        [logical_id for logical_id in stack["_resources"] if logical_id not in unfinished],
        None,
        unfinished[0] if unfinished else None,
        [],
        False,
        kept.get("template") or stack.get("_template"),
        kept.get("param_values") or stack.get("_resolved_params"),
        False,
        stack.get("Tags"),
        (kept.get("previous_stack") or {}).get("Tags"),
    )
    await stacks._roll_back_operation(name, stack_id, stack, operation, STOPPED)
    stack["StackStatusReason"] = STOPPED
