"""A link in a mail and the desk decide about one launch: the first recorded decision wins, on both sides."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from django.utils.timezone import now

from approvals import actions, precedence, receipts, tasks
from approvals.actor import Actor
from approvals.audit import Event, verify
from approvals.choices import AlarmCode, Channel, HoldStatus, NoticeCode, Outcome, SignalStatus, State, Verdict
from approvals.errors import Refused
from approvals.intake import messages
from approvals.models import Alarm, AuditEvent, Decision, LaunchRequest, LinkDecision, Notice, Signal
from approvals.outbox import signals
from catalog import aws
from tests.support import envelopes
from tests.support.cast import Cast
from tests.support.listener import Listener
from tests.support.signalling import KEY_ARN, Key

LINK = "gh-0123456789abcdefghijklmnop"


@pytest.fixture(autouse=True)
def key(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Key:
    settings.GATEHOUSE_SIGNING_KEY = KEY_ARN
    key = Key()
    monkeypatch.setattr(receipts, "_kms_sign", key)
    return key


@pytest.fixture
def far(settings: Any) -> Iterator[Listener]:
    with Listener() as listener:
        settings.GATEHOUSE_DEV_WAIT_ORIGIN = listener.origin
        yield listener


@pytest.fixture
def table(sandbox: str, settings: Any) -> str:
    """The hub's table, as its template makes it, in the sandbox."""
    name = settings.GATEHOUSE_DECISIONS_TABLE = f"gatehouse-decisions-{uuid4().hex[:8]}"
    aws.client("dynamodb", envelopes.REGION).create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


class Launch:
    """One launch that both sides may decide about."""

    def __init__(self, cast: Cast, far: Listener, table: str) -> None:
        self.cast, self.far, self.table = cast, far, table
        stack_id = envelopes.new_stack_id()
        url = envelopes.wait_url(stack_id, host=f"{far.origin}/cloudformation-waitcondition-us-east-1", now=now())
        self.opened = envelopes.launch(now(), stack_id=stack_id, url=url, gate={**GATE})

    def arrives(self) -> None:
        self.take(self.opened)

    def take(self, envelope: dict[str, Any], at: datetime | None = None) -> None:
        assert messages.deliver(json.dumps(envelope), topic_arn=envelopes.TOPIC, now=at or now()) == ""

    def recorded(self, verdict: str = "approved") -> None:
        """The approve function writes its decision into the table."""
        said = {"verdict": verdict, "by": "Grace", "channel": "email_link", "at": envelopes.z(now()), "reason": "so"}
        aws.client("dynamodb", envelopes.REGION).put_item(
            TableName=self.table,
            Item={
                "id": {"S": f"launch#{self.opened['stack_id']}#{self.opened['fingerprint']}"},
                "decision": {"M": {name: {"S": value} for name, value in {**said, "unique_id": LINK}.items()}},
            },
        )

    def told(self, verdict: str = "approved") -> None:
        """The desk hears of it."""
        self.take(envelopes.link_decision(self.opened, now(), verdict, unique_id=LINK, reason="so"))

    def wait(self, status: str, reason: str = "") -> None:
        self.take(envelopes.wait_status(self.opened["stack_id"], status, now(), reason))

    def decide(self, verdict: Verdict) -> None:
        verb = actions.approve if verdict is Verdict.APPROVED else actions.reject
        verb(self.request.pk, actor=Actor(self.cast.approver, Channel.DESK), now=now(), reason="because")

    def row(self) -> dict[str, Any]:
        key = {"id": {"S": f"launch#{self.opened['stack_id']}#{self.opened['fingerprint']}"}}
        found = aws.client("dynamodb", envelopes.REGION).get_item(TableName=self.table, Key=key, ConsistentRead=True)
        return {name: value["S"] for name, value in found["Item"]["decision"]["M"].items()}

    @property
    def request(self) -> LaunchRequest:
        return LaunchRequest.objects.get(fingerprint=self.opened["fingerprint"])


GATE = {"receipt": True, "gate_updates": False, "email_decisions": True}


@pytest.fixture
def launch(cloned_db: None, cast: Cast, far: Listener, table: str) -> Launch:
    return Launch(cast, far, table)


def send() -> None:
    while piece := signals.take():
        piece()


def codes(request: LaunchRequest) -> list[str]:
    return list(AuditEvent.objects.filter(chain__request=request).values_list("code", flat=True))


