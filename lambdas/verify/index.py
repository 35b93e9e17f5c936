"""Checks the desk's receipt: the function behind `Custom::ApprovalReceipt`.

The invariant: a stack passes only with a receipt that says "approved" for this stack and this fingerprint,
signed by a key this function was given; the receipt itself never says which key to trust. Whatever cannot
be checked stops the stack. Only a missing, malformed or wrongly signed receipt is called a bypass, and the
alarm goes out only after S3 took the answer, which proves that CloudFormation asked. A stack that is
deleted or rolled back is never held up. The self-test lets nothing pass and tells nobody anything but whether
each key can be asked.
"""

import base64
import json
import os
import re
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.shared import (
    Request,
    answer,
    call,
    client,
    code_of,
    envelope_of,
    log,
    message_of,
    publish,
    request_of,
    sha256,
)

COMPACT = re.compile(r"[\w-]{1,1000}\.[\w-]{1,1500}\.[\w-]{86}", re.ASCII)
SELF_TEST = "Custom::GatehouseSelfTest"
BYPASS = (
    "This stack was stopped: its wait was ended by a signal without a valid approval of the desk. "
    "Please ask for approval at the desk and launch again."
)
COULD_NOT_CHECK = (
    "The approval could not be checked ({}), so the stack was stopped. Nobody decided against it: "
    "please launch again, or tell your administrator."
)


@dataclass(frozen=True)
class Receipt:
    """A compact JWS (ES256) with a key of ours and a statement that fits; its signature is unchecked."""

    text: str
    key: str
    signed: bytes
    signature: bytes


def allowed_keys() -> list[str]:
    return os.environ["ALLOWED_KEYS"].replace(" ", "").split(",")


