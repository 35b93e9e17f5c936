"""Finds stacks that wait although no message of theirs ever arrived.

Every minute the stacks of the desk's own account, and of the accounts where it has a reading role, are listed in
every region the desk knows of. One that a gate holds for a minute, unknown to the desk, is opened from its own
events where those show the wait URL: as an envelope, through the same checks as a message. Where they do not,
administrators are alarmed; the stack's own timer rolls it back.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.db.models import Q

from approvals import actions, fingerprint
from approvals.actor import Actor
from approvals.canonical import canonical, sha256_hex
from approvals.choices import AlarmCode, Channel, HoldKind
from approvals.facts import LaunchFacts
from approvals.following import stacks
from approvals.following.conclusions import RECEIPT, WAIT_CONDITION
from approvals.intake.envelope import TOPIC_NAME, parse
from approvals.intake.strict import NotUnderstood
from approvals.models import Alarm, LaunchRequest
from catalog import aws
from portal.clock import rfc3339

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef, StackSummaryTypeDef, StackTypeDef

REQUEST = "Custom::NotificationFunction"
PATIENCE = timedelta(seconds=60)
# Lambda tries a failed `notify` again after one and two minutes (aws-facts §2).
UPDATE_PATIENCE = timedelta(minutes=5)
_TAG = "aws:servicecatalog:"
_LONGEST_WAIT = 43200
_MAX_STACKS = 2000
_FOLLOW = Actor.system(Channel.FOLLOW)
_log = logging.getLogger(__name__)


def run(now: datetime) -> int:
    """Open what waits unknown, alarm what cannot be opened; returns how many requests were opened."""
    if not settings.GATEHOUSE_RECONCILE:
        return 0
    opened = 0
    for account, region in _places():
        try:
            for summary in list(waiting(account, region, now)):
                opened += _reconcile(summary, region, now)
        except (ClientError, BotoCoreError) as error:
            _log.warning(
                "stacks cannot be listed", extra={"account": account, "region": region, "error": type(error).__name__}
            )
    return opened


def _places() -> list[tuple[str, str]]:
    """Where the desk may look. A region without a spoke costs one refusal in a while (`aws.REST`)."""
    try:
        accounts = aws.readable_accounts()
    except (ClientError, BotoCoreError) as error:
        _log.warning("who we are cannot be told", extra={"error": type(error).__name__})
        return []
    own = {aws.client("cloudformation").meta.region_name}
    regions = own | set(LaunchRequest.objects.order_by().values_list("region", flat=True).distinct())
    return [(account, region) for account in accounts for region in sorted(regions)]


def waiting(account: str, region: str, now: datetime) -> Iterator[StackSummaryTypeDef]:
    """Service Catalog's stacks in progress for longer than a message needs, that no request is about."""
    pages = aws.client("cloudformation", region, account).get_paginator("list_stacks")
    for page in pages.paginate(
        StackStatusFilter=["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"], PaginationConfig={"MaxItems": _MAX_STACKS}
    ):
        for summary in page["StackSummaries"]:
            started = began(summary)
            old = started < now - PATIENCE and summary["StackName"].startswith("SC-")
            if old and not _known(summary["StackId"], started):
                yield summary


def began(summary: StackSummaryTypeDef) -> datetime:
    return summary.get("LastUpdatedTime") or summary["CreationTime"]


def _known(stack_id: str, started: datetime) -> bool:
    """An update that is tried again is a new hold of the request that was opened for the first try."""
    since = started - PATIENCE
    recent = Q(opened_at__gte=since) | Q(holds__opened_at__gte=since)
    return LaunchRequest.objects.filter(recent, stack_id=stack_id).exists()


def _reconcile(summary: StackSummaryTypeDef, region: str, now: datetime) -> bool:
    stack_id = summary["StackId"]
    seen = list(stacks.events(stack_id, region, began(summary)))
    wait = _latest(seen, WAIT_CONDITION)
    if wait is None or wait.get("ResourceStatus") != "CREATE_IN_PROGRESS":
        _look_for_update(stack_id, seen, now)
        return False
    try:
        facts = parse(json.dumps(_envelope(stack_id, region, seen, wait)), topic_arn=_topic(stack_id), now=now)
    except (NotUnderstood, KeyError, ValueError, IndexError) as trouble:
        reason = str(trouble) if isinstance(trouble, NotUnderstood) else "Its events do not show what it waits for."
        _alarm(stack_id, reason, now)
        return False
    if not isinstance(facts, LaunchFacts):
        return False
    actions.open_request(facts, actor=_FOLLOW, now=now)
    return True


def _look_for_update(stack_id: str, seen: list[StackEventTypeDef], now: datetime) -> None:
    """A held update's response URL shows nowhere: nobody but `notify` can tell the desk where to answer."""
    gate = _latest(seen, REQUEST)
    if gate and gate.get("ResourceStatus") == "UPDATE_IN_PROGRESS" and gate["Timestamp"] < now - UPDATE_PATIENCE:
        _alarm(stack_id, "An update waits at its gate and cannot be answered. It fails when its time is over.", now)


def _alarm(stack_id: str, detail: str, now: datetime) -> None:
    if not Alarm.objects.filter(code=AlarmCode.UNKNOWN_STACK, stack_id=stack_id).exists():
        actions.raise_alarm(AlarmCode.UNKNOWN_STACK, now=now, stack_id=stack_id, detail=detail)


