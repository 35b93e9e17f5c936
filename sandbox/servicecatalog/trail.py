"""What CloudTrail keeps of Service Catalog: who changed what, by which request; no value of any parameter."""
# ruff: noqa: SLF001 - MiniStack's store has no public writer that takes a principal

import json
import time
import uuid
from typing import Any

from sandbox.patches.engine import ministack
from sandbox.servicecatalog.entities import Caller

SOURCE = "servicecatalog.amazonaws.com"
RECORDED = (
    "ProvisionProduct",
    "UpdateProvisionedProduct",
    "TerminateProvisionedProduct",
    "ExecuteProvisionedProductPlan",
)
HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"


def record(caller: Caller, operation: str, request: dict[str, Any], answer: dict[str, Any] | None, error: str) -> None:
    """Add one event to the trail of the caller's account and region; `error` is the code of a refused call."""
    if operation not in RECORDED:
        return
    identifier, now = str(uuid.uuid4()), time.time()
    event = {
        "eventVersion": "1.08",
        "userIdentity": _identity(caller),
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
        "eventSource": SOURCE,
        "eventName": operation,
        "awsRegion": caller.region,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": "sandbox",
        "requestParameters": {_lower(name): _shown(name, value) for name, value in request.items()},
        "responseElements": {"recordDetail": _lowered((answer or {}).get("RecordDetail", {}))} if answer else None,
        **({"errorCode": error} if error else {}),
        "requestID": str(uuid.uuid4()),
        "eventID": identifier,
        "readOnly": False,
        "eventType": "AwsApiCall",
        "recipientAccountId": caller.account,
    }
    entry = {
        "EventId": identifier,
        "EventName": operation,
        "EventSource": SOURCE,
        "EventTime": now,
        "Username": caller.arn.rsplit("/", 1)[-1],
        "ReadOnly": "false",
        "Resources": [],
        "CloudTrailEvent": json.dumps(event),
    }
    with ministack("core.responses").request_scope(caller.account, caller.region):
        ministack("services.cloudtrail")._get_event_queue().append(entry)


def _identity(caller: Caller) -> dict[str, Any]:
    if ":assumed-role/" not in caller.arn:
        return {"type": "Root", "principalId": caller.account, "arn": caller.arn, "accountId": caller.account}
    role, session = caller.role_arn, caller.arn.rsplit("/", 1)[-1]
    issuer = {"type": "Role", "arn": role, "accountId": caller.account, "userName": role.rsplit("/", 1)[-1]}
    return {
        "type": "AssumedRole",
        "principalId": f"AROASANDBOX:{session}",
        "arn": caller.arn,
        "accountId": caller.account,
        "sessionContext": {"sessionIssuer": issuer},
    }


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _lowered(value: Any) -> Any:
    if isinstance(value, dict):
        return {_lower(name): _lowered(item) for name, item in value.items()}
    return [_lowered(item) for item in value] if isinstance(value, list) else value


def _shown(name: str, value: Any) -> Any:
    """Parameter values may be secrets: the trail names the parameters only."""
    if name == "ProvisioningParameters":
        return [{**_lowered(item), **({"value": HIDDEN} if "Value" in item else {})} for item in value]
    return _lowered(value)