def part_of(text: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def receipt_in(text: object, request: Request) -> Receipt | None:
    """The receipt, if it is one of an approval of this stack and fingerprint; None for anything else."""
    if not isinstance(text, str) or not COMPACT.fullmatch(text):
        return None
    head, payload, signature = text.split(".")
    try:
        header, statement = part_of(head), part_of(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(header, dict) or not isinstance(statement, dict):
        return None
    fingerprint = request.properties.get("Fingerprint")
    wanted = {"v": 1, "stack": request.stack.id, "fp": fingerprint, "decision": "approved"}
    if header.get("alg") != "ES256" or header.get("kid") not in allowed_keys() or "crit" in header:
        return None
    if not fingerprint or any(statement.get(name) != value for name, value in wanted.items()):
        return None
    raw = base64.urlsafe_b64decode(signature + "==")
    return Receipt(text, header["kid"], f"{head}.{payload}".encode(), der(raw))


def der(raw: bytes) -> bytes:
    """KMS speaks DER, a JWS the two bare numbers r and s, 32 bytes each (RFC 7518 section 3.4)."""

    def integer(number: bytes) -> bytes:
        number = number.lstrip(b"\0") or b"\0"
        number = b"\0" + number if number[0] & 0x80 else number
        return b"\x02" + bytes([len(number)]) + number

    body = integer(raw[:32]) + integer(raw[32:])
    return b"\x30" + bytes([len(body)]) + body


def is_signed(receipt: Receipt, deadline: float | None) -> bool:
    """Whether KMS finds the signature right; asked once where there is no deadline. Raises when it cannot say."""
    verify = client("kms", receipt.key.split(":")[3]).verify
    asked = {
        "KeyId": receipt.key,
        "Message": receipt.signed,
        "MessageType": "RAW",
        "Signature": receipt.signature,
        "SigningAlgorithm": "ECDSA_SHA_256",
    }
    try:
        verdict = verify(**asked) if deadline is None else call(deadline, verify, **asked)
    except ClientError as error:
        if code_of(error) == "KMSInvalidSignatureException":
            return False
        raise
    return verdict["SignatureValid"] is True


def receipts_of(request: Request) -> list[Receipt]:
    """All that may be a receipt: every signal's Data, and the one that answered a parameter update.

    Those the resource had before count too: an update that asks nobody answers with no receipt and with the
    fingerprint there was, which is the one the old receipt is for.
    """
    texts: list[object] = []
    for properties in (request.properties, request.old_properties):
        data = properties.get("Data")
        try:
            entries = json.loads(data) if isinstance(data, str) else data
        except (ValueError, RecursionError):
            entries = None
        texts += [*(entries.values() if isinstance(entries, dict) else ()), properties.get("Receipt")]
    return [receipt for text in dict.fromkeys(map(str, texts)) if (receipt := receipt_in(text, request))]


def self_test(deadline: float | None) -> dict[str, str]:
    """What each allowed key says to a signature that cannot be right; anything but "wrong signature" is trouble."""
    said = {}
    for key in allowed_keys():
        try:
            right = is_signed(Receipt("", key, b"self-test", der(b"\1" * 64)), deadline)
            said[key] = "could not check: SignatureValid" if right else "wrong signature"
        except Exception as error:  # noqa: BLE001 - the trouble is what is asked for
            said[key] = f"could not check: {code_of(error)}"
    log("self-test", **said)
    return said


def judge_keys(request: Request) -> tuple[str, str]:
    """As `judge`, for the resource by which a deployment asks whether its receipts can be checked."""
    if request.type == "Delete":
        return "", ""
    said = self_test(request.deadline)
    if all(words == "wrong signature" for words in said.values()) or is_rolled_back(request):
        return "", ""
    return "self_test", f"Receipts cannot be checked: {', '.join(f'{key} {words}' for key, words in said.items())}."


def is_rolled_back(request: Request) -> bool:
    """Whether the stack goes back to what was approved before; then nothing new is decided."""
    try:
        read = client("cloudformation").describe_stacks
        found = call(request.deadline, read, StackName=request.stack.id)["Stacks"][0]
    except (ClientError, BotoCoreError, TimeoutError) as error:
        log("the stack's status cannot be read", error=code_of(error), stack=request.stack.id)
        return False
    return str(found["StackStatus"]).startswith("UPDATE_ROLLBACK")


def judge(request: Request) -> tuple[str, str]:
    """What stops the stack: ("", the receipt) for nothing, else (alarm code, a sentence)."""
    if request.type == "Delete":
        return "", ""
    receipts = receipts_of(request)
    if is_rolled_back(request):
        return "", receipts[0].text if receipts else ""
    trouble = ""
    for receipt in receipts:
        try:
            if is_signed(receipt, request.deadline):
                return "", receipt.text
        except Exception as error:  # noqa: BLE001 - what cannot be checked must stop the stack
            trouble = code_of(error)
            log("the receipt cannot be checked", error=trouble, stack=request.stack.id)
    return ("could_not_check", COULD_NOT_CHECK.format(trouble)) if trouble else ("bypass", BYPASS)


def handler(event: Any, context: Any) -> dict[str, Any] | None:
    """Lambda's entry. Raises Refused before anything was done when there is nobody it may answer."""
    if event == {"self_test": True}:
        # The doctor waits for this. A deployment has time, and a new role's rights may take some to arrive.
        return {"keys": self_test(None)}
    request = request_of(event, context)
    tests_keys = event.get("ResourceType") == SELF_TEST
    log("asked", type=request.type, request=request.id, stack=request.stack.id, resource=request.logical_id)
    name = f"gatehouse-receipt-{sha256(request.stack.id + request.logical_id)[:32]}"
    try:
        code, words = judge_keys(request) if tests_keys else judge(request)
    except Exception as error:  # noqa: BLE001 - CloudFormation waits for an answer, whatever went wrong
        code, words = "could_not_check", COULD_NOT_CHECK.format(code_of(error))
    if not code:
        answer(request, "SUCCESS", request.physical_id or name, data={"Receipt": words})
    elif answer(request, "FAILED", request.physical_id or name, words) and not tests_keys:
        alarm(request, code, words)
    return None


def alarm(request: Request, code: str, reason: str) -> None:
    fingerprint = str(request.properties.get("Fingerprint") or "")
    envelope = envelope_of(
        "alarm",
        request.id,
        request.stack,
        code=code,
        logical_id=request.logical_id,
        fingerprint=fingerprint if re.fullmatch(r"[0-9a-f]{64}", fingerprint) else "",
        reason=reason,
    )
    text = f"Stack {request.stack.name}, account {request.stack.account}, {request.stack.region}: {reason}"
    publish(request.deadline, "alarm", f"Alarm: {request.stack.name}", message_of(envelope, text))
