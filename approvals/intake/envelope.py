"""From the text of a message to what it says, checked.

Trusted is only what the message proves: the topic it came through is of its stack's account and region, and
the fingerprint follows from the facts it carries, so what the desk shows is what `verify` will ask for. A
wait URL that must not be called does not make a message unreadable: the request is opened with the reason.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import jsonschema
from django.conf import settings
from jsonschema.exceptions import best_match

from approvals import awsurls, fingerprint
from approvals.canonical import sha256_hex
from approvals.choices import AlarmCode, HoldKind, Kind, Verdict
from approvals.facts import HoldFacts, LaunchFacts, LinkFacts
from approvals.intake.strict import NotUnderstood, cut, loads
from portal.storable import storable

# What SNS lets through (aws-facts §4.1), with room.
MAX_BYTES = 288 * 1024
TOPIC_NAME = "gatehouse-launches"
# notify's clock is AWS's; a message from the future by more than this is none of ours.
_SKEW = timedelta(minutes=5)
_TOPIC = re.compile(r"arn:(aws|aws-cn|aws-us-gov):sns:([a-z0-9-]{1,32}):([0-9]{12}):([A-Za-z0-9_-]{1,256})")


@dataclass(frozen=True, slots=True)
class Status:
    """What a stack, or a resource of its gate, is doing; `logical_id` is empty for the stack itself."""

    stack_id: str
    status: str
    reason: str
    at: datetime
    logical_id: str = ""
    resource_type: str = ""


@dataclass(frozen=True, slots=True)
class Warned:
    """`verify` found something wrong with the gate `fingerprint`."""

    stack_id: str
    code: AlarmCode
    logical_id: str
    fingerprint: str
    reason: str


def parse(raw: str, *, topic_arn: str, now: datetime) -> LaunchFacts | LinkFacts | Status | Warned:
    """What the message says. Raises NotUnderstood, with a sentence that quotes nothing of it."""
    envelope = loads(raw, limit=MAX_BYTES)
    _check_schema(envelope)
    stack = _check_origin(envelope["stack_id"], topic_arn)
    sent_at = _moment(envelope["sent_at"], now)
    if envelope["kind"] == "status":
        return _status(storable(envelope), now)
    if envelope["kind"] == "alarm":
        return _warned(storable(envelope))
    if envelope["kind"] == "decision":
        return _decided(storable(envelope), stack, now)
    if envelope["event"] != "Delete":
        _check_fingerprint(envelope)
    elif envelope["physical_id"] != f"gatehouse-{envelope['fingerprint']}":
        raise NotUnderstood("Its fingerprint is not the one of the resource it names.")
    return _launch(envelope, stack, sent_at, now)


def check_topic(topic_arn: str, name: str = TOPIC_NAME) -> tuple[str, str, str]:
    """(partition, region, account) of a topic of ours with this name; raises NotUnderstood for any other."""
    found = _TOPIC.fullmatch(topic_arn)
    if not found or found[4] != name:
        raise NotUnderstood("It did not come through a topic of Gatehouse.")
    return found[1], found[2], found[3]


@lru_cache(maxsize=1)
def _validator() -> jsonschema.protocols.Validator:
    schema = json.loads((settings.BASE_DIR / "lambdas" / "envelope.schema.json").read_text())
    return jsonschema.Draft202012Validator(schema)


def _check_schema(envelope: dict[str, Any]) -> None:
    try:
        problem = best_match(_validator().iter_errors(envelope))
    except RecursionError:
        raise NotUnderstood("It is nested too deeply.") from None
    if problem is not None:
        # Names only: the offending value may be anything.
        where = ".".join(str(step) for step in problem.absolute_path if isinstance(step, str))
        raise NotUnderstood(f"It is not an envelope of version 1: {cut(where, 100) or 'the whole'} is wrong.")


def _check_origin(stack_id: str, topic_arn: str) -> awsurls.Stack:
    stack = awsurls.stack_of(stack_id)
    if stack is None:
        raise NotUnderstood(awsurls.NO_STACK)
    if check_topic(topic_arn) != (stack.partition, stack.region, stack.account):
        raise NotUnderstood("Its topic is not of the account and region of its stack.")
    return stack


def _moment(text: str, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise NotUnderstood("Its time names no zone.")
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise NotUnderstood("Its time cannot be read.") from None
    if moment > now + _SKEW:
        raise NotUnderstood("It comes from the future.")
    return moment


def _check_fingerprint(envelope: dict[str, Any]) -> None:
    names = [parameter["name"] for parameter in envelope["parameters"]]
    if len(set(names)) != len(names):
        raise NotUnderstood("It names a parameter twice.")
    for parameter in envelope["parameters"]:
        value = parameter["value"]
        if value is not None and _sha256(value) != parameter["sha256"]:
            raise NotUnderstood("A parameter's value is not the one its digest stands for.")
    if envelope["fingerprint"] != fingerprint.compute(
        stack_id=envelope["stack_id"],
        gate=envelope["logical_id"],
        url_sha256=_wait_url_sha256(envelope["hold"]),
        parameters={parameter["name"]: parameter["sha256"] for parameter in envelope["parameters"]},
        principal_arn=envelope["requester"]["principal_arn"],
        template_sha256=envelope["template"]["sha256"],
    ):
        raise NotUnderstood("Its fingerprint does not follow from its facts.")


def _wait_url_sha256(hold: dict[str, Any]) -> str:
    """The fingerprint is over the gate's wait URL, also where CloudFormation waits for something else."""
    return str(hold["wait_url_sha256"]) if hold["kind"] == HoldKind.RESPONSE else _sha256(hold["url"])


