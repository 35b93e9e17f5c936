"""Keys used by ARN from another account, as their key policy allows (MiniStack: "not found"), and dry runs of Sign.

The caller's own policies were evaluated before the request gets here. Both must allow a call across accounts.
"""
# ruff: noqa: SLF001 - MiniStack's private names

import json
from typing import Any

from sandbox.patches import policies
from sandbox.patches.engine import ministack, replace


def install() -> None:
    """Serve a request for another account's key in that account, if the key's policy allows the caller."""
    kms, responses = ministack("services.kms"), ministack("core.responses")
    handle = kms.handle_request

    async def handle_request(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
        arn = _key_of(body)
        account, region = (arn.split(":")[4], arn.split(":")[3]) if arn else ("", "")
        if account in ("", responses.get_account_id()):
            return await handle(method, path, headers, body, query)
        action = f"kms:{headers.get('x-amz-target', '').rpartition('.')[2]}"
        caller = ministack("core.iam_evaluator").request_caller_arn(headers, query)
        here = region == responses.get_region()
        with responses.request_scope(account, region):
            key = kms._resolve_key(arn) if here else None
            if key is None or not policies.allows(key.get("Policy"), action, arn, caller):
                return _refused(caller, action, arn)
            return await handle(method, path, headers, body, query)

    sign = kms._sign

    def sign_or_dry_run(data: dict[str, Any]) -> Any:
        status, headers, body = sign(data)
        return kms._dry_run_error("Sign") if status == 200 and data.get("DryRun") else (status, headers, body)

    replace(handle, handle_request)
    replace(sign, sign_or_dry_run)


def _key_of(body: bytes) -> str:
    try:
        asked = json.loads(body or b"{}").get("KeyId", "")
    except (ValueError, AttributeError):
        return ""
    return asked if isinstance(asked, str) and asked.startswith("arn:") and asked.count(":") >= 5 else ""


def _refused(caller: str, action: str, arn: str) -> Any:
    why = f"because no resource-based policy allows the {action} action"
    text = f"User: {caller} is not authorized to perform: {action} on resource: {arn} {why}"
    return ministack("core.responses").error_response_json("AccessDeniedException", text, 400)
