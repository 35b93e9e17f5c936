"""Envelopes as `notify` and `verify` send them."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from approvals import fingerprint
from approvals.canonical import sha256_hex

ACCOUNT, REGION = "111122223333", "us-east-1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:gatehouse-launches"
SSO = f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Developer_0123456789abcdef"
CANARY = "5ec4e7ca9a4y5ec4e7ca9a4y5ec4e7ca9a4y"
_numbers = itertools.count(1)


def z(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_stack_id(region: str = REGION) -> str:
    n = next(_numbers)
    return f"arn:aws:cloudformation:{region}:{ACCOUNT}:stack/SC-{ACCOUNT}-pp-{n:013x}/00000000-0000-0000-0000-{n:012x}"


def wait_url(
    stack_id: str, handle: str = "ApprovalHandle", *, host: str = "", expires: int = 43199, now: datetime
) -> str:
    host = host or f"https://cloudformation-waitcondition-{REGION}.s3.amazonaws.com"
    signed = f"X-Amz-Date={now:%Y%m%dT%H%M%SZ}&X-Amz-Expires={expires}&X-Amz-Signature={CANARY}"
    return f"{host}/{quote(stack_id, safe='/')}/{handle}?{signed}"


def parameter(name: str, value: str | None, sha256: str = "") -> dict[str, Any]:
    digest = sha256 or sha256_hex((value or "").encode("utf-8", "replace"))
    return {"name": name, "value": value, "no_echo": value == "****", "sha256": digest, "length": len(value or "")}


def launch(now: datetime, **changes: Any) -> dict[str, Any]:
    """A launch envelope; `changes` replace keys (before the fingerprint is taken), `url` and `timeout` the hold's."""
    stack_id = changes.pop("stack_id", None) or new_stack_id()
    gate = changes.pop("logical_id", "ApprovalRequest")
    url = changes.pop("url", None) or wait_url(stack_id, now=now)
    hold = {"kind": "wait_handle", "url": url, "handle": "ApprovalHandle", "wait": "ApprovalWait"}
    envelope: dict[str, Any] = {
        "version": 1,
        "kind": "launch",
        "id": f"request-{sha256_hex(stack_id + gate)[:16]}",
        "sent_at": z(now),
        "stack_id": stack_id,
        "event": "Create",
        "logical_id": gate,
        "hold": {**hold, "timeout": changes.pop("timeout", 42600)},
        "gate": {"receipt": True, "gate_updates": False},
        "stack": {
            "name": stack_id.split("/")[1],
            "status": changes.pop("status", "CREATE_IN_PROGRESS"),
            "created_at": z(now),
            "parent_id": "",
            "role_arn": "",
            "capabilities": [],
            "tags": {},
        },
        "product": {
            "product_id": "prod-wordpress",
            "product_arn": f"arn:aws:catalog:{REGION}:{ACCOUNT}:product/prod-wordpress",
            "portfolio_arn": f"arn:aws:catalog:{REGION}:{ACCOUNT}:portfolio/port-1",
            "provisioned_product_arn": f"arn:aws:servicecatalog:{REGION}:{ACCOUNT}:stack/blog/pp-1",
            "artifact_id": "pa-1",
        },
        "requester": {"principal_arn": f"{SSO}/rita@example.com", "email": "rita@example.com"},
        "parameters": [parameter("InstanceType", "t3.micro"), parameter("Password", "****")],
        "template": {
            "sha256": "0" * 64,
            "description": "A blog",
            "resource_types": {"AWS::EC2::Instance": 1},
            "resources": [{"id": "Web", "type": "AWS::EC2::Instance"}],
            "cut": False,
        },
    } | changes
    return sealed(envelope)


def sealed(envelope: dict[str, Any]) -> dict[str, Any]:
    """The envelope with the fingerprint that follows from what it says."""
    digest = fingerprint.compute(
        stack_id=envelope["stack_id"],
        gate=envelope["logical_id"],
        url_sha256=envelope["hold"].get("wait_url_sha256")
        or sha256_hex(envelope["hold"]["url"].encode("utf-8", "replace")),
        parameters={p["name"]: p["sha256"] for p in envelope["parameters"]},
        principal_arn=envelope["requester"]["principal_arn"],
        template_sha256=envelope["template"]["sha256"],
    )
    return envelope | {"fingerprint": digest, "physical_id": f"gatehouse-{digest}"}