def test_the_desk_writes_its_decision_down_before_it_signs(launch: Launch, far: Listener) -> None:
    launch.arrives()
    launch.decide(Verdict.APPROVED)
    send()
    row = launch.row()
    signal = Signal.objects.get()
    assert (row["verdict"], row["channel"], row["by"]) == ("approved", "desk", "Amir")
    assert (row["unique_id"], row["request"]) == (signal.unique_id, launch.request.number)
    assert (signal.status, len(far.bodies)) == (SignalStatus.STORED, 1)


def test_a_worker_that_died_after_writing_finds_its_own_decision(launch: Launch, far: Listener, key: Key) -> None:
    launch.arrives()
    launch.decide(Verdict.APPROVED)
    signal = Signal.objects.select_related("request", "hold").get()
    assert precedence.claim(signal, now()) is None
    assert precedence.claim(signal, now()) is None
    send()
    assert (len(far.bodies), key.signed) == (1, 1)


@pytest.mark.parametrize("theirs", ["approved", "rejected"])
@pytest.mark.parametrize("ours", list(Verdict))
def test_the_link_was_first_so_the_desk_signs_and_sends_nothing(
    launch: Launch, far: Listener, key: Key, ours: Verdict, theirs: str
) -> None:
    launch.arrives()
    launch.recorded(theirs)
    launch.decide(ours)
    send()
    request, signal = launch.request, Signal.objects.get()
    assert (far.bodies, key.signed) == ([], 0)
    assert (signal.status, request.signal, signal.last_result) == ("none", "none", "decided_by_link")
    assert request.state == theirs
    assert (request.link_decision.decided_by, request.decision.verdict) == ("Grace", ours)
    assert Alarm.objects.filter(code=AlarmCode.DECIDED_TWICE).exists() == (ours != theirs)
    assert request.holds.get().url_encrypted is None
    launch.told(theirs)
    assert LinkDecision.objects.count() == 1
    assert codes(request).count(Event.DECIDED_BY_LINK) == 1
    assert verify().first_bad == ""


def test_the_desk_shows_what_a_link_decided(launch: Launch, client_for: Any) -> None:
    launch.arrives()
    launch.told("rejected")
    request = launch.request
    assert (request.state, request.link_decision.decided_by) == (State.REJECTED, "Grace")
    assert Notice.objects.filter(code=NoticeCode.DECIDED, request=request).exists()
    page = client_for(launch.cast.approver).get(request.get_absolute_url()).content.decode()
    assert "Decided by e-mail link, in the name of" in page
    assert "cannot be proved" in page
    with pytest.raises(Refused) as refused:
        launch.decide(Verdict.APPROVED)
    assert "Grace" in refused.value.sentence


def test_the_links_own_signal_is_no_bypass(launch: Launch) -> None:
    launch.arrives()
    launch.told("rejected")
    launch.wait("CREATE_FAILED", f"WaitCondition received failed message: 'so' for uniqueId: {LINK}")
    assert launch.request.state == State.REJECTED
    assert not Alarm.objects.exists()


def test_an_approval_by_link_releases(launch: Launch) -> None:
    launch.arrives()
    launch.told()
    launch.wait("CREATE_COMPLETE")
    launch.take(envelopes.status(launch.opened["stack_id"], "CREATE_COMPLETE", now()))
    assert (launch.request.state, launch.request.outcome) == (State.APPROVED, Outcome.LAUNCHED)
    assert not Alarm.objects.exists()


@pytest.mark.parametrize("verdict", ["approved", "rejected"])
def test_a_signal_seen_before_its_decision_is_heard_of_clears_up(launch: Launch, verdict: str) -> None:
    launch.arrives()
    done = "CREATE_COMPLETE" if verdict == "approved" else "CREATE_FAILED"
    launch.wait(done, f"WaitCondition received failed message: 'so' for uniqueId: {LINK}")
    assert launch.request.state == State.BYPASSED
    launch.told(verdict)
    assert launch.request.state == verdict
    assert not Alarm.objects.filter(acknowledged_at=None).exists()


def test_a_decision_heard_before_its_launch_ends_as_the_launch_decided(launch: Launch) -> None:
    launch.told("rejected")
    assert (launch.request.state, launch.request.is_complete) == (State.REJECTED, False)
    launch.arrives()
    request = launch.request
    assert (request.state, request.is_complete, request.product_id) == (State.REJECTED, True, "prod-wordpress")
    launch.wait("CREATE_FAILED", f"WaitCondition received failed message: 'so' for uniqueId: {LINK}")
    assert not Alarm.objects.exists()
    assert not request.holds.exists()


