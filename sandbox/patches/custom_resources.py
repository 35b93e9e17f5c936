"""Custom resources answered through S3-like response URLs, invoked asynchronously (aws-facts §2).

MiniStack's ResponseURL is `/_ministack/cfn-response/<uuid>`; it waits for the function to return before it looks at
the answer, never repeats a failed invocation, and knows no SNS-backed ServiceToken. The first answer to a request
counts; what comes later, or for a request that has ended, is stored and has no effect.
"""
# ruff: noqa: SLF001 - MiniStack's private names

import json
import threading
from dataclasses import dataclass, field
from typing import Any

from sandbox.patches import live, policies
from sandbox.patches.engine import cloudformation, ministack
from sandbox.presigned import RESPONSE_BUCKET, Signer

LIFE = 7200
LARGEST = 4096


@dataclass
class Request:
    """One event sent to a provider, until it is answered or given up."""

    event: dict[str, Any]
    ended: threading.Event = field(default_factory=threading.Event)
    answer: bytes | None = None
    aborted: str = ""


_open: dict[str, Request] = {}
_lock = threading.Lock()


def install(signer: Signer) -> None:
    """Replace the one function through which MiniStack calls providers."""
    responses = ministack("core.responses")

    def invoke(
        request_type: str,
        logical_id: str,
        props: dict[str, Any],
        stack_name: str,
        stack_id: str,
        resource_type: str,
        physical_id: str | None = None,
        old_props: dict[str, Any] | None = None,
    ) -> tuple[str, dict[str, Any]]:
        region = responses.get_region()
        key = f"{stack_id}|{logical_id}|{(request_id := responses.new_uuid())}"
        event = {
            "RequestType": request_type,
            "ServiceToken": props.get("ServiceToken", ""),
            "ResponseURL": signer.url(f"{RESPONSE_BUCKET}{region.replace('-', '')}", key, region, LIFE),
            "StackId": stack_id,
            "RequestId": request_id,
            "LogicalResourceId": logical_id,
            "ResourceType": resource_type,
            "ResourceProperties": _as_sent(props),
        }
        if physical_id is not None:
            event["PhysicalResourceId"] = physical_id
        if old_props is not None:
            event["OldResourceProperties"] = _as_sent(old_props)
        return _ask(key, Request(event), stack_name, props)

    cloudformation("custom_resource").invoke_custom_resource = invoke


def receive(key: str, body: bytes) -> bool:
    """Take an object stored under a response URL's key as the provider's answer. True when it counts."""
    with _lock:
        request = _open.get(key)
        if request is None or request.ended.is_set():
            return False
        request.answer = body
        request.ended.set()
        return True


def abort(stack_id: str, reason: str) -> None:
    """Give up every open request of a stack."""
    with _lock:
        for request in _open.values():
            if request.event["StackId"] == stack_id and not request.ended.is_set():
                request.aborted = reason
                request.ended.set()


