"""A desk on an ordinary Monday: every state, every kind of page has something to show.

Made by the verbs themselves, so nothing stands there that the desk could not have come to by itself; only what AWS
answers (a stored signal) is written as if it had.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from approvals import actions
from approvals.actor import Actor
from approvals.asked import linting, reading
from approvals.canonical import sha256_hex
from approvals.choices import AlarmCode, Channel, Kind, Outcome, SignalStatus
from approvals.following import outcome
from approvals.models import LaunchRequest, Signal
from catalog.models import Version
from portal.accounts.models import User
from tests.support import shelf
from tests.support.cast import Cast
from tests.support.launches import open_launch, principal

HOUR = timedelta(hours=1)
GATED = "v2 (gated)"
# What became of the version without a gate: nothing yet, all of it; else it is deprecated.
_FIRST: dict[str, dict[str, Any]] = {"prod-postgres": {}, "prod-jobs": {"active": False}}
PASSWORD = "correct horse battery"
FOLLOW = Actor.system(Channel.FOLLOW)
_PARAMETERS = """\
Parameters:
  UserEmail: {Type: String, Description: Where questions about this request reach you}
  Size: {Type: String, Default: t3.micro, AllowedValues: [t3.micro, m6i.large, r6i.4xlarge], Description: Size}
  Purpose: {Type: String, Default: '', Description: What it is for}
  VisitorRange: {Type: String, Default: 10.0.0.0/8, Description: Who may reach it}
Metadata:
  AWS::CloudFormation::Interface:
    ParameterGroups: [{Label: {default: What you need}, Parameters: [Size, Purpose]}]
    ParameterLabels: {Size: {default: Machine}, VisitorRange: {default: Who may reach it}}
"""
_SITE = """\
Resources:
  Web: {Type: AWS::EC2::Instance, Properties: {InstanceType: !Ref Size, ImageId: ami-0abcdef1234567890}}
  Door:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: Visitors
      SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: !Ref VisitorRange}]
  Files: {Type: AWS::S3::Bucket}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {Service: ec2.amazonaws.com}}]
      Policies:
      - PolicyName: everything
        PolicyDocument: {Statement: [{Effect: Allow, Action: 's3:*', Resource: '*'}]}
"""
_DATABASE = """\
Resources:
  Database:
    Type: AWS::RDS::DBInstance
    DeletionPolicy: Delete
    Properties: {Engine: postgres, DBInstanceClass: db.t4g.medium, AllocatedStorage: '100', MasterUsername: desk,
      ManageMasterUserPassword: true, PubliclyAccessible: true}
"""
_QUEUE = """\
Resources:
  Jobs: {Type: AWS::SQS::Queue}
  Failures: {Type: AWS::SQS::Queue}