def _sha256(text: str) -> str:
    return sha256_hex(text.encode("utf-8", "replace"))


def _status(envelope: dict[str, Any], now: datetime) -> Status:
    return Status(
        stack_id=envelope["stack_id"],
        status=cut(envelope["status"], 64),
        reason=cut(envelope["reason"], 2000),
        at=min(_moment(envelope["at"], now), now),
        logical_id=cut(envelope["logical_id"], 255) if envelope["scope"] == "resource" else "",
        resource_type=cut(envelope["resource_type"], 255) if envelope["scope"] == "resource" else "",
    )


def _warned(envelope: dict[str, Any]) -> Warned:
    return Warned(
        stack_id=envelope["stack_id"],
        code=AlarmCode(envelope["code"]),
        logical_id=cut(envelope["logical_id"], 255),
        fingerprint=envelope["fingerprint"],
        reason=cut(envelope["reason"], 2000),
    )


def _decided(envelope: dict[str, Any], stack: awsurls.Stack, now: datetime) -> LinkFacts:
    return LinkFacts(
        stack_id=envelope["stack_id"],
        stack_name=stack.name,
        account=stack.account,
        region=stack.region,
        gate=cut(envelope["logical_id"], 255),
        fingerprint=envelope["fingerprint"],
        verdict=Verdict(envelope["verdict"]),
        by=cut(envelope["by"], 200),
        reason=cut(envelope["reason"], 2000),
        at=min(_moment(envelope["at"], now), now),
        unique_id=cut(envelope["unique_id"], 64),
    )


def _provisioned_name(arn: str) -> str:
    """What the requester called it: `…:stack/<name>/pp-<id>` (aws-facts §3.1)."""
    parts = arn.split("/")
    return parts[1] if len(parts) == 3 else ""


def _launch(raw: dict[str, Any], stack: awsurls.Stack, sent_at: datetime, now: datetime) -> LaunchFacts:
    deleted = raw["event"] == "Delete"
    hold = None if deleted else _hold(raw, min(sent_at, now), bool(raw["gate"].get("email_decisions")))
    envelope = storable(raw)
    product, requester = envelope.get("product", {}), envelope.get("requester", {})
    return LaunchFacts(
        message_id=cut(envelope["id"], 200),
        stack_id=envelope["stack_id"],
        stack_name=stack.name,
        account=stack.account,
        region=stack.region,
        gate=cut(envelope["logical_id"], 255),
        fingerprint=envelope["fingerprint"],
        kind=_kind(envelope),
        sent_at=sent_at,
        hold=hold,
        has_receipt_gate=bool(envelope.get("gate", {}).get("receipt")),
        gates_updates=bool(envelope.get("gate", {}).get("gate_updates")),
        principal_arn=cut(requester.get("principal_arn", ""), 2048),
        typed_email=cut(requester.get("email", "").strip(), 254),
        product_id=cut(product.get("product_id", ""), 100),
        version_id=cut(product.get("artifact_id", ""), 100),
        portfolio_id=cut(product.get("portfolio_arn", "").rpartition("/")[2], 100),
        provisioned_product_id=cut(product.get("provisioned_product_arn", "").rpartition("/")[2], 100),
        provisioned_product_name=cut(_provisioned_name(product.get("provisioned_product_arn", "")), 128),
        parameters=envelope.get("parameters", []),
        template=envelope.get("template", {}),
        stack={**envelope["stack"], "announced_at": sent_at.isoformat()},
    )


def _kind(envelope: dict[str, Any]) -> Kind:
    """A new version brings a new gate, *created* while the stack is being updated (aws-facts §1.4)."""
    if envelope["event"] == "Update":
        held = envelope["hold"]["kind"] == HoldKind.RESPONSE
        return Kind.PARAMETER_UPDATE if held else Kind.VERSION_UPDATE
    return Kind.VERSION_UPDATE if envelope["stack"]["status"].startswith("UPDATE_") else Kind.LAUNCH


def _hold(envelope: dict[str, Any], told: datetime, email_decisions: bool) -> HoldFacts:
    hold, stack_id = envelope["hold"], envelope["stack_id"]
    url, kind = hold["url"], HoldKind(hold["kind"])
    expires_at = awsurls.expiry(url)
    # A wait begins once its launch was told; an answer is awaited from the moment its URL was made.
    asked = awsurls.signed_at(url) if kind == HoldKind.RESPONSE else None
    started = min(asked, told) if asked else told
    unusable = awsurls.unusable_reason(url, kind=kind, stack_id=stack_id, dev_origin=settings.GATEHOUSE_DEV_WAIT_ORIGIN)
    if kind == HoldKind.RESPONSE and not unusable:
        asks = awsurls.answers(url, envelope["logical_id"], hold["request_id"])
        unusable = "" if asks else awsurls.OTHER_REQUEST
    return HoldFacts(
        kind=kind,
        url=url,
        url_sha256=_sha256(url),
        dedupe_key=awsurls.dedupe_key(stack_id, url),
        expires_at=expires_at,
        handle=cut(storable(hold.get("handle", "")), 255),
        wait=cut(storable(hold.get("wait", "")), 255),
        timeout=hold["timeout"],
        deadline=awsurls.deadline(started=started, timeout=hold["timeout"], expires_at=expires_at),
        unusable=unusable,
        request_id=cut(storable(hold.get("request_id", "")), 128),
        physical_id=cut(storable(hold.get("physical_id", "")), 1024),
        email_decisions=email_decisions,
    )