def response_url(opened: dict[str, Any], request_id: str, now: datetime, host: str = "") -> str:
    """As CloudFormation signs them, for two hours; `host` as in `wait_url`."""
    bucket = f"cloudformation-custom-resource-response-{REGION.replace('-', '')}"
    host = f"{host}/{bucket}" if host else f"https://{bucket}.s3.amazonaws.com"
    key = quote(f"{opened['stack_id']}|{opened['logical_id']}|{request_id}", safe="/")
    return f"{host}/{key}?X-Amz-Date={now:%Y%m%dT%H%M%SZ}&X-Amz-Expires=7200&X-Amz-Signature={CANARY}"


def update(
    opened: dict[str, Any], now: datetime, *, host: str = "", timeout: int = 3600, **changes: Any
) -> dict[str, Any]:
    """The held update of a launched stack's parameters; `changes` replace keys, e.g. parameters."""
    request_id = changes.pop("id", f"update-{next(_numbers)}")
    hold = {
        "kind": "response",
        "url": changes.pop("url", None) or response_url(opened, request_id, now, host),
        "handle": "",
        "wait": "",
        "timeout": timeout,
        "request_id": request_id,
        "physical_id": opened["physical_id"],
        "wait_url_sha256": sha256_hex(opened["hold"]["url"]),
    }
    stack = opened["stack"] | {"status": "UPDATE_IN_PROGRESS"}
    gate = {"receipt": True, "gate_updates": True}
    changed = {"id": request_id, "sent_at": z(now), "event": "Update", "stack": stack, "gate": gate, "hold": hold}
    return sealed(opened | changed | changes)


def link_decision(opened: dict[str, Any], at: datetime, verdict: str = "approved", **changes: Any) -> dict[str, Any]:
    """What the approve function tells the desk."""
    unique_id = changes.pop("unique_id", f"gh-link{next(_numbers):022d}")
    kept = ("version", "stack_id", "logical_id", "fingerprint")
    said = {"verdict": verdict, "by": "Grace", "reason": "", "at": z(at), "unique_id": unique_id}
    return (
        {name: opened[name] for name in kept} | {"kind": "decision", "id": unique_id, "sent_at": z(at)} | said | changes
    )


def deleted(opened: dict[str, Any], status: str, at: datetime) -> dict[str, Any]:
    kept = ("version", "kind", "stack_id", "logical_id", "physical_id", "fingerprint")
    return {name: opened[name] for name in kept} | {
        "id": f"{opened['id']}-delete",
        "sent_at": z(at),
        "event": "Delete",
        "stack": {"name": opened["stack"]["name"], "status": status},
    }


def status(stack_id: str, status: str, at: datetime, reason: str = "", **resource: str) -> dict[str, Any]:
    """Of the stack, or of the resource `logical_id`, `resource_type`."""
    return {
        "version": 1,
        "kind": "status",
        "id": f"event-{next(_numbers)}",
        "sent_at": z(at),
        "stack_id": stack_id,
        "scope": "resource" if resource else "stack",
        "status": status,
        "reason": reason,
        "at": z(at),
        "logical_id": resource.get("logical_id", ""),
        "resource_type": resource.get("resource_type", ""),
        "physical_id": "",
    }


def wait_status(
    stack_id: str, word: str, at: datetime, reason: str = "", logical_id: str = "ApprovalWait"
) -> dict[str, Any]:
    return status(stack_id, word, at, reason, logical_id=logical_id, resource_type="AWS::CloudFormation::WaitCondition")


def receipt_status(stack_id: str, word: str, at: datetime, logical_id: str) -> dict[str, Any]:
    return status(stack_id, word, at, logical_id=logical_id, resource_type="Custom::ApprovalReceipt")


def alarm(opened: dict[str, Any], code: str, at: datetime) -> dict[str, Any]:
    return {
        "version": 1,
        "kind": "alarm",
        "id": f"alarm-{next(_numbers)}",
        "sent_at": z(at),
        "stack_id": opened["stack_id"],
        "code": code,
        "logical_id": "ApprovalReceipt",
        "fingerprint": opened["fingerprint"],
        "reason": "No receipt of the desk",
    }


def text(envelope: dict[str, Any]) -> str:
    return json.dumps(envelope)