def _envelope(stack_id: str, region: str, seen: list[StackEventTypeDef], wait: StackEventTypeDef) -> dict[str, Any]:
    """What `notify` would have sent. Raises KeyError and its kin where the events do not say enough."""
    request = _latest(seen, REQUEST)
    if request is None:
        raise KeyError(REQUEST)
    asked, waits = (json.loads(event["ResourceProperties"]) for event in (request, wait))
    url = asked["WaitUrl"]
    found = stacks.client(stack_id, region).describe_stacks(StackName=stack_id)["Stacks"][0]
    tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
    body = stacks.client(stack_id, region).get_template(StackName=stack_id, TemplateStage="Original")["TemplateBody"]
    template = _template(stack_id, region, body)
    shown = _shown(found)
    parameters = [_parameter(name, value) for name, value in shown.items()]
    principal = tags.get(f"{_TAG}provisioningPrincipalArn", "")
    print_ = fingerprint.compute(
        stack_id=stack_id,
        gate=request["LogicalResourceId"],
        url_sha256=sha256_hex(url),
        parameters={p["name"]: p["sha256"] for p in parameters},
        principal_arn=principal,
        template_sha256=template["sha256"],
    )
    return {
        "version": 1,
        "kind": "launch",
        "event": "Create",
        "id": f"reconciled-{request['EventId']}"[:200],
        "sent_at": rfc3339(request["Timestamp"]),
        "stack_id": stack_id,
        "logical_id": request["LogicalResourceId"],
        "physical_id": _agreed(request, print_),
        "fingerprint": print_,
        "hold": {
            "kind": HoldKind.WAIT_HANDLE.value,
            "url": url,
            "handle": "",
            "wait": wait["LogicalResourceId"],
            "timeout": min(int(waits.get("Timeout", _LONGEST_WAIT)), _LONGEST_WAIT),
        },
        "gate": {"receipt": RECEIPT in template["resource_types"], "gate_updates": False},
        "stack": _stack(found, tags),
        "product": _product(tags),
        "requester": {"principal_arn": principal, "email": _typed(asked.get("EmailID", ""), shown, body)},
        "parameters": parameters,
        "template": template,
    }


def _latest(seen: list[StackEventTypeDef], resource_type: str) -> StackEventTypeDef | None:
    return next((event for event in seen if event.get("ResourceType") == resource_type), None)


def _agreed(request: StackEventTypeDef, print_: str) -> str:
    """The gate's physical id: where `notify` has answered, it must name the same fingerprint."""
    answered = request.get("PhysicalResourceId", "")
    if answered.startswith("gatehouse-") and answered != f"gatehouse-{print_}":
        raise NotUnderstood("Its fingerprint is not the one its gate was given.")
    return f"gatehouse-{print_}"


def _shown(found: StackTypeDef) -> dict[str, str]:
    """The parameters as `notify` shows them: of an SSM type what it stands for."""
    return {
        p["ParameterKey"]: p.get("ResolvedValue") or p.get("ParameterValue", "") for p in found.get("Parameters", [])
    }


def _typed(said: Any, shown: dict[str, str], body: Any) -> str:
    """The address somebody typed. As for `notify`, it counts where a parameter or the template says it: what
    CloudFormation worked out for the event may be anything, also a secret it resolved."""
    text, source = str(said)[:320], body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return text if text in shown.values() or text in source else ""


def _template(stack_id: str, region: str, body: Any) -> dict[str, Any]:
    """Digest as `notify` takes it; resources where the body is JSON, else CloudFormation's list of types."""
    digest = sha256_hex(body if isinstance(body, str) else canonical(body))
    try:
        tree = json.loads(body) if isinstance(body, str) else body
        resources = [{"id": name, "type": made["Type"]} for name, made in tree["Resources"].items()]
        return {
            "sha256": digest,
            "description": str(tree.get("Description", "")),
            "resource_types": dict(Counter(resource["type"] for resource in resources)),
            "resources": resources,
            "cut": False,
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        summary = stacks.client(stack_id, region).get_template_summary(StackName=stack_id)
    return {
        "sha256": digest,
        "description": summary.get("Description", ""),
        "resource_types": dict.fromkeys(summary.get("ResourceTypes", []), 1),
        "resources": [],
        "cut": True,
    }


def _parameter(name: str, value: str) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "no_echo": value == "****",
        "sha256": sha256_hex(value),
        "length": len(value),
    }


def _stack(found: StackTypeDef, tags: dict[str, str]) -> dict[str, Any]:
    return {
        "name": found["StackName"],
        "status": found["StackStatus"],
        "created_at": rfc3339(found["CreationTime"]),
        "parent_id": found.get("ParentId", ""),
        "role_arn": found.get("RoleARN", ""),
        "capabilities": list(found.get("Capabilities", [])),
        "tags": tags,
    }


def _product(tags: dict[str, str]) -> dict[str, str]:
    product = tags.get(f"{_TAG}productArn", "")
    return {
        "product_id": product.rpartition("/")[2],
        "product_arn": product,
        "portfolio_arn": tags.get(f"{_TAG}portfolioArn", ""),
        "provisioned_product_arn": tags.get(f"{_TAG}provisionedProductArn", ""),
        "artifact_id": tags.get(f"{_TAG}provisioningArtifactIdentifier", ""),
    }


def _topic(stack_id: str) -> str:
    """The topic its message would have come through."""
    _, partition, _, region, account, *_ = stack_id.split(":")
    return f"arn:{partition}:sns:{region}:{account}:{TOPIC_NAME}"