def test_a_launch_that_no_link_may_decide_stays_open(launch: Launch) -> None:
    """Only what the hub's own notify announced with a link: a forged word changes nothing and is seen."""
    launch.opened["gate"]["email_decisions"] = False
    launch.arrives()
    launch.told()
    assert launch.request.state == State.PENDING
    assert Alarm.objects.get().code == AlarmCode.DECIDED_TWICE


def test_without_the_table_nothing_is_signed(launch: Launch, far: Listener, key: Key, settings: Any) -> None:
    settings.GATEHOUSE_DECISIONS_TABLE = "gatehouse-nowhere"
    launch.arrives()
    launch.decide(Verdict.APPROVED)
    send()
    signal = Signal.objects.get()
    assert (far.bodies, key.signed) == ([], 0)
    assert signal.status == SignalStatus.QUEUED
    assert signal.last_result.startswith("decisions table: ResourceNotFound")


def test_a_withdrawal_is_written_down_too(launch: Launch, far: Listener) -> None:
    launch.arrives()
    actions.withdraw(launch.request.pk, actor=Actor(launch.cast.requester, Channel.DESK), now=now())
    send()
    assert launch.row()["verdict"] == "withdrawn"
    assert len(far.bodies) == 1


def test_of_fifty_at_once_one_decision_is_recorded(launch: Launch) -> None:
    """The desk and 49 holders of the link, each with the one conditional write they all make."""
    launch.arrives()
    launch.decide(Verdict.REJECTED)
    signal = Signal.objects.select_related("request", "hold").get()
    client = aws.client("dynamodb", envelopes.REGION)
    key = {"id": {"S": f"launch#{launch.opened['stack_id']}#{launch.opened['fingerprint']}"}}
    won: list[str] = []

    def by_link(number: int) -> None:
        said = {"verdict": "approved", "by": "Grace", "channel": "email_link", "unique_id": f"gh-{number}"}
        with suppress(client.exceptions.ConditionalCheckFailedException):
            client.update_item(
                TableName=launch.table,
                Key=key,
                UpdateExpression="SET decision = :d",
                ConditionExpression="attribute_not_exists(decision)",
                ExpressionAttributeValues={":d": {"M": {name: {"S": value} for name, value in said.items()}}},
            )
            won.append(said["unique_id"])

    def at_the_desk() -> None:
        if precedence.claim(signal, now()) is None:
            won.append(signal.unique_id)
        connections.close_all()

    threads = [threading.Thread(target=by_link, args=(number,)) for number in range(49)]
    threads.insert(25, threading.Thread(target=at_the_desk))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert won == [launch.row()["unique_id"]]


def test_an_expired_request_still_learns_that_a_link_was_in_time(launch: Launch) -> None:
    launch.arrives()
    actions.expire(launch.request.pk, actor=Actor.system(Channel.TIMER), now=now() + timedelta(hours=12))
    launch.told()
    assert launch.request.state == State.APPROVED
    assert Decision.objects.count() == 0


def test_a_decision_cloudformation_never_heard_of_is_an_alarm_once(launch: Launch) -> None:
    launch.arrives()
    launch.told()
    tasks.warn_of_untold_decisions()
    assert not Alarm.objects.exists()
    for minutes in (6, 7):
        actions.warn_of_untold(now() + timedelta(minutes=minutes))
    assert (Alarm.objects.get().code, Alarm.objects.get().times) == (AlarmCode.SIGNAL_GIVEN_UP, 1)
    launch.take(envelopes.status(launch.opened["stack_id"], "CREATE_COMPLETE", now()))
    Alarm.objects.update(acknowledged_at=now())
    actions.warn_of_untold(now() + timedelta(minutes=8))
    assert Alarm.objects.count() == 1


