"""Who updates: CloudTrail names one person, or nobody is named; and who may decide until then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError, NoCredentialsError
from botocore.stub import Stubber
from django.test import Client

from approvals import actions, rules
from approvals.actor import Actor
from approvals.choices import AlarmCode, Channel, Kind
from approvals.following import updaters
from approvals.lifecycle import Action
from approvals.models import Alarm, AuditEvent, LaunchRequest
from catalog import aws
from tests.support import launches
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
RITA, RAVI, AMIR = (launches.principal(f"{name}@example.com") for name in ("rita", "ravi", "amir"))
SPOKE = "444455556666"


def call(by: str = RAVI, at: datetime = NOW, **changes: Any) -> dict[str, Any]:
    """One event as LookupEvents gives it (aws-facts §3.2: the caller names id or name)."""
    record = {
        "eventName": "UpdateProvisionedProduct",
        "userIdentity": {"type": "AssumedRole", "arn": by},
        "requestParameters": {"provisionedProductId": "pp-1", "updateToken": "t"},
    }
    return {
        "EventId": "e-1",
        "EventName": "UpdateProvisionedProduct",
        "EventTime": at,
        "CloudTrailEvent": json.dumps(record | changes),
    }


class Trail:
    """CloudTrail's client with answers of our own; each is checked against the API's model."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.client = boto3.client("cloudtrail", "us-east-1")
        self.stub = Stubber(self.client)
        self.asked: list[tuple[str, ...]] = []
        monkeypatch.setattr(aws, "own_account", lambda: launches.ACCOUNT)
        monkeypatch.setattr(aws, "client", self.give)
        self.stub.activate()

    def give(self, *where: str) -> Any:
        self.asked.append(where)
        return self.client

    def says(self, *events: dict[str, Any], **more: Any) -> None:
        self.stub.add_response("lookup_events", {"Events": list(events), **more})


@pytest.fixture
def trail(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trail]:
    trail = Trail(monkeypatch)
    yield trail
    trail.stub.deactivate()


def open_update(**changes: Any) -> LaunchRequest:
    """An update of Rita's product; whoever updates it."""
    announced = {"announced_at": (changes.pop("announced", NOW)).isoformat()}
    said = {"kind": Kind.VERSION_UPDATE, "provisioned_product_id": "pp-1", "provisioned_product_name": "blog"}
    return launches.open_launch(NOW, **({"stack": announced, "typed_email": ""} | said | changes))


def named(request: LaunchRequest) -> tuple[str, str | None, bool]:
    request.refresh_from_db()
    email = request.requester.email if request.requester else None
    return request.updater_arn, email, request.requester_verified


def look(seconds: float = 300) -> int:
    return updaters.run(NOW + timedelta(seconds=seconds))


def test_cloudtrail_names_the_updater(trail: Trail, cast: Cast) -> None:
    request = open_update()
    assert named(request) == ("", None, False)
    trail.says(call())
    assert look() == 1
    assert named(request) == (RAVI, "ravi@example.com", True)
    assert AuditEvent.objects.filter(chain__request=request, code="updater_named").count() == 1
    assert look(360) == 0, "nobody is asked twice"
    assert trail.asked == [("cloudtrail", "us-east-1", launches.ACCOUNT)]


def test_cloudtrail_is_asked_for_the_right_calls_in_the_right_time(trail: Trail) -> None:
    open_update()
    trail.stub.add_response(
        "lookup_events",
        {"Events": []},
        {
            "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "UpdateProvisionedProduct"}],
            "StartTime": NOW - timedelta(minutes=15),
            "EndTime": NOW + timedelta(minutes=1),
        },
    )
    assert look() == 0
    trail.stub.assert_no_pending_responses()


def test_cloudtrail_that_is_late_is_asked_again(trail: Trail) -> None:
    request = open_update()
    trail.says()
    assert look(60) == 0
    trail.says(call())
    assert look(900) == 1
    assert named(request)[0] == RAVI


def test_the_name_of_the_product_is_as_good_as_its_id(trail: Trail) -> None:
    request = open_update()
    trail.says(call(requestParameters={"provisionedProductName": "blog"}))
    assert look() == 1
    assert named(request)[0] == RAVI


AMBIGUOUS = {
    "two people": [call(RAVI), call(AMIR)],
    "another product": [call(requestParameters={"provisionedProductId": "pp-2"})],
    "another name": [call(requestParameters={"provisionedProductName": "shop"})],
    "nothing named": [call(requestParameters={})],
    "no parameters": [call(requestParameters=None)],
    "a refused call": [call(errorCode="AccessDenied")],
    "too early": [call(at=NOW - timedelta(minutes=16))],
    "too late": [call(at=NOW + timedelta(minutes=2))],
    "a service": [call(userIdentity={"type": "AWSService", "invokedBy": "x.amazonaws.com"})],
    "a person and a service": [call(), call(userIdentity={"type": "AWSService"})],
    "another call": [call(eventName="TerminateProvisionedProduct")],
    "not JSON": [call() | {"CloudTrailEvent": "{"}],
    "not an object": [call() | {"CloudTrailEvent": "[]"}],
    "nothing at all": [],
}


