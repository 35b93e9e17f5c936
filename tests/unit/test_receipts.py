import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from approvals import receipts
from approvals.models import Decision, Hold, LaunchRequest
from catalog import aws

KEY = "arn:aws:kms:eu-west-3:111122223333:key/0b1c"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Kms:
    """KMS with a real key, which keeps what it was asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.asked: list[dict[str, Any]] = []
        self.regions: list[tuple[str, str]] = []
        self.error = error

    def sign(self, **asked: Any) -> dict[str, bytes]:
        self.asked.append(asked)
        if self.error:
            raise self.error
        return {"Signature": self.key.sign(asked["Message"], ec.ECDSA(hashes.SHA256()))}


@pytest.fixture
def kms(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Kms:
    settings.GATEHOUSE_SIGNING_KEY = KEY
    fake = Kms()

    def client(service: str, region: str) -> Kms:
        fake.regions.append((service, region))
        return fake

    monkeypatch.setattr(aws, "client", client)
    return fake


def request() -> LaunchRequest:
    return LaunchRequest(pk=1042, stack_id="arn:aws:cloudformation:…:stack/SC-1/2", fingerprint="other")


def decision() -> Decision:
    return Decision(verdict="approved", approvers=1, record_sha256="a" * 64, reason="Rita asked nicely")


def decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_statement_is_about_the_fingerprint_the_hold_was_opened_with() -> None:
    said = receipts.statement(request(), Hold(fingerprint="f" * 64), decision(), NOW)
    assert said == {
        "v": 1,
        "stack": "arn:aws:cloudformation:…:stack/SC-1/2",
        "fp": "f" * 64,
        "decision": "approved",
        "request": "GH-1042",
        "approvers": 1,
        "record": "a" * 64,
        "iat": 1767225600,
    }


def test_receipt_is_a_compact_jws_that_the_public_key_verifies(kms: Kms) -> None:
    token = receipts.sign({"v": 1, "decision": "approved"})
    head, payload, signature = token.split(".")
    assert json.loads(decoded(head)) == {"alg": "ES256", "kid": KEY}
    assert decoded(payload) == b'{"decision":"approved","v":1}'
    raw = decoded(signature)
    assert len(raw) == 64
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    kms.key.public_key().verify(der, f"{head}.{payload}".encode(), ec.ECDSA(hashes.SHA256()))
    assert kms.asked[0]["MessageType"] == "RAW"
    assert kms.asked[0]["SigningAlgorithm"] == "ECDSA_SHA_256"
    assert kms.regions == [("kms", "eu-west-3")]


@pytest.mark.parametrize(("r", "s"), [(1, 2), (2**255, 1), (2**256 - 1, 2**248)])
def test_short_numbers_are_padded_to_32_bytes(r: int, s: int) -> None:
    raw = receipts.raw_signature(encode_dss_signature(r, s))
    assert (int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"), len(raw)) == (r, s, 64)


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "Sign"), True),
        (ClientError({"Error": {"Code": "DisabledException"}}, "Sign"), True),
        (ClientError({"Error": {"Code": "ThrottlingException"}}, "Sign"), False),
        (ClientError({"Error": {"Code": "KMSInternalException"}}, "Sign"), False),
        (EndpointConnectionError(endpoint_url="https://kms"), False),
    ],
)
def test_errors_of_kms_say_whether_they_pass(kms: Kms, error: Exception, permanent: bool) -> None:
    kms.error = error
    with pytest.raises(receipts.Unsigned) as caught:
        receipts.sign({"v": 1})
    assert caught.value.permanent is permanent


def test_nothing_is_signed_without_a_key(settings: Any) -> None:
    settings.GATEHOUSE_SIGNING_KEY = ""
    with pytest.raises(receipts.Unsigned, match="no_signing_key"):
        receipts.sign({"v": 1})


def test_withdrawal_has_no_receipt(kms: Kms, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = SimpleNamespace(objects=SimpleNamespace(filter=lambda **_: SimpleNamespace(first=lambda: None)))
    monkeypatch.setattr(receipts, "Decision", empty)
    assert receipts.receipt_of(request(), Hold(), NOW) == ""
    assert kms.asked == []
