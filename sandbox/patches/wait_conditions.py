"""Wait handles as S3 presigned URLs (aws-facts §1.1–1.3).

MiniStack's handle is `/_ministack/cfn-signal/<uuid>`: no expiry, no signature, no stack in its path; it refuses a
malformed signal instead of failing the wait, and forgets a handle that is gone instead of storing the object.

The invariant: signals count in the order they arrived, and the first that decides (a failure, nonsense, or the last
success that was missing) decides for good.
"""
# ruff: noqa: SLF001 - the store lives in MiniStack's private names

import json
import time
from typing import Any

from sandbox import faults
from sandbox.patches import live
from sandbox.patches.engine import cloudformation, ministack
from sandbox.presigned import WAIT_BUCKET, Signer, bucket_and_key

LIFE = 43199  # seconds: what AWS signs since 2026 (aws-facts §1.2)
LARGEST = 4096
UNPARSABLE = "Unparsable WaitCondition data"
HANDLE, CONDITION = "AWS::CloudFormation::WaitConditionHandle", "AWS::CloudFormation::WaitCondition"


def install(signer: Signer) -> None:
    """Replace MiniStack's handles; everything else of its wait conditions stays."""
    store, provisioners = cloudformation("wait_conditions"), cloudformation("provisioners")
    responses = ministack("core.responses")

    def create_handle(logical_id: str, _properties: dict[str, Any], stack_name: str) -> tuple[str, dict[str, str]]:
        stack_id = provisioners._cr_stack_id(stack_name)
        account, region = responses.get_account_id(), responses.get_region()
        key = f"{stack_id}/{responses.new_uuid()}/{logical_id}"
        url = signer.url(f"{WAIT_BUCKET}{region}", key, region, faults.wait_url_expires(account, LIFE))
        with store._lock:
            store._handles[key] = {"stack_id": stack_id, "url": True, "signals": {}}
        return url, {"Ref": url, "Id": key}

    def create_condition(logical_id: str, properties: dict[str, Any], stack_name: str) -> tuple[str, dict[str, str]]:
        handle = _key_of(properties.get("Handle"))
        if handle:
            live.started(stack_name, logical_id, handle)
        physical_id, attributes = provisioners._cfn_wait_condition_create(logical_id, properties, stack_name)
        return (handle, {**attributes, "Id": handle}) if handle else (physical_id, attributes)

    store._token_of = _key_of
    store.wait_for = _wait_for
    handlers = provisioners._RESOURCE_HANDLERS
    handlers[HANDLE] = {**handlers[HANDLE], "create": create_handle}
    handlers[CONDITION] = {**handlers[CONDITION], "create": create_condition}


def receive(key: str, body: bytes) -> bool:
    """Take an object stored under a handle's key as a signal. True when it may still have an effect."""
    store = cloudformation("wait_conditions")
    signal = _parse(body)
    with store._changed:
        handle = store._handles.get(key)
        if handle is None or signal["UniqueId"] in handle["signals"]:
            return False
        handle["signals"][signal["UniqueId"]] = signal
        store._changed.notify_all()
        return not handle.get("ended")


def abort(stack_id: str, reason: str) -> None:
    """End every wait of a stack with `reason`."""
    store = cloudformation("wait_conditions")
    with store._changed:
        for (owner, _), waiter in store._waiting.items():
            if owner == stack_id:
                waiter["aborted"] = reason
        store._changed.notify_all()


def _parse(body: bytes) -> dict[str, Any]:
    nonsense = {"Status": UNPARSABLE, "UniqueId": "", "Reason": "", "Data": ""}
    if len(body) > LARGEST:
        return nonsense
    try:
        signal = json.loads(body)
    except ValueError:
        return nonsense
    if not isinstance(signal, dict) or signal.get("Status") not in ("SUCCESS", "FAILURE"):
        return nonsense
    unique_id = signal.get("UniqueId")
    if not isinstance(unique_id, str) or not unique_id:
        return nonsense
    return {"Reason": "", "Data": "", **signal}


def _key_of(url: Any) -> str | None:
    """The object key of a wait URL, which is also how MiniStack's store calls the handle."""
    if not isinstance(url, str) or "://" not in url:
        return None
    found = bucket_and_key("/" + url.split("://", 1)[1].partition("/")[2].partition("?")[0])
    return found[1] if found and found[0].startswith(WAIT_BUCKET) else None


def _wait_for(
    token: str,
    stack_id: str,
    stack_name: str,
    logical_id: str,
    resource_type: str,
    count: int,
    timeout_s: float,
) -> dict[str, Any]:
    """Block until `count` successes arrived: {UniqueId: Data}. Raises with AWS's sentence when it ends otherwise."""
    store = cloudformation("wait_conditions")
    deadline = time.monotonic() + timeout_s
    waiter: dict[str, Any] = {"token": token, "stack_name": stack_name, "resource_type": resource_type}
    with store._changed:
        handle = store._handles.get(token) or {"signals": {}, "url": False}
        store._waiting[stack_id, logical_id] = waiter
        try:
            while (data := _decided(handle["signals"], count)) is None:
                if "aborted" in waiter:
                    raise RuntimeError(waiter["aborted"])
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    received = len(handle["signals"])
                    raise TimeoutError(
                        f"WaitCondition timed out. Received {received} conditions when expecting {count}"
                    )
                store._changed.wait(timeout=remaining)
            return data
        finally:
            handle["ended"] = True
            store._waiting.pop((stack_id, logical_id), None)
            if not handle["url"]:
                store._handles.pop(token, None)


def _decided(signals: dict[str, dict[str, Any]], count: int) -> dict[str, Any] | None:
    successes: dict[str, Any] = {}
    for unique_id, signal in signals.items():
        if signal["Status"] == UNPARSABLE:
            raise RuntimeError(UNPARSABLE)
        if signal["Status"] == "FAILURE":
            raise RuntimeError(f"WaitCondition received failed message: '{signal['Reason']}' for uniqueId: {unique_id}")
        successes[unique_id] = signal["Data"]
        if len(successes) >= count:
            return successes
    return None
