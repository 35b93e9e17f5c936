"""Launches as intake hands them to the domain."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from approvals import actions, fingerprint
from approvals.actor import Actor
from approvals.canonical import sha256_hex
from approvals.choices import Channel, HoldKind, Kind
from approvals.facts import HoldFacts, LaunchFacts
from approvals.models import LaunchRequest

_numbers = itertools.count(1)
ACCOUNT, REGION = "111122223333", "us-east-1"
INTAKE = Actor.system(Channel.INTAKE)


def principal(email: str) -> str:
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Developer_0123456789abcdef/{email}"


def launch_facts(now: datetime, *, email: str = "rita@example.com", **changes: Any) -> LaunchFacts:
    """A fresh launch by `email`, waiting for 12 hours. `changes` replace any field; `url` replaces the wait URL."""
    n = next(_numbers)
    stack_name = f"SC-{ACCOUNT}-pp-{n:013d}"
    stack_id = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{stack_name}/00000000-0000-0000-0000-{n:012d}"
    url = changes.pop(
        "url", f"https://cloudformation-waitcondition-{REGION}.s3.amazonaws.com/{n}?X-Amz-Signature=s3cret"
    )
    parameters = changes.pop("parameters", [_parameter("InstanceType", "t3.micro")])
    facts = LaunchFacts(
        message_id=f"message-{n}",
        stack_id=stack_id,
        stack_name=stack_name,
        account=ACCOUNT,
        region=REGION,
        gate="ApprovalRequest",
        fingerprint=fingerprint.compute(
            stack_id=stack_id,
            gate="ApprovalRequest",
            url_sha256=sha256_hex(url),
            parameters={p["name"]: p["sha256"] for p in parameters},
            principal_arn=principal(email),
            template_sha256="0" * 64,
        ),
        kind=Kind.LAUNCH,
        sent_at=now,
        hold=HoldFacts(
            kind=HoldKind.WAIT_HANDLE,
            url=url,
            url_sha256=sha256_hex(url),
            dedupe_key=sha256_hex(f"{stack_id}|ApprovalRequest|{n}"),
            expires_at=now + timedelta(hours=12),
            handle="ApprovalHandle",
            wait="ApprovalWait",
            timeout=42600,
            deadline=now + timedelta(seconds=42600) - timedelta(minutes=5),
        ),
        has_receipt_gate=True,
        principal_arn=principal(email),
        typed_email=email,
        product_id="prod-wordpress",
        version_id="pa-1",
        parameters=parameters,
        template={"sha256": "0" * 64, "resources": [{"id": "Web", "type": "AWS::EC2::Instance"}]},
    )
    return replace(facts, **changes)


def _parameter(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "value": value, "no_echo": False, "sha256": sha256_hex(value), "length": len(value)}


def open_launch(now: datetime, **changes: Any) -> LaunchRequest:
    return actions.open_request(launch_facts(now, **changes), actor=INTAKE, now=now)