def _ask(key: str, request: Request, stack_name: str, props: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    request_id = request.event["RequestId"]
    with _lock:
        _open[key] = request
    try:
        _send(str(props.get("ServiceToken", "")), request.event)
        request.ended.wait(_timeout(props))
    finally:
        with _lock:
            _open.pop(key, None)
    if request.aborted:
        raise RuntimeError(request.aborted)
    if request.answer is None:
        _name(request, stack_name, "")
        raise TimeoutError(
            "CloudFormation did not receive a response from your Custom Resource. "
            f"Please check your logs for requestId [{request_id}]. If you are using the Python cfn-response module, "
            "you may need to update your Lambda function code so that CloudFormation can attach the updated version."
        )
    return _answered(request, stack_name)


def _answered(request: Request, stack_name: str) -> tuple[str, dict[str, Any]]:
    answer = _parse(request)
    physical_id = str(answer.get("PhysicalResourceId") or request.event.get("PhysicalResourceId") or "")
    if answer["Status"] == "FAILED":
        _name(request, stack_name, physical_id)
        raise RuntimeError(
            "Received response status [FAILED] from custom resource. "
            f"Message returned: {answer.get('Reason', '')} (RequestId: {request.event['RequestId']})"
        )
    if not physical_id:
        _name(request, stack_name, "")
        raise RuntimeError("Invalid PhysicalResourceId")
    data = answer.get("Data")
    return physical_id, data if isinstance(data, dict) else {}


def _parse(request: Request) -> dict[str, Any]:
    body = request.answer or b""
    if len(body) > LARGEST:
        return {"Status": "FAILED", "Reason": "Response object is too long."}
    try:
        answer = json.loads(body)
    except ValueError:
        return {"Status": "FAILED", "Reason": "Response is not valid JSON."}
    copied = ("StackId", "RequestId", "LogicalResourceId")
    if not isinstance(answer, dict) or answer.get("Status") not in ("SUCCESS", "FAILED"):
        return {"Status": "FAILED", "Reason": "Response has no valid Status."}
    if any(answer.get(name) != request.event[name] for name in copied):
        return {
            "Status": "FAILED",
            "Reason": "Response does not repeat StackId, RequestId and LogicalResourceId.",
        }
    return answer


def _name(request: Request, stack_name: str, physical_id: str) -> None:
    """Give a resource that failed to create the id its Delete will carry."""
    if request.event["RequestType"] == "Create":
        logical_id = request.event["LogicalResourceId"]
        live.started(
            stack_name,
            logical_id,
            physical_id or f"{stack_name}-{logical_id}-{request.event['RequestId'][:8]}",
        )


def _send(token: str, event: dict[str, Any]) -> None:
    region = ministack("core.responses").get_region()
    if token.split(":")[3:4] not in ([], [region]):
        raise ValueError(f"Custom resource ServiceToken {token!r} must be in the stack region {region}.")
    _may_invoke(token, event["StackId"])
    if ":sns:" in token:
        subject = "AWS CloudFormation custom resource request"
        if ministack("services.sns").publish_internal(token, json.dumps(event), subject) is None:
            raise ValueError(f"Custom resource ServiceToken {token!r} not found.")
        return
    functions = ministack("services.lambda_svc")
    account = token.split(":")[4] if token.count(":") > 5 else None
    record, configuration, _ = functions._get_func_record_for_ref_in_scope(token, account_id=account)
    if record is None or configuration is None:
        raise ValueError(f"Custom resource ServiceToken {token!r} not found.")
    functions.invoke_async_with_retry(functions._execution_record_for_config(record, configuration), event)


def _may_invoke(token: str, stack_id: str) -> None:
    """Raise with AWS's words unless the stack's role, and a function of another account, let it be invoked."""
    if ":lambda:" not in token:
        return
    account, name = stack_id.split(":")[4], stack_id.split("/")[1]
    role = live.stack_named(name).get("RoleARN") or ""
    caller = f"arn:aws:sts::{account}:assumed-role/{role.rsplit('/', 1)[-1]}/AWSCloudFormation" if role else ""
    caller, why = caller or f"arn:aws:iam::{account}:root", ""
    if role and policies.role_lets(role, "lambda:InvokeFunction", token) is False:
        why = "identity"
    elif token.split(":")[4] != account and not _other_account_lets(token, caller):
        why = "resource"
    if why:
        raise PermissionError(
            f"User: {caller} is not authorized to perform: lambda:InvokeFunction on resource: {token} "
            f"because no {why}-based policy allows the lambda:InvokeFunction action"
        )


def _other_account_lets(token: str, caller: str) -> bool:
    functions, account = ministack("services.lambda_svc"), token.split(":")[4]
    record, _, _ = functions._get_func_record_for_ref_in_scope(token, account_id=account)
    return bool(record) and policies.allows(record.get("policy"), "lambda:InvokeFunction", token, caller)


def _timeout(props: dict[str, Any]) -> int:
    try:
        return max(1, min(3600, int(props.get("ServiceTimeout", 3600))))
    except (TypeError, ValueError):
        return 3600


def _as_sent(props: dict[str, Any]) -> Any:
    return cloudformation("custom_resource")._normalise_resource_properties(props)
