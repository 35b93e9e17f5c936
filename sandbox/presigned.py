"""URLs signed like S3's: made with botocore, checked by hand over the exact bytes that arrived (aws-facts §1.2, §1.3).

The invariant: a URL of ours is accepted only unchanged, with PUT, without a Content-Type, until it expires. The
signing secret is kept in the sandbox's state, so a URL outlives a restart.
"""

import hashlib
import hmac
import re
import secrets
import string
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, unquote
from xml.sax.saxutils import escape

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox import state

WAIT_BUCKET = "cloudformation-waitcondition-"
RESPONSE_BUCKET = "cloudformation-custom-resource-response-"
_PATH = re.compile(rf"^/((?:{WAIT_BUCKET}|{RESPONSE_BUCKET})[a-z0-9-]+)/(.+)$")
_TOKEN_BYTES = 680  # base64 makes ~907 characters of it, as seen on AWS in 2026


@dataclass(frozen=True)
class Refusal:
    """An S3 error answer."""

    status: int
    code: str
    message: str
    detail: str = ""

    def body(self) -> bytes:
        """The XML S3 sends; `detail` is XML already."""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{self.code}</Code><Message>{escape(self.message)}</Message>{self.detail}"
            f"<RequestId>{secrets.token_hex(8).upper()}</RequestId><HostId>{secrets.token_urlsafe(56)}</HostId></Error>"
        ).encode()


MISMATCH = Refusal(
    403,
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
)
EXPIRED_TOKEN = Refusal(400, "ExpiredToken", "The provided token has expired.")


def bucket_and_key(path: str) -> tuple[str, str] | None:
    """(bucket, decoded key) when `path` (as sent, percent-encoded) is one of our two kinds of bucket."""
    found = _PATH.match(path)
    return (found[1], unquote(found[2])) if found else None


def _credentials() -> Credentials:
    document = state.load("presigned")
    if not document:
        alphabet = string.ascii_uppercase + "234567"
        document = {
            "key": "ASIA" + "".join(secrets.choice(alphabet) for _ in range(16)),
            "secret": secrets.token_urlsafe(30),
            "token": "IQoJb3JpZ2luX2Vj" + secrets.token_urlsafe(_TOKEN_BYTES - 12),
        }
        state.save("presigned", document)
    return Credentials(document["key"], document["secret"], document["token"])


class Signer:
    """Makes and checks the URLs of one sandbox; `origin` is `http://host:port`."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._credentials = _credentials()

    def url(self, bucket: str, key: str, region: str, expires: int) -> str:
        """A URL that allows PUT of `bucket`/`key` for `expires` seconds."""
        request = AWSRequest(method="PUT", url=f"{self.origin}/{bucket}/{quote(key, safe='/')}")
        S3SigV4QueryAuth(self._credentials, "s3", region, expires=expires).add_auth(request)
        return str(request.url)

    def refuse(
        self, method: str, path: str, query: str, host: str, content_type: str, now: datetime | None = None
    ) -> Refusal | None:
        """Why S3 would not take this request, or None. `path` and `query` exactly as they came."""
        now = now or datetime.now(UTC)
        values = dict(parse_qsl(query))
        try:
            signed_at = datetime.strptime(values["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            ends = signed_at + timedelta(seconds=int(values["X-Amz-Expires"]))
            unsigned, _, signature = query.rpartition("&X-Amz-Signature=")
            scope = values["X-Amz-Credential"].split("/", 1)
        except (KeyError, ValueError):
            return Refusal(403, "AccessDenied", "Access Denied")
        if now > ends:
            return _has_expired(values["X-Amz-Expires"], ends, now)
        expected = self._signature(method, path, unsigned, host, values["X-Amz-Date"], scope[-1])
        intact = scope[0] == self._credentials.access_key and hmac.compare_digest(expected, signature)
        return MISMATCH if content_type or not intact else None

    def _signature(self, method: str, path: str, query: str, host: str, date: str, scope: str) -> str:
        """AWS Signature Version 4, query form, `host` the only signed header."""
        canonical = "\n".join((method, path, _sorted(query), f"host:{host}\n", "host", "UNSIGNED-PAYLOAD"))
        text = "\n".join(("AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()))
        key = b"AWS4" + str(self._credentials.secret_key).encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _sorted(query: str) -> str:
    return "&".join(sorted(query.split("&")))


def _has_expired(expires: str, ends: datetime, now: datetime) -> Refusal:
    detail = (
        f"<X-Amz-Expires>{expires}</X-Amz-Expires><Expires>{ends:%Y-%m-%dT%H:%M:%SZ}</Expires>"
        f"<ServerTime>{now:%Y-%m-%dT%H:%M:%SZ}</ServerTime>"
    )
    return Refusal(403, "AccessDenied", "Request has expired", detail)
