"""PUTs to wait and response URLs, answered as S3 does (aws-facts §1.3): stored means 200, used or not."""

import asyncio
import hashlib
import json
import secrets
from collections import deque
from datetime import UTC, datetime
from typing import Any

from sandbox import faults
from sandbox.patches import custom_resources, wait_conditions
from sandbox.presigned import EXPIRED_TOKEN, WAIT_BUCKET, Refusal, Signer, bucket_and_key

Answer = tuple[int, dict[str, str], bytes]
puts: deque[dict[str, Any]] = deque(maxlen=2000)
REFUSALS = {
    "ExpiredToken": EXPIRED_TOKEN,
    "InternalError": Refusal(500, "InternalError", "We encountered an internal error. Please try again."),
    "SlowDown": Refusal(503, "SlowDown", "Please reduce your request rate."),
}


async def handle(signer: Signer, method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Answer:
    """Answer one request to a URL of ours; `path` and `query` exactly as they came."""
    bucket, key = bucket_and_key(path) or ("", "")
    refusal = signer.refuse(method, path, query, headers.get("host", ""), headers.get("content-type", ""))
    if refusal:
        return _answer(key, body, refusal, effective=False)
    if not bucket.startswith(WAIT_BUCKET):
        return _answer(key, body, None, effective=custom_resources.receive(key, body))
    planned = faults.next_put(key.split(":")[4] if key.count(":") > 4 else "")
    effective = planned.stored and wait_conditions.receive(key, body)
    if planned.delay:
        await asyncio.sleep(planned.delay)
    return _answer(key, body, _planned(planned), effective=effective)


def _planned(answer: faults.Answer) -> Refusal | None:
    if answer.status == 200:
        return None
    known = REFUSALS.get(answer.code)
    if known and known.status == answer.status:
        return known
    return Refusal(answer.status, answer.code, "Access Denied" if answer.status == 403 else answer.code)


def _answer(key: str, body: bytes, refusal: Refusal | None, *, effective: bool) -> Answer:
    puts.append(
        {
            "time": datetime.now(UTC).isoformat(),
            "key": key,
            "status": refusal.status if refusal else 200,
            "sha256": hashlib.sha256(body).hexdigest(),
            "UniqueId": _unique_id(body),
            "effective": effective,
        }
    )
    ids = {
        "x-amz-request-id": secrets.token_hex(8).upper(),
        "x-amz-id-2": secrets.token_urlsafe(56),
        "server": "AmazonS3",
    }
    if refusal:
        return refusal.status, {**ids, "content-type": "application/xml"}, refusal.body()
    etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
    return 200, {**ids, "etag": f'"{etag}"', "x-amz-version-id": secrets.token_urlsafe(24)}, b""


def _unique_id(body: bytes) -> str | None:
    try:
        signal = json.loads(body)
    except ValueError:
        return None
    return signal.get("UniqueId") if isinstance(signal, dict) else None