class Held:
    """A held update of a launch, which a link may decide too."""

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        launch.arrives()
        launch.decide(Verdict.APPROVED)
        send()
        launch.take(envelopes.status(launch.opened["stack_id"], "CREATE_COMPLETE", now()))

    def arrives(self) -> LaunchRequest:
        gate = {"receipt": True, "gate_updates": True, "email_decisions": True}
        larger = [envelopes.parameter("InstanceType", "m6i.large")]
        self.said = envelopes.update(
            self.launch.opened, now(), host=self.launch.far.origin, gate=gate, parameters=larger
        )
        self.launch.take(self.said)
        return LaunchRequest.objects.latest("pk")

    def row(self) -> dict[str, Any]:
        tail = f"{self.said['fingerprint']}#{self.said['hold']['request_id']}"
        found = aws.client("dynamodb", envelopes.REGION).get_item(
            TableName=self.launch.table,
            Key={"id": {"S": f"launch#{self.said['stack_id']}#{tail}"}},
            ConsistentRead=True,
        )
        return {name: value["S"] for name, value in found["Item"]["decision"]["M"].items()}

    def recorded(self, verdict: str) -> None:
        """The approve function writes its decision about this try into the table."""
        said = {"verdict": verdict, "by": "Grace", "channel": "email_link", "at": envelopes.z(now()), "reason": "so"}
        tail = f"{self.said['fingerprint']}#{self.said['hold']['request_id']}"
        aws.client("dynamodb", envelopes.REGION).put_item(
            TableName=self.launch.table,
            Item={
                "id": {"S": f"launch#{self.said['stack_id']}#{tail}"},
                "decision": {"M": {name: {"S": value} for name, value in {**said, "unique_id": LINK}.items()}},
            },
        )

    def told(self, verdict: str, unique_id: str = LINK) -> None:
        self.launch.take(envelopes.link_decision(self.said, now(), verdict, unique_id=unique_id))

    def lapses(self, request: LaunchRequest) -> None:
        request.holds.filter(status=HoldStatus.OPEN).update(deadline=now() - timedelta(seconds=1))
        tasks.lapse_updates()
        send()


@pytest.fixture
def held(launch: Launch) -> Held:
    return Held(launch)


def test_an_update_answered_at_its_deadline_is_written_down_for_that_try(held: Held) -> None:
    request = held.arrives()
    held.lapses(request)
    assert held.row()["verdict"] == "lapsed"
    assert held.arrives().pk == request.pk
    actions.approve(request.pk, actor=Actor(held.launch.cast.approver, Channel.DESK), now=now())
    send()
    assert held.row()["verdict"] == "approved"
    assert [json.loads(body)["Status"] for body in held.launch.far.bodies[1:]] == ["FAILED", "SUCCESS"]


def test_a_link_decides_a_held_update(held: Held) -> None:
    request = held.arrives()
    held.told("approved")
    held.launch.take(envelopes.status(request.stack_id, "UPDATE_COMPLETE", now()))
    request.refresh_from_db()
    assert (request.state, request.outcome) == (State.APPROVED, Outcome.LAUNCHED)
    assert len(held.launch.far.bodies) == 1, "the desk answered the launch only"
    assert not Alarm.objects.exists()


def test_an_old_word_of_a_link_is_not_about_the_update_that_is_asked_for_again(held: Held) -> None:
    first = held.arrives()
    held.told("rejected")
    held.launch.take(envelopes.status(first.stack_id, "UPDATE_ROLLBACK_COMPLETE", now()))
    second = held.arrives()
    assert second.pk != first.pk
    held.told("rejected")
    second.refresh_from_db()
    assert (second.state, LinkDecision.objects.count()) == (State.PENDING, 1)
    held.told("approved", unique_id=f"{LINK}2")
    second.refresh_from_db()
    assert second.state == State.APPROVED


def test_what_a_link_refused_first_leaves_no_pass_behind(held: Held) -> None:
    """The desk's approval granted one; the table says that the link was quicker, and it said no."""
    request = held.arrives()
    held.recorded("rejected")
    actions.approve(request.pk, actor=Actor(held.launch.cast.approver, Channel.DESK), now=now())
    send()
    request.refresh_from_db()
    assert request.state == State.REJECTED
    again = held.arrives()
    assert (again.pk == request.pk, again.state) == (False, State.PENDING)


def test_a_launch_that_was_reconciled_first_learns_that_a_link_may_decide(launch: Launch) -> None:
    """Its message came late; the desk had opened it from the stack's events, which know of no link."""
    gate = launch.opened["gate"]
    launch.opened["gate"] = gate | {"email_decisions": False}
    launch.arrives()
    launch.opened["gate"] = gate
    launch.arrives()
    launch.decide(Verdict.REJECTED)
    send()
    assert launch.row()["verdict"] == "rejected"


def test_a_forged_decision_ahead_of_its_launch_is_seen(launch: Launch) -> None:
    """The launch is closed by then, and says that no link could have decided it."""
    launch.told()
    launch.opened["gate"]["email_decisions"] = False
    launch.arrives()
    assert Alarm.objects.get().code == AlarmCode.DECIDED_TWICE


def test_a_link_that_was_quicker_than_the_deadline_is_followed_to_its_end(held: Held) -> None:
    request = held.arrives()
    held.recorded("approved")
    held.lapses(request)
    held.launch.take(envelopes.status(request.stack_id, "UPDATE_COMPLETE", now()))
    request.refresh_from_db()
    assert (request.state, request.outcome) == (State.APPROVED, Outcome.LAUNCHED)
    assert len(held.launch.far.bodies) == 1, "the desk answered the launch only"
