"""SNS messages really signed, with a key and certificate of the sandbox's own (aws-facts §4.1).

MiniStack sends the word FAKE. As on AWS the topic's attribute SignatureVersion chooses SHA-256 (`2`) or SHA-1 (`1`,
the default): a topic whose template forgets it is noticed here and not in production.
"""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from sandbox import state

Message = dict[str, Any]
NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def string_to_sign(message: Message) -> bytes:
    """`Key\\nValue\\n` pairs in byte order; Subject only where the message has one."""
    names = NOTIFICATION if message["Type"] == "Notification" else CONFIRMATION
    return "".join(f"{name}\n{message[name]}\n" for name in names if name in message).encode()


class MessageSigner:
    """Holds the key; `origin` is where the certificate is served."""

    def __init__(self, origin: str) -> None:
        document = state.load("sns") or _issue()
        state.save("sns", document)
        key = serialization.load_pem_private_key(document["key"].encode(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("the kept SNS key is no RSA key")
        self._key = key
        self.certificate = document["certificate"].encode()
        digest = hashlib.sha256(self.certificate).hexdigest()[:32]
        self.path = f"/_gatehouse/sns/SimpleNotificationService-{digest}.pem"
        self._url = f"{origin}{self.path}"

    def sign(self, message: Message, version: str) -> Message:
        """The message with SignatureVersion, Signature and SigningCertURL."""
        algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 - version 1 is SHA-1 on AWS
        signature = self._key.sign(string_to_sign(message), padding.PKCS1v15(), algorithm)
        return {
            **message,
            "SignatureVersion": version,
            "Signature": base64.b64encode(signature).decode(),
            "SigningCertURL": self._url,
        }


def _issue() -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {"key": private.decode(), "certificate": certificate.public_bytes(pem).decode()}
