"""Functions as a template describes them, and what failed invocations leave behind.

MiniStack forgets a template's reserved concurrency, its failure record lacks half of AWS's members, an error is many
lines in the log and none of them complete, and making a function ends the workers of its namesakes in all accounts.
"""
# ruff: noqa: SLF001 - MiniStack's private names

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sandbox.patches import policies, queues
from sandbox.patches.engine import cloudformation, ministack, replace


def install() -> None:
    """Keep the concurrency, complete the record, log errors in one piece."""
    handlers, kind = cloudformation("provisioners")._RESOURCE_HANDLERS, "AWS::Lambda::Function"
    handlers[kind] = {
        **handlers[kind],
        "create": _with_concurrency(handlers[kind]["create"], 1),
        "update": _with_concurrency(handlers[kind]["update"], 2),
    }
    functions = ministack("services.lambda_svc")
    replace(functions._route_async_failure, _route_failure)
    replace(functions._emit_lambda_logs, _with_error(functions._emit_lambda_logs))
    replace(functions.invalidate_worker, _of_this_account(functions.invalidate_worker))


def _of_this_account(original: Callable[..., Any]) -> Callable[..., Any]:
    responses = ministack("core.responses")

    def invalidate(name: str, qualifier: str | None = None, **place: Any) -> Any:
        here = {"account": responses.get_account_id(), "region": responses.get_region()}
        return original(name, qualifier=qualifier, **{**here, **place})

    return invalidate


def _with_error(original: Callable[..., Any]) -> Callable[..., Any]:
    """An error is one event with its traceback, as AWS's runtime writes it."""

    def emit(function: Any, request_id: str, text: str, error: bool, *rest: Any, **options: Any) -> None:
        printed, found, trace = text.rpartition("Traceback (most recent call last):")
        original(function, request_id, printed if error and found else text, error, *rest, **options)
        if not (error and found):
            return
        settings = function["config"].get("LoggingConfig") or {}
        group = settings.get("LogGroup") or f"/aws/lambda/{function['config']['FunctionName']}"
        message = _error_message(request_id, trace, as_json=settings.get("LogFormat") == "JSON")
        logs, now = ministack("services.cloudwatch_logs"), int(time.time() * 1000)
        for stream in reversed(list(logs._log_groups[group]["streams"].values())):
            if any(request_id in event["message"] for event in stream["events"]):
                event = {"timestamp": now, "message": message, "ingestionTime": now}
                logs._append_log_events(stream, [event])
                return

    return emit


def _error_message(request_id: str, trace: str, *, as_json: bool) -> str:
    lines = trace.strip().splitlines()
    kind, _, words = lines[-1].partition(": ") if lines else ("Error", "", "")
    if not as_json:
        return f"[ERROR] {kind}: {words}\nTraceback (most recent call last):\n" + "\n".join(lines)
    members = {"level": "ERROR", "requestId": request_id, "errorType": kind, "errorMessage": words}
    return json.dumps({"timestamp": _now(), **members, "stackTrace": lines[:-1]})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _with_concurrency(original: Callable[..., Any], position: int) -> Callable[..., Any]:
    def made(*args: Any, **options: Any) -> Any:
        name, attributes = original(*args, **options)
        reserved = args[position].get("ReservedConcurrentExecutions")
        record = ministack("services.lambda_svc")._functions.get(name)
        if record is not None:
            record["concurrency"] = None if reserved is None else int(reserved)
        return name, attributes

    return made


def _route_failure(target: str, name: str, event: dict[str, Any], result: dict[str, Any]) -> None:
    """Send the record of an event no try could handle, if the function's role may; AWS drops it otherwise, too."""
    functions = ministack("services.lambda_svc")
    record = functions._functions.get(name) or {"config": {}}
    settings = functions._event_invoke_config(record, "$LATEST") or functions._event_invoke_config(record, None) or {}
    said = result.get("body")
    document = {
        "version": "1.0",
        "timestamp": _now(),
        "requestContext": {
            "requestId": functions.new_uuid(),
            "functionArn": f"{record['config'].get('FunctionArn', '')}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": int(settings.get("MaximumRetryAttempts", 2)) + 1,
        },
        "requestPayload": event,
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": result.get("function_error") or "Unhandled",
        },
        "responsePayload": said if isinstance(said, dict) else {},
    }
    role = record["config"].get("Role", "")
    if ":sqs:" in target and policies.role_lets(role, "sqs:SendMessage", target):
        queues.put(target, json.dumps(document))