"""
PRODUCTS = {
    "prod-website": ("Web site with a database", _SITE + _DATABASE.partition("\n")[2]),
    "prod-postgres": ("PostgreSQL", _DATABASE),
    "prod-jobs": ("Job queue", _QUEUE),
}


@dataclass(frozen=True)
class Showroom:
    cast: Cast
    waiting: LaunchRequest
    asked: LaunchRequest
    approved: LaunchRequest
    rejected: LaunchRequest
    expired: LaunchRequest
    withdrawn: LaunchRequest
    update: LaunchRequest


def fill(now: datetime, cast: Cast | None = None) -> Showroom:
    cast = cast or Cast.make()
    for person in (cast.second_approver, cast.other_requester):
        person.set_password(PASSWORD)
        person.save(update_fields=["password"])
    texts = _catalogue()

    def launch(product: str, ago: timedelta, **changes: Any) -> LaunchRequest:
        at = now - ago
        text = texts[product]
        said = {
            "product_id": product,
            "version_id": Version.objects.get(product__product_id=product, name=GATED).artifact_id,
            "template": {"sha256": sha256_hex(text), "resource_types": {}},
            "parameters": _given(**changes.pop("given", {})),
            "portfolio_id": "port-platform",
            "provisioned_product_name": changes.pop("name", f"{product[5:]}-{int(ago.total_seconds()) // 60}"),
        }
        return open_launch(at, **(said | changes))

    room = Showroom(
        cast=cast,
        approved=launch("prod-website", 26 * HOUR, name="press-room"),
        waiting=launch("prod-website", 2 * HOUR, name="spring-campaign", given={"VisitorRange": "0.0.0.0/0"}),
        asked=launch("prod-postgres", 5 * HOUR, name="ledger-test"),
        rejected=launch("prod-postgres", 30 * HOUR, name="copy-of-production", given={"Size": "r6i.4xlarge"}),
        expired=launch("prod-jobs", 50 * HOUR, name="night-jobs"),
        withdrawn=launch("prod-jobs", 28 * HOUR, name="by-mistake"),
        update=launch(
            "prod-website", HOUR, name="press-room", kind=Kind.VERSION_UPDATE, gate="ApprovalRequestV2",
            given={"Size": "m6i.large"},
        ),
    )  # fmt: skip
    launch(
        "prod-jobs", HOUR / 6, name="invoices", email="ravi@example.com", principal_arn=principal("ravi@example.com")
    )
    launch("prod-jobs", 11.5 * HOUR, name="nightly-reports", email="ravi@example.com")
    _talked(room, now)
    _ended(room, now)
    actions.raise_alarm(
        AlarmCode.UNKNOWN_STACK, actor=FOLLOW, now=now - HOUR, stack_id=room.waiting.stack_id, detail="It waits."
    )
    while (one := reading.claim(now)) is not None:
        reading._try(one)
    linting.drain()
    return room


def _catalogue() -> dict[str, str]:
    """The products with a version each; their texts by product."""
    texts = {}
    for product_id, (name, resources) in PRODUCTS.items():
        body = "AWSTemplateFormatVersion: '2010-09-09'\n" + _PARAMETERS + resources
        made = shelf.product(name, product_id=product_id, description=f"{name}, as the platform team builds it")
        shelf.version(made, body, "v1", **_FIRST.get(product_id, {"guidance": Version.DEPRECATED}))
        texts[product_id] = shelf.gated(body)
        shelf.version(made, texts[product_id], GATED)
        shelf.offer(made)
    shelf.covered()
    return texts


def _given(**changed: str) -> list[dict[str, Any]]:
    values = {
        "UserEmail": "rita@example.com",
        "Size": "t3.micro",
        "Purpose": "The new season's landing pages",
        "VisitorRange": "10.0.0.0/8",
    } | changed
    return [
        {"name": name, "value": value, "no_echo": False, "sha256": sha256_hex(value), "length": len(value)}
        for name, value in values.items()
    ]


def _desk(person: User) -> Actor:
    return Actor(person, Channel.DESK)


def _talked(room: Showroom, now: datetime) -> None:
    amir, bea, rita = (_desk(one) for one in (room.cast.approver, room.cast.second_approver, room.cast.requester))
    said = now - 4 * HOUR
    actions.ask(room.asked.pk, actor=amir, now=said, text="Does it hold **personal data**? If so, of whom?")
    actions.note(room.asked.pk, actor=bea, now=said + HOUR, text="Same team as last month's export.")
    actions.comment(room.waiting.pk, actor=rita, now=now - HOUR, text="The agency starts on Wednesday.")
    actions.note(room.waiting.pk, actor=bea, now=now - HOUR / 2, text="Open to the whole internet: wanted?")


def _ended(room: Showroom, now: datetime) -> None:
    amir, bea, rita = (_desk(one) for one in (room.cast.approver, room.cast.second_approver, room.cast.requester))
    at = now - 25 * HOUR
    actions.approve(room.approved.pk, actor=amir, now=at, reason="As agreed for the press conference.")
    _stored(room.approved)
    for moved, status in ((Outcome.RELEASED, "CREATE_IN_PROGRESS"), (Outcome.LAUNCHED, "CREATE_COMPLETE")):
        actions.record_outcome(room.approved.pk, moved, actor=FOLLOW, now=at + HOUR / 20, stack_status=status)
    actions.reject(room.rejected.pk, actor=bea, now=at, reason="Far too large for a test. t3.micro will do.")
    _stored(room.rejected)
    reason = "WaitCondition received failed message"
    actions.record_outcome(
        room.rejected.pk, Outcome.ROLLED_BACK, actor=FOLLOW, now=at, stack_status="ROLLBACK_COMPLETE", reason=reason
    )
    actions.expire(room.expired.pk, actor=Actor.system(Channel.TIMER), now=now - 38 * HOUR)
    actions.record_outcome(
        room.expired.pk, Outcome.ROLLED_BACK, actor=FOLLOW, now=now - 38 * HOUR, stack_status="ROLLBACK_COMPLETE"
    )
    actions.withdraw(room.withdrawn.pk, actor=rita, now=now - 27 * HOUR, reason="Wrong account.")
    outcome.close_unexplained(now)


def _stored(request: LaunchRequest) -> None:
    Signal.objects.filter(request=request).update(status=SignalStatus.STORED, last_result="200")
    LaunchRequest.objects.filter(pk=request.pk).update(signal=SignalStatus.STORED)