@pytest.mark.parametrize("events", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_whoever_is_not_named_for_certain_stays_unknown(trail: Trail, events: list[dict[str, Any]]) -> None:
    request = open_update()
    trail.says(*events)
    assert look() == 0
    assert named(request) == ("", None, False)


def test_the_same_person_twice_is_one_person(trail: Trail) -> None:
    request = open_update()
    trail.says(call(), call(at=NOW - timedelta(minutes=3)), call(AMIR, errorCode="ThrottlingException"))
    assert look() == 1
    assert named(request)[0] == RAVI


def test_too_many_calls_to_have_seen_all_name_nobody(trail: Trail) -> None:
    request = open_update()
    for page in range(11):
        trail.says(*[call(AMIR, requestParameters={"provisionedProductId": "pp-9"})] * 49, call(), NextToken=str(page))
    assert look() == 0
    assert named(request)[0] == ""


def test_several_updates_of_one_place_cost_one_question(trail: Trail) -> None:
    requests = [open_update(), open_update(provisioned_product_id="pp-2", announced=NOW + timedelta(minutes=20))]
    other = call(AMIR, NOW + timedelta(minutes=19), requestParameters={"provisionedProductId": "pp-2"})
    trail.says(call(), other)
    assert look(1800) == 2
    assert [named(request)[0] for request in requests] == [RAVI, AMIR]
    assert len(trail.asked) == 1


def test_nobody_is_asked_without_need(trail: Trail) -> None:
    launches.open_launch(NOW)
    assert look() == 0
    open_update()
    assert look(7201) == 0, "older than two hours"
    withdrawn = open_update()
    actions.withdraw(withdrawn.pk, actor=Actor.system(Channel.FOLLOW), now=NOW)
    LaunchRequest.objects.exclude(pk=withdrawn.pk).update(updater_arn=RAVI)
    assert look() == 0
    assert trail.asked == []


def test_spokes_are_asked_where_there_is_a_reading_role_only(trail: Trail, settings: Any) -> None:
    open_update(account=SPOKE, region="eu-west-1")
    assert look() == 0
    assert trail.asked == []
    settings.GATEHOUSE_READER_ACCOUNTS = [SPOKE]
    trail.says(call())
    assert look() == 1
    assert trail.asked == [("cloudtrail", "eu-west-1", SPOKE)]


def test_a_cloudtrail_that_does_not_answer_stops_nothing(trail: Trail, settings: Any) -> None:
    settings.GATEHOUSE_READER_ACCOUNTS = [SPOKE]
    here, there = open_update(account=SPOKE), open_update()
    trail.stub.add_client_error("lookup_events", "AccessDeniedException")
    trail.says(call())
    assert look() == 1
    assert sorted([named(here)[0], named(there)[0]]) == ["", RAVI]


def test_a_desk_that_cannot_tell_who_it_is_asks_nobody(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise NoCredentialsError

    assert issubclass(NoCredentialsError, BotoCoreError)
    monkeypatch.setattr(aws, "own_account", nobody)
    open_update()
    assert look() == 0


# Separation of duties.


def may_approve(person: Any, request: LaunchRequest) -> bool:
    request.refresh_from_db()
    return rules.may(person, request, Action.APPROVE, NOW) is None


@pytest.mark.parametrize("launcher", ["tag", "listed principal"])
def test_until_somebody_is_named_the_first_launcher_may_not_decide(trail: Trail, cast: Cast, launcher: str) -> None:
    arn = AMIR if launcher == "tag" else f"arn:aws:sts::{launches.ACCOUNT}:assumed-role/Ops/i-1"
    if launcher != "tag":
        cast.approver.principals.create(arn=arn, first_seen=NOW)
    request = open_update(principal_arn=arn)
    assert not may_approve(cast.approver, request)
    assert may_approve(cast.second_approver, request)
    trail.says(call(RAVI))
    assert look() == 1
    assert may_approve(cast.approver, request), "AWS vouches for somebody else"


def test_a_session_nobody_vouches_for_does_not_clear_the_first_launcher(trail: Trail, cast: Cast) -> None:
    """A role's session name is whatever its user likes to write."""
    request = open_update(principal_arn=AMIR)
    unknown = f"arn:aws:sts::{launches.ACCOUNT}:assumed-role/Ops/bea@example.com"
    trail.says(call(unknown))
    assert look() == 1
    assert named(request) == (unknown, None, False)
    assert not may_approve(cast.approver, request)
    assert not may_approve(cast.second_approver, request), "it may be she"


def test_the_updater_may_not_decide(trail: Trail, cast: Cast) -> None:
    request = open_update()
    assert may_approve(cast.approver, request)
    trail.says(call(AMIR))
    assert look() == 1
    assert not may_approve(cast.approver, request)
    assert may_approve(cast.second_approver, request)


@pytest.mark.parametrize(("updater", "alarms"), [(AMIR, [AlarmCode.OWN_UPDATE]), (RAVI, [])])
def test_an_approver_who_turns_out_to_be_the_updater_is_an_alarm(
    trail: Trail, cast: Cast, updater: str, alarms: list[AlarmCode]
) -> None:
    request = open_update()
    actions.approve(request.pk, actor=Actor(cast.approver, Channel.DESK), now=NOW)
    trail.says(call(updater))
    assert look() == 1
    assert [alarm.code for alarm in Alarm.objects.filter(request=request)] == alarms
    request.refresh_from_db()
    assert request.state == "approved", "what was decided stands"


# What the page says.


def test_the_page_names_nobody_until_cloudtrail_does(
    trail: Trail, cast: Cast, client_for: Callable[[Any], Client]
) -> None:
    request = open_update()
    desk = client_for(cast.approver)
    page = desk.get(request.get_absolute_url()).content.decode()
    assert "unknown updater" in page
    assert "CloudTrail may name the person some minutes later" in page
    assert "First launched by" in page
    trail.says(call())
    assert look() == 1
    page = desk.get(request.get_absolute_url()).content.decode()
    assert "unknown updater" not in page
    assert page.index("Updated by") < page.index(RAVI) < page.index("First launched by") < page.index(RITA)
