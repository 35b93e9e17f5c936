"""An Amazon SNS of our own: signs messages, and its certificate is served from memory."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from tests.support.envelopes import TOPIC

CERT_URL = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}


@cache
def _key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def certificate(bits: int = 2048) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(_key(bits).public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(_key(bits), hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)


@dataclass
class Topic:
    """`served` is what the certificate URLs answer: PEM, or an exception to raise."""

    arn: str = TOPIC
    served: dict[str, bytes | Exception] = field(default_factory=lambda: {CERT_URL: certificate()})
    fetched: list[str] = field(default_factory=list)

    def fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        answer = self.served[url]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def notification(self, message: str, now: datetime, **changes: Any) -> dict[str, Any]:
        return self.sign(
            {
                "Type": "Notification",
                "MessageId": str(uuid4()),
                "TopicArn": self.arn,
                "Subject": "A launch waits",
                "Message": message,
                "Timestamp": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z",
                "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
                "MessageAttributes": {"kind": {"Type": "String", "Value": "launch"}},
            }
            | changes
        )

    def sign(self, fields: dict[str, Any], *, bits: int = 2048, version: str = "2") -> dict[str, Any]:
        names = [name for name in SIGNED[fields["Type"]] if fields.get(name) is not None]
        text = "".join(f"{name}\n{fields[name]}\n" for name in names).encode("utf-8", "replace")
        digest = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303
        signature = _key(bits).sign(text, padding.PKCS1v15(), digest)
        return {name: value for name, value in fields.items() if value is not None} | {
            "SignatureVersion": version,
            "Signature": base64.b64encode(signature).decode(),
            "SigningCertURL": CERT_URL,
        }

    def raw(self, message: str, now: datetime, **changes: Any) -> str:
        return json.dumps(self.notification(message, now, **changes))
