"""Decided launches whose wait URL leads to a listener of the test, and a KMS that signs with a key of the test."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from approvals import actions
from approvals.actor import Actor
from approvals.canonical import sha256_hex
from approvals.choices import Channel
from approvals.models import LaunchRequest, Signal
from portal.accounts.models import User
from tests.support.launches import INTAKE, launch_facts

KEY_ARN = "arn:aws:kms:us-east-1:111122223333:key/2f1c2f1c"
CANARY = "c4n4ry"


class Key:
    """Signs as KMS does: DER over SHA-256."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.signed = 0

    def __call__(self, key: str, message: bytes) -> bytes:
        self.signed += 1
        return self.private.sign(message, ec.ECDSA(hashes.SHA256()))


def launch_at(origin: str, now: datetime, *, region: str = "us-east-1", **changes: Any) -> LaunchRequest:
    """An open launch in `region` that waits at `origin`; its URL carries CANARY."""
    facts = launch_facts(now)
    stack_id = facts.stack_id.replace("us-east-1", region)
    url = (
        f"{origin}/cloudformation-waitcondition-{region}/{quote(stack_id, safe='')}/ApprovalHandle"
        f"?X-Amz-Signature={CANARY}{secrets.token_hex(4)}"
    )
    assert facts.hold is not None
    hold = replace(facts.hold, url=url, url_sha256=sha256_hex(url))
    expires_at = changes.pop("expires_at", None)
    if expires_at:
        hold = replace(hold, expires_at=expires_at)
    facts = replace(facts, hold=hold, stack_id=stack_id, region=region, fingerprint=sha256_hex(url), **changes)
    return actions.open_request(facts, actor=INTAKE, now=now)


def approved(person: User, origin: str, now: datetime, **changes: Any) -> Signal:
    request = launch_at(origin, now, **changes)
    actions.approve(request.pk, actor=Actor(person, Channel.DESK), now=now)
    return Signal.objects.select_related("request", "hold").get(request=request)


def rejected(person: User, origin: str, now: datetime, reason: str, **changes: Any) -> Signal:
    request = launch_at(origin, now, **changes)
    actions.reject(request.pk, actor=Actor(person, Channel.DESK), now=now, reason=reason)
    return Signal.objects.select_related("request", "hold").get(request=request)
