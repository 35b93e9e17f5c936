"""Who updates: CloudFormation does not say, and the stack's tag still names the first launcher (aws-facts §3.1).

CloudTrail does, minutes later: `UpdateProvisionedProduct` names the principal that called it. An update gets that
name only if every call for its provisioned product around the announcement came from one principal; else it stays
unknown. Until then the first launcher counts as possibly the updater (approvals.rules.is_own) and the page names
nobody. An update that was decided before CloudTrail spoke is looked up too: whether somebody decided on an update
of their own is for `actions.name_updater` to say.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from approvals import actions
from approvals.actor import Actor
from approvals.choices import OPEN_STATES, Channel, Kind, State
from approvals.errors import Refused
from approvals.models import LaunchRequest
from catalog import aws

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail.type_defs import EventTypeDef

CALL = "UpdateProvisionedProduct"
# CloudTrail is done with an event after a quarter of an hour as a rule; after this the updater stays unknown.
PATIENCE = timedelta(hours=2)
BEFORE, AFTER = timedelta(minutes=15), timedelta(minutes=1)
# LookupEvents gives 50 at a time, twice a second. More calls than this at once are not told apart.
_MOST_EVENTS = 500
_FOLLOW = Actor.system(Channel.FOLLOW)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Update:
    """One call that went through. `product_id` or `product_name` is empty: the caller gave the other one."""

    at: datetime
    principal: str
    product_id: str
    product_name: str

    def is_of(self, request: LaunchRequest) -> bool:
        if self.product_id:
            return self.product_id == request.provisioned_product_id
        return bool(self.product_name) and self.product_name == request.provisioned_product_name


def run(now: datetime) -> int:
    """Look up who updates, wherever the desk may read; returns how many updates got a name."""
    waiting = list(_unnamed(now))
    if not waiting:
        return 0
    try:
        readable = aws.readable_accounts()
    except (ClientError, BotoCoreError) as error:
        _log.warning("who we are cannot be told", extra={"error": type(error).__name__})
        return 0
    places: dict[tuple[str, str], list[LaunchRequest]] = defaultdict(list)
    for request in waiting:
        if request.account in readable:
            places[request.account, request.region].append(request)
    return sum(_name_those(account, region, there, now) for (account, region), there in places.items())


def updater_of(request: LaunchRequest, updates: list[Update]) -> str:
    """The one principal whose calls fit the request; the empty string where there is none, or more than one."""
    announced = _announced(request)
    fitting = {u.principal for u in updates if announced - BEFORE <= u.at <= announced + AFTER and u.is_of(request)}
    return fitting.pop() if len(fitting) == 1 else ""


def _unnamed(now: datetime) -> Iterator[LaunchRequest]:
    """Young updates without an updater that wait for a decision, or were decided before CloudTrail spoke."""
    decided = (State.APPROVED, State.REJECTED)
    return (
        LaunchRequest.objects.exclude(kind=Kind.LAUNCH)
        .filter(opened_at__gt=now - PATIENCE, state__in=(*OPEN_STATES, *decided), updater_arn="")
        .defer("parameters", "template", "policy_trace", "search_terms")
        .order_by("pk")
        .iterator()
    )


def _name_those(account: str, region: str, requests: list[LaunchRequest], now: datetime) -> int:
    times = [_announced(request) for request in requests]
    try:
        updates = _updates(account, region, min(times) - BEFORE, max(times) + AFTER)
    except (ClientError, BotoCoreError) as error:
        _log.info("CloudTrail cannot be read", extra={"account": account, "error": type(error).__name__})
        return 0
    named = 0
    for request in requests:
        if principal := updater_of(request, updates):
            try:
                actions.name_updater(request.pk, principal, actor=_FOLLOW, now=now)
                named += 1
            except Refused:
                continue
    return named


def _updates(account: str, region: str, since: datetime, until: datetime) -> list[Update]:
    """Every call in that time; none where there are too many to have seen all. Raises botocore's errors."""
    pages = (
        aws.client("cloudtrail", region, account)
        .get_paginator("lookup_events")
        .paginate(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": CALL}],
            StartTime=since,
            EndTime=until,
            PaginationConfig={"MaxItems": _MOST_EVENTS},
        )
    )
    events = [event for page in pages for event in page["Events"]]
    if len(events) >= _MOST_EVENTS:
        _log.warning("too many updates at once to tell who made them", extra={"account": account, "region": region})
        return []
    return [update for event in events if (update := read(event)) is not None]


def read(event: EventTypeDef) -> Update | None:
    """What CloudTrail says of one call; None for one that AWS refused, and for a record that is not as documented."""
    try:
        record: dict[str, Any] = json.loads(event["CloudTrailEvent"])
        asked = record.get("requestParameters") or {}
        if record["eventName"] != CALL or record.get("errorCode"):
            return None
        return Update(
            at=event["EventTime"].astimezone(UTC),
            principal=str(record["userIdentity"].get("arn", "")),
            product_id=str(asked.get("provisionedProductId") or ""),
            product_name=str(asked.get("provisionedProductName") or ""),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _announced(request: LaunchRequest) -> datetime:
    text = request.stack_facts.get("announced_at")
    return datetime.fromisoformat(text) if isinstance(text, str) else request.opened_at
