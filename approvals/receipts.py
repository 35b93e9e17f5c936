"""Receipts: the desk's signed word that it decided, and what.

Invariant: only a decision row is ever signed, over the fingerprint the desk stored (what was shown is what
was signed); the statement holds ids, digests and numbers and no name. The key signs nothing else. Only the
worker has the right to sign. Form: compact JWS, ES256, `kid` = ARN of the KMS key (design §2).
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from django.conf import settings

from approvals.canonical import canonical
from approvals.models import Decision, Hold, LaunchRequest
from catalog import aws

VERSION = 1
_COORDINATE_BYTES = 32  # P-256
# Of KMS's errors, those that no later try heals by itself.
_PERMANENT = frozenset(
    {
        "AccessDeniedException",
        "DisabledException",
        "InvalidArnException",
        "InvalidKeyUsageException",
        "KMSInvalidStateException",
        "NotFoundException",
        "UnsupportedOperationException",
        "ValidationException",
    }
)


class Unsigned(Exception):
    """There is no receipt. The message is a code, fit for logs and pages."""

    def __init__(self, code: str, *, permanent: bool) -> None:
        super().__init__(code)
        self.permanent = permanent


def receipt_of(request: LaunchRequest, hold: Hold, now: datetime) -> str:
    """The compact JWS for the request's decision; the empty string when nobody decided (a withdrawal).

    Raises `Unsigned`.
    """
    decision = Decision.objects.filter(request=request).first()
    return sign(statement(request, hold, decision, now)) if decision else ""


def statement(request: LaunchRequest, hold: Hold, decision: Decision, now: datetime) -> dict[str, Any]:
    """What the receipt says."""
    return {
        "v": VERSION,
        "stack": request.stack_id,
        "fp": hold.fingerprint,
        "decision": decision.verdict,
        "request": request.number,
        "approvers": decision.approvers,
        "record": decision.record_sha256,
        "iat": int(now.timestamp()),
    }


def sign(payload: dict[str, Any]) -> str:
    """Compact JWS over `payload`, signed by KMS with `settings.GATEHOUSE_SIGNING_KEY`. Raises `Unsigned`."""
    key = settings.GATEHOUSE_SIGNING_KEY
    if not key:
        raise Unsigned("no_signing_key", permanent=True)
    signed = b".".join(_base64(canonical(part)) for part in ({"alg": "ES256", "kid": key}, payload))
    return (signed + b"." + _base64(raw_signature(_kms_sign(key, signed)))).decode("ascii")


def _kms_sign(key: str, message: bytes) -> bytes:
    try:
        answer = aws.client("kms", aws.region_of(key)).sign(
            KeyId=key, Message=message, MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256"
        )
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "ClientError")
        raise Unsigned(code, permanent=code in _PERMANENT) from None
    except BotoCoreError as error:
        # No way to KMS, no credentials yet: these pass. A key that is no ARN does not.
        name = type(error).__name__
        raise Unsigned(name, permanent=isinstance(error, ParamValidationError)) from None
    return answer["Signature"]


def raw_signature(der: bytes) -> bytes:
    """KMS answers DER; JWS wants r and s, 32 bytes each (RFC 7518 §3.4)."""
    r, s = decode_dss_signature(der)
    return r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")


def _base64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")
