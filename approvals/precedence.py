"""Who decided first, where a link in a mail can decide too.

Invariant: before anything is signed for such a hold, the desk's decision stands in the hub's table, written by
one conditional write; the approve function makes the same write. So of two decisions exactly one is ever signed.
The table, its keys and its words are `lambdas/decisions.py`'s.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from approvals.choices import HoldStatus, Verdict
from approvals.facts import LinkFacts
from approvals.models import Decision, Hold, Signal
from catalog import aws
from portal.clock import rfc3339

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

BY_LINK = "email_link"


class Unclear(Exception):
    """The table cannot be asked now. The text is a code, fit for logs and pages."""


def launch_id(hold: Hold, stack_id: str) -> str:
    """The row's key; every try of an update is a hold of its own."""
    tail = f"#{hold.response_request_id}" if hold.is_update else ""
    return f"launch#{stack_id}#{hold.fingerprint}{tail}"


def claim(signal: Signal, now: datetime) -> LinkFacts | None:
    """Write the desk's decision down as the first one; else the link's decision that already stands there.

    Called again for the same signal it finds its own. Raises `Unclear`.
    """
    hold, request = signal.hold, signal.request
    try:
        aws.client("dynamodb", request.region).update_item(
            TableName=settings.GATEHOUSE_DECISIONS_TABLE,
            Key={"id": {"S": launch_id(hold, request.stack_id)}},
            UpdateExpression="SET #d = :d, #e = if_not_exists(#e, :e)",
            ConditionExpression="attribute_not_exists(#d) OR #d.#u = :own",
            ExpressionAttributeNames={"#d": "decision", "#e": "expires", "#u": "unique_id"},
            ExpressionAttributeValues={
                ":d": {"M": {name: {"S": value} for name, value in _said(signal, now).items()}},
                ":e": {"N": str(int(signal.until.timestamp()))},
                ":own": {"S": signal.unique_id},
            },
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "ClientError")
        if code != "ConditionalCheckFailedException":
            raise Unclear(code) from None
        row: dict[str, AttributeValueTypeDef] = error.response.get("Item", {})  # type: ignore[assignment]
        return _theirs(row, signal)
    except BotoCoreError as error:
        raise Unclear(type(error).__name__) from None
    return None


def _said(signal: Signal, now: datetime) -> dict[str, str]:
    decision = Decision.objects.select_related("decided_by").filter(request=signal.request).first()
    lapsed = signal.hold.status == HoldStatus.LAPSED
    return {
        "verdict": "lapsed" if lapsed else decision.verdict if decision else "withdrawn",
        "by": str(decision.decided_by) if decision else "",
        "channel": "desk",
        "at": rfc3339(decision.decided_at if decision else now),
        "reason": decision.reason[:1000] if decision else "",
        "request": signal.request.number,
        "unique_id": signal.unique_id,
    }


def _theirs(row: dict[str, AttributeValueTypeDef], signal: Signal) -> LinkFacts:
    """Raises `Unclear` for a row that does not say what it should: nothing is signed on a guess."""
    said = {name: value.get("S", "") for name, value in row.get("decision", {}).get("M", {}).items()}
    if said.get("channel") != BY_LINK or said.get("verdict") not in Verdict.values:
        raise Unclear("other_decision")
    request = signal.request
    return LinkFacts(
        stack_id=request.stack_id,
        stack_name=request.stack_name,
        account=request.account,
        region=request.region,
        gate=request.gate,
        fingerprint=request.fingerprint,
        verdict=Verdict(said["verdict"]),
        by=said.get("by", "")[:200],
        reason=said.get("reason", "")[:2000],
        at=datetime.fromisoformat(said["at"]) if said.get("at") else signal.created_at,
        unique_id=said.get("unique_id", "")[:64],
    )
