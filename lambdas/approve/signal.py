"""What CloudFormation is told of a decision made by e-mail link, and how.

The invariant: an answer goes only to CloudFormation's own bucket under a key that names this stack, in the
bytes that the table fixed before the first try. An approval carries a receipt signed with the e-mail key; it
says `via: email`, so nobody takes it for one of the desk. A rejection needs none: nothing checks it, and it
must get out when KMS cannot be reached.
"""

import base64
import http.client
import json
import os
import time
from datetime import datetime

from lambdas.decisions import Launch
from lambdas.shared import (
    PUT_S,
    Refused,
    call,
    canonical,
    client,
    envelope_of,
    key_of,
    log,
    message_of,
    publish,
    put,
    sha256,
    stack_of,
)

BODY_AIM = 2048
LEAST_REASON = 300


def check_address(launch: Launch) -> None:
    """Raises Refused unless the launch's URL is CloudFormation's, for this very wait."""
    stack, url = stack_of(launch.stack), launch.hold.get("url")
    if launch.hold["kind"] == "response":
        bucket = f"cloudformation-custom-resource-response-{stack.region.replace('-', '')}"
        named = key_of(url, stack, bucket) == f"{stack.id}|{launch.gate}|{launch.hold['request_id']}"
    else:
        named = key_of(url, stack, f"cloudformation-waitcondition-{stack.region}").startswith(f"{stack.id}/")
    if not named:
        raise Refused("The URL is not one of this stack.")


def tell_desk(deadline: float, launch: Launch) -> None:
    """Publishes the decision, so that the desk knows of it before CloudFormation acts.

    Where there is a desk, a decision it did not hear of must not act: the error stops it, and another try
    publishes again (the desk knows it by its id). Without a desk nobody listens: the error is logged only.
    """
    made, stack = launch.decision, stack_of(launch.stack)
    told = {name: made[name] for name in ("verdict", "by", "reason", "at", "unique_id")}
    envelope = envelope_of(
        "decision", made["unique_id"], stack, logical_id=launch.gate, fingerprint=launch.fingerprint, **told
    )
    text = f"The launch of stack {stack.name} was {made['verdict']} by {made['by']}, by e-mail link."
    try:
        publish(deadline, "decision", f"Decided: {stack.name}", message_of(envelope, text))
    except Exception as error:
        if os.environ.get("DESK_URL"):
            raise
        log("the decision was not published", error=type(error).__name__, stack=stack.id)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw_signature(der: bytes) -> bytes:
    """KMS speaks DER, a JWS the two bare numbers r and s, 32 bytes each (RFC 7518 section 3.4)."""
    r_end = 4 + der[3]
    r, s = der[4:r_end], der[r_end + 2 :]
    return b"".join(int.from_bytes(number, "big").to_bytes(32, "big") for number in (r, s))


def receipt_of(deadline: float, launch: Launch) -> str:
    """The compact JWS (ES256) over the recorded decision."""
    key = os.environ["EMAIL_KEY"]
    statement = {
        "v": 1,
        "stack": launch.stack,
        "fp": launch.fingerprint,
        "decision": launch.decision["verdict"],
        "request": "",
        "approvers": 1,
        "record": sha256(canonical(launch.decision)),
        "iat": int(datetime.fromisoformat(launch.decision["at"]).timestamp()),
        "via": "email",
    }
    signed = ".".join(base64url(canonical(part)) for part in ({"alg": "ES256", "kid": key}, statement))
    signature = call(
        deadline,
        client("kms", key.split(":")[3]).sign,
        KeyId=key,
        Message=signed.encode(),
        MessageType="RAW",
        SigningAlgorithm="ECDSA_SHA_256",
    )["Signature"]
    return f"{signed}.{base64url(raw_signature(signature))}"


def fit(text: str, room: int) -> str:
    """As much of the text as takes at most `room` bytes as ASCII JSON."""
    while len(json.dumps(text)) - 2 > room:
        text = text[: -max(1, (len(json.dumps(text)) - 2 - room) // 12)]
    return text


def body_of(deadline: float, launch: Launch) -> str:
    """The signal, or for a held update the resource's answer: ASCII, about 2 KB at most (aws-facts 1.3, 2)."""
    made = launch.decision
    approved = made["verdict"] == "approved"
    receipt = receipt_of(deadline, launch) if approved else ""
    if launch.hold["kind"] == "response":
        body: dict[str, object] = {
            "Status": "SUCCESS" if approved else "FAILED",
            "PhysicalResourceId": f"gatehouse-{launch.fingerprint}" if approved else launch.hold["physical_id"],
            "StackId": launch.stack,
            "RequestId": launch.hold["request_id"],
            "LogicalResourceId": launch.gate,
            "Data": {"Fingerprint": launch.fingerprint, "Receipt": receipt} if approved else {},
        }
    else:
        body = {"Status": "SUCCESS" if approved else "FAILURE", "UniqueId": made["unique_id"], "Data": receipt}
    words = f"{made['verdict'].capitalize()} by {made['by']} by e-mail link"
    words += f": {made['reason']}" if made["reason"] else "."
    room = max(LEAST_REASON, BODY_AIM - len(json.dumps({**body, "Reason": ""})))
    return json.dumps({**body, "Reason": fit(words, room)})


def tell_cloudformation(deadline: float, url: str, body: str) -> int:
    """The HTTP status S3 answered with, 0 if it gave none in time. What may pass is tried again."""
    delay = 0.5
    while True:
        left = deadline - time.monotonic()
        try:
            status = put(url, body.encode(), max(1.0, min(PUT_S, left)))
        except (OSError, http.client.HTTPException) as error:
            log("no answer", error=type(error).__name__)
            status = 0
        if 200 <= status < 500 and status not in (408, 429):
            return status
        if left < delay + 1:
            return 0
        time.sleep(delay)
        delay *= 2
