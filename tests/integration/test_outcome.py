"""The desk follows a stack: whatever order its messages come in, the request ends the same."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from approvals import actions
from approvals.actor import Actor
from approvals.choices import AlarmCode, Channel, HoldStatus, Outcome, SignalStatus, State
from approvals.errors import Refused
from approvals.following import outcome, stacks
from approvals.intake import doors
from approvals.intake.envelope import Status
from approvals.models import Alarm, LaunchRequest, Notice
from tests.support import envelopes
from tests.support.cast import Cast

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)
pytestmark = pytest.mark.django_db
TIMED_OUT = "WaitCondition timed out. Received 0 conditions when expecting 1"


def hear(*said: dict[str, Any], now: datetime = LATER) -> None:
    for envelope in said:
        taken = doors.take(envelopes.text(envelope), topic_arn=envelopes.TOPIC, door=doors.QUEUE, now=now)
        assert taken == doors.Taken.DONE


def only() -> LaunchRequest:
    return LaunchRequest.objects.get()


def end_state() -> tuple[str, str, str, str]:
    request = only()
    return request.state, request.outcome, request.holds.get().status if request.holds.exists() else "", request.signal


class FakeStacks:
    """CloudFormation as the desk reads it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.looks: dict[str, stacks.Look | Exception] = {}
        self.asked: list[str] = []
        monkeypatch.setattr(stacks, "look", self.look)
        monkeypatch.setattr("catalog.aws.own_account", lambda: envelopes.ACCOUNT)

    def look(self, stack_id: str, _region: str, **_: object) -> stacks.Look:
        self.asked.append(stack_id)
        answer = self.looks.get(stack_id, stacks.Unreadable("AccessDenied"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def says(self, stack_id: str, status: str, reason: str = "", resources: list[Status] | None = None) -> None:
        self.looks[stack_id] = stacks.Look(Status(stack_id, status, reason, at=LATER), resources or [])


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> FakeStacks:
    return FakeStacks(monkeypatch)


def decide(cast: Cast, verdict: str, now: datetime = NOW) -> None:
    actor = Actor(cast.approver, Channel.DESK)
    if verdict == "approve":
        actions.approve(only().pk, actor=actor, now=now)
    else:
        actions.reject(only().pk, actor=actor, now=now, reason="Too large")


def test_an_approved_launch_is_released_then_launched_then_terminated(cast: Cast) -> None:
    opened = envelopes.launch(NOW)
    stack = opened["stack_id"]
    hear(opened, now=NOW)
    decide(cast, "approve")
    hear(envelopes.wait_status(stack, "CREATE_COMPLETE", LATER))
    assert end_state()[:3] == (State.APPROVED, Outcome.RELEASED, HoldStatus.ENDED)
    hear(envelopes.status(stack, "CREATE_COMPLETE", LATER))
    assert only().outcome == Outcome.LAUNCHED
    hear(envelopes.status(stack, "DELETE_COMPLETE", LATER))
    assert only().outcome == Outcome.TERMINATED
    assert not Alarm.objects.exists()


def test_a_rejected_launch_rolls_back_by_our_own_signal(cast: Cast) -> None:
    opened = envelopes.launch(NOW)
    hear(opened, now=NOW)
    decide(cast, "reject")
    ours = only().signals.get().unique_id
    failed = f"WaitCondition received failed message: 'Too large' for uniqueId: {ours}"
    hear(
        envelopes.wait_status(opened["stack_id"], "CREATE_FAILED", LATER, failed),
        envelopes.status(opened["stack_id"], "ROLLBACK_COMPLETE", LATER),
    )
    assert end_state()[:2] == (State.REJECTED, Outcome.ROLLED_BACK)
    assert not Alarm.objects.exists()


def test_a_rejected_launch_that_is_built_all_the_same_raises_alarms_once(cast: Cast) -> None:
    opened = envelopes.launch(NOW)
    hear(opened, now=NOW)
    decide(cast, "reject")
    for _ in range(3):
        hear(
            envelopes.wait_status(opened["stack_id"], "CREATE_COMPLETE", LATER),
            envelopes.status(opened["stack_id"], "CREATE_COMPLETE", LATER),
        )
    assert end_state()[:2] == (State.REJECTED, Outcome.LAUNCHED)
    assert sorted(Alarm.objects.values_list("code", "times")) == [("bypass", 1), ("contradiction", 1)]


def test_verify_refusing_a_signal_bypasses_an_open_request_and_alarms_for_a_decided_one(cast: Cast) -> None:
    opened = envelopes.launch(NOW)
    hear(opened, envelopes.alarm(opened, "bypass", LATER))
    assert end_state()[:3] == (State.BYPASSED, Outcome.WAITING, HoldStatus.ENDED)
    assert Alarm.objects.get().code == AlarmCode.BYPASS
    LaunchRequest.objects.update(state=State.APPROVED)
    Alarm.objects.all().delete()
    hear(envelopes.alarm(opened, "bypass", LATER), envelopes.alarm(opened, "could_not_check", LATER))
    assert only().state == State.APPROVED
    assert sorted(Alarm.objects.values_list("code", flat=True)) == ["bypass", "could_not_check"]


def test_an_alarm_about_a_stack_nobody_knows_is_raised() -> None:
    hear(envelopes.alarm(envelopes.launch(NOW), "bypass", LATER))
    assert Alarm.objects.get().request is None


def test_a_status_of_an_unknown_stack_is_none_of_ours(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        hear(envelopes.status(envelopes.new_stack_id(), "CREATE_COMPLETE", LATER))


def test_a_launch_nobody_may_decide_any_more_cannot_be_decided(cast: Cast) -> None:
    opened = envelopes.launch(NOW)
    hear(opened, envelopes.status(opened["stack_id"], "ROLLBACK_IN_PROGRESS", LATER))
    assert (only().state, only().holds.get().status) == (State.PENDING, HoldStatus.ENDED)
    with pytest.raises(Refused):
        decide(cast, "approve", LATER)
    assert only().signal == SignalStatus.NONE


def test_an_unexplained_rollback_is_withdrawn_after_a_minute_and_says_what_the_stack_said() -> None:
    opened = envelopes.launch(NOW)
    hear(opened, envelopes.status(opened["stack_id"], "ROLLBACK_COMPLETE", LATER, "sandbox stopped"))
    assert outcome.close_unexplained(LATER + timedelta(seconds=59)) == 0
    assert outcome.close_unexplained(LATER + timedelta(seconds=61)) == 1
    request = only()
    assert (request.state, request.outcome, request.stack_reason) == (
        State.WITHDRAWN,
        Outcome.ROLLED_BACK,
        "sandbox stopped",
    )


def test_an_unexplained_rollback_after_the_deadline_is_expiry() -> None:
    opened = envelopes.launch(NOW)
    late = NOW + timedelta(hours=12)
    hear(opened, now=NOW)
    hear(envelopes.status(opened["stack_id"], "ROLLBACK_IN_PROGRESS", late), now=late)
    outcome.close_unexplained(late + timedelta(seconds=61))
    assert only().state == State.EXPIRED


# The stories whose messages are shuffled: what is heard, and what it ends as.


def terminated(opened: dict[str, Any]) -> list[dict[str, Any]]:
    stack = opened["stack_id"]
    return [
        opened,
        envelopes.status(stack, "CREATE_IN_PROGRESS", NOW),
        envelopes.status(stack, "DELETE_IN_PROGRESS", LATER),
        envelopes.deleted(opened, "DELETE_IN_PROGRESS", LATER),
        envelopes.status(stack, "DELETE_COMPLETE", LATER + timedelta(seconds=5)),
    ]


def timed_out(opened: dict[str, Any]) -> list[dict[str, Any]]:
    stack, end = opened["stack_id"], LATER
    return [
        opened,
        envelopes.wait_status(stack, "CREATE_IN_PROGRESS", NOW),
        envelopes.wait_status(stack, "CREATE_FAILED", end, TIMED_OUT),
        envelopes.status(stack, "ROLLBACK_IN_PROGRESS", end),
        envelopes.deleted(opened, "ROLLBACK_IN_PROGRESS", end),
        envelopes.status(stack, "ROLLBACK_COMPLETE", end + timedelta(seconds=5)),
    ]


def forged(opened: dict[str, Any]) -> list[dict[str, Any]]:
    stack = opened["stack_id"]
    return [
        opened,
        envelopes.wait_status(stack, "CREATE_COMPLETE", LATER),
        envelopes.alarm(opened, "bypass", LATER),
        envelopes.status(stack, "ROLLBACK_IN_PROGRESS", LATER),
        envelopes.deleted(opened, "ROLLBACK_IN_PROGRESS", LATER),
        envelopes.status(stack, "ROLLBACK_COMPLETE", LATER + timedelta(seconds=5)),
    ]


STORIES: list[tuple[Callable[[dict[str, Any]], list[dict[str, Any]]], State, Outcome, int]] = [
    (terminated, State.WITHDRAWN, Outcome.TERMINATED, 42600),
    (timed_out, State.EXPIRED, Outcome.ROLLED_BACK, 500),
    (forged, State.BYPASSED, Outcome.ROLLED_BACK, 42600),
]


@pytest.mark.parametrize("readable", [True, False], ids=["own account", "foreign account"])
@pytest.mark.parametrize(("story", "state", "ended", "timeout"), STORIES, ids=lambda v: getattr(v, "__name__", ""))
def test_any_order_and_any_repetition_ends_the_same(
    cloud: FakeStacks, readable: bool, story: Any, state: State, ended: Outcome, timeout: int
) -> None:
    """17 shuffles for each of six cases, others in each run. A Delete that comes before its Create leaves a closed
    request: withdrawn."""
    rng = random.Random(seed := random.randrange(2**32))
    for _ in range(17):
        opened = envelopes.launch(NOW, timeout=timeout)
        told = story(opened)
        heard = told + rng.choices(told, k=rng.randrange(5))
        rng.shuffle(heard)
        if readable:
            cloud.says(
                opened["stack_id"],
                told[-1]["status"],
                resources=[parsed(said) for said in told if said.get("resource_type")],
            )
        hear(*heard)
        if not readable:
            # The stack's last word, when everything else came before the desk knew of the stack.
            hear(told[-1])
        for seconds in (5, 70):
            outcome.follow(LATER + timedelta(seconds=seconds))
        kinds = [said.get("event") for said in heard]
        delete_first = kinds.index("Delete") < kinds.index("Create")
        request = LaunchRequest.objects.get(stack_id=opened["stack_id"])
        assert request.state == (State.WITHDRAWN if delete_first else state), f"seed {seed}"
        assert (request.outcome, request.signal, request.is_complete) == (ended, SignalStatus.NONE, True), (
            f"seed {seed}"
        )
        assert not request.holds.filter(status=HoldStatus.OPEN).exists()
        alarms = Alarm.objects.filter(stack_id=request.stack_id).values_list("code", flat=True)
        assert list(alarms) == (["bypass"] if story is forged else []), f"seed {seed}"


def parsed(said: dict[str, Any]) -> Status:
    return Status(
        said["stack_id"],
        said["status"],
        said["reason"],
        datetime.fromisoformat(said["at"]),
        said["logical_id"],
        said["resource_type"],
    )


def test_a_version_update_is_told_from_the_launch_before_it(cast: Cast) -> None:
    first = envelopes.launch(NOW)
    stack = first["stack_id"]
    hear(first, now=NOW)
    decide(cast, "approve")
    hear(envelopes.status(stack, "CREATE_COMPLETE", NOW + timedelta(minutes=1)))
    second = envelopes.launch(
        LATER,
        stack_id=stack,
        logical_id="ApprovalRequest2",
        status="UPDATE_IN_PROGRESS",
        url=envelopes.wait_url(stack, "ApprovalHandle2", now=LATER),
    )
    second["hold"]["wait"] = "ApprovalWait2"
    second["template"]["resources"].append({"id": "ApprovalReceipt2", "type": "Custom::ApprovalReceipt"})
    hear(second, now=LATER)
    blink = timedelta(seconds=1)
    # Late words about the launch change nothing for the update.
    hear(
        envelopes.status(stack, "CREATE_COMPLETE", NOW + timedelta(minutes=1)),
        envelopes.wait_status(stack, "CREATE_COMPLETE", NOW + timedelta(minutes=1)),
        envelopes.receipt_status(stack, "CREATE_COMPLETE", LATER - blink, "ApprovalReceipt1"),
        envelopes.receipt_status(stack, "CREATE_COMPLETE", LATER - blink, "ApprovalReceipt2"),
        envelopes.receipt_status(stack, "CREATE_COMPLETE", LATER + blink, "ApprovalReceipt1"),
        now=LATER,
    )
    update = LaunchRequest.objects.latest("pk")
    assert (update.kind, update.state, update.outcome) == ("version_update", State.PENDING, Outcome.WAITING)
    over = LATER + timedelta(minutes=1)
    hear(
        envelopes.wait_status(stack, "CREATE_FAILED", over, TIMED_OUT, "ApprovalWait2"),
        envelopes.status(stack, "UPDATE_ROLLBACK_COMPLETE", over),
        now=over,
    )
    update.refresh_from_db()
    assert (update.state, update.outcome) == (State.EXPIRED, Outcome.ROLLED_BACK)
    launch = LaunchRequest.objects.earliest("pk")
    assert (launch.state, launch.outcome) == (State.APPROVED, Outcome.LAUNCHED)
    assert not Alarm.objects.exists()


# Polling.


def test_following_finds_what_no_message_told(cloud: FakeStacks, cast: Cast) -> None:
    opened = envelopes.launch(NOW)
    hear(opened, now=NOW)
    decide(cast, "approve")
    cloud.says(opened["stack_id"], "CREATE_COMPLETE")
    assert outcome.follow(LATER) == 1
    assert only().outcome == Outcome.LAUNCHED
    assert outcome.follow(LATER + timedelta(hours=5)) == 0, "settled: nobody looks again"


def test_following_reads_from_the_events_how_a_wait_ended(cloud: FakeStacks) -> None:
    opened = envelopes.launch(NOW)
    stack = opened["stack_id"]
    hear(opened, now=NOW)
    signalled = Status(stack, "CREATE_COMPLETE", "", LATER, "ApprovalWait", "AWS::CloudFormation::WaitCondition")
    cloud.says(stack, "ROLLBACK_COMPLETE", resources=[signalled])
    outcome.follow(LATER)
    assert end_state()[:2] == (State.BYPASSED, Outcome.ROLLED_BACK)


def test_a_readable_rollback_without_explanation_is_withdrawn_at_once(cloud: FakeStacks) -> None:
    opened = envelopes.launch(NOW)
    hear(opened, now=NOW)
    cloud.says(opened["stack_id"], "ROLLBACK_IN_PROGRESS", "User initiated")
    outcome.follow(LATER)
    assert (only().state, only().stack_reason) == (State.WITHDRAWN, "User initiated")


def test_a_stack_that_vanished_withdraws_its_request(cloud: FakeStacks) -> None:
    opened = envelopes.launch(NOW)
    hear(opened, now=NOW)
    cloud.says(opened["stack_id"], "DELETE_COMPLETE", stacks.VANISHED)
    outcome.follow(LATER)
    assert end_state()[:2] == (State.WITHDRAWN, Outcome.TERMINATED)
    assert Notice.objects.filter(code="withdrawn").count() == 1


def test_a_stack_that_may_not_be_read_blocks_nobody(cloud: FakeStacks) -> None:
    unreadable, readable = envelopes.launch(NOW), envelopes.launch(NOW)
    hear(unreadable, readable, now=NOW)
    cloud.says(readable["stack_id"], "DELETE_COMPLETE")
    assert outcome.follow(LATER) == 2
    states = {r.stack_id: r.state for r in LaunchRequest.objects.all()}
    assert states == {unreadable["stack_id"]: State.PENDING, readable["stack_id"]: State.WITHDRAWN}


def test_stacks_of_other_accounts_are_never_asked_about(cloud: FakeStacks, monkeypatch: pytest.MonkeyPatch) -> None:
    hear(envelopes.launch(NOW), now=NOW)
    monkeypatch.setattr("catalog.aws.own_account", lambda: "444455556666")
    assert outcome.follow(LATER) == 0
    assert cloud.asked == []


def test_following_waits_between_two_looks(cloud: FakeStacks, cast: Cast) -> None:
    hear(envelopes.launch(NOW), now=NOW)

    def due(seconds: float) -> bool:
        return outcome.follow(NOW + timedelta(seconds=seconds)) == 1

    assert due(0)
    assert not due(30)
    assert due(61)
    decide(cast, "approve", NOW + timedelta(seconds=62))
    assert due(65), "soon after a decision"
    assert due(69)
    LaunchRequest.objects.update(opened_at=NOW - timedelta(days=3), closed_at=NOW - timedelta(days=3))
    assert not due(300)
    assert due(4000), "rarely when old"


@pytest.mark.parametrize(
    "trouble",
    [
        ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetCallerIdentity"),
        EndpointConnectionError(endpoint_url="http://x"),
    ],
)
def test_following_survives_an_aws_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, trouble: Exception) -> None:
    def nobody() -> str:
        raise trouble

    monkeypatch.setattr("catalog.aws.own_account", nobody)
    assert outcome.follow(NOW) == 0


def test_reading_a_stack_tells_vanished_from_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    def client(message: str) -> Any:
        def describe_stacks(**_: object) -> None:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "DescribeStacks")

        return type("Client", (), {"describe_stacks": staticmethod(describe_stacks)})()

    stack = envelopes.new_stack_id()
    monkeypatch.setattr("catalog.aws.client", lambda *_: client("Stack with id x does not exist"))
    assert stacks.look(stack, "us-east-1", since=None, now=NOW).stack.status == "DELETE_COMPLETE"
    monkeypatch.setattr("catalog.aws.client", lambda *_: client("https://x/?X-Amz-Signature=s3cret is wrong"))
    with pytest.raises(stacks.Unreadable, match=r"^ValidationError$"):
        stacks.look(stack, "us-east-1", since=None, now=NOW)


def test_urls_never_come_with_a_reason() -> None:
    assert stacks.without_urls("see https://x/?X-Amz-Signature=s3cret now") == "see [URL] now"


def test_permutations_of_four_messages_are_all_tried(cloud: FakeStacks) -> None:
    """Every order of Create, its status and the two deletions; each on a stack of its own."""
    for order in itertools.permutations(range(4)):
        opened = envelopes.launch(NOW)
        told = terminated(opened)[:1] + terminated(opened)[2:]
        cloud.says(opened["stack_id"], "DELETE_COMPLETE")
        hear(*(told[n] for n in order))
        outcome.follow(LATER)
        request = LaunchRequest.objects.get(stack_id=opened["stack_id"])
        assert (request.state, request.outcome) == (State.WITHDRAWN, Outcome.TERMINATED), order
