"""Updates of parameters: held, decided in time or later, tried again, and what the stack then does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from approvals import actions, outbox, progress, receipts, tasks
from approvals.actor import Actor
from approvals.audit import Event, verify
from approvals.choices import AlarmCode, Channel, HoldStatus, Kind, NoticeCode, Outcome, SignalStatus, State
from approvals.errors import Refused
from approvals.following import outcome
from approvals.intake import messages
from approvals.models import Alarm, AuditEvent, Hold, LaunchRequest, Notice, Signal
from approvals.outbox import signals
from tests.support import envelopes
from tests.support.cast import Cast
from tests.support.listener import Listener
from tests.support.signalling import KEY_ARN, Key

LARGER = [envelopes.parameter("InstanceType", "m6i.large"), envelopes.parameter("Password", "****")]
TIMER = Actor.system(Channel.TIMER)


@pytest.fixture(autouse=True)
def key(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.GATEHOUSE_SIGNING_KEY = KEY_ARN
    monkeypatch.setattr(receipts, "_kms_sign", Key())


@pytest.fixture
def far(settings: Any) -> Iterator[Listener]:
    with Listener() as listener:
        settings.GATEHOUSE_DEV_WAIT_ORIGIN = listener.origin
        yield listener


class Launched:
    """A stack that was launched through the desk, and the updates of it that arrive."""

    def __init__(self, cast: Cast, far: Listener) -> None:
        self.cast, self.far, self.at = cast, far, now() - timedelta(days=1)
        self.opened = envelopes.launch(self.at)
        self.take(self.opened)
        self.launch = LaunchRequest.objects.get()
        actions.approve(self.launch.pk, actor=Actor(cast.approver, Channel.DESK), now=self.at)
        self.says("CREATE_COMPLETE", self.at)
        Hold.objects.update(url_encrypted=None, wiped_at=self.at)
        Signal.objects.update(status=SignalStatus.STORED)
        LaunchRequest.objects.update(signal=SignalStatus.STORED)

    def take(self, envelope: dict[str, Any], at: datetime | None = None) -> None:
        assert messages.deliver(json.dumps(envelope), topic_arn=envelopes.TOPIC, now=at or now()) == ""

    def says(self, status: str, at: datetime | None = None, **resource: str) -> None:
        self.take(envelopes.status(self.opened["stack_id"], status, at or now(), **resource))

    def update(self, at: datetime | None = None, **changes: Any) -> LaunchRequest:
        changes = {"parameters": LARGER} | changes
        self.take(envelopes.update(self.opened, at or now(), host=self.far.origin, **changes))
        return LaunchRequest.objects.latest("pk")

    def approve(self, request: LaunchRequest) -> None:
        actions.approve(request.pk, actor=Actor(self.cast.approver, Channel.DESK), now=now())

    def reject(self, request: LaunchRequest) -> None:
        actions.reject(request.pk, actor=Actor(self.cast.approver, Channel.DESK), now=now(), reason="Too large")

    def answers(self) -> list[dict[str, Any]]:
        """Send what is due; every answer CloudFormation has got so far."""
        while piece := signals.take():
            piece()
        return [json.loads(body) for body in self.far.bodies]


@pytest.fixture
def stack(cloned_db: None, cast: Cast, far: Listener) -> Launched:
    return Launched(cast, far)


def fresh(request: LaunchRequest) -> LaunchRequest:
    return LaunchRequest.objects.get(pk=request.pk)


def codes(request: LaunchRequest) -> list[str]:
    return list(AuditEvent.objects.filter(chain__request=request).values_list("code", flat=True))


def overdue(request: LaunchRequest) -> None:
    """The hour is over."""
    request.holds.filter(status=HoldStatus.OPEN).update(deadline=now() - timedelta(seconds=1))
    tasks.lapse_updates()


def next_step(request: LaunchRequest) -> str:
    request = fresh(request)
    return str(progress.next_step(request, request.holds.order_by("-pk").first(), now()))


def test_an_update_that_is_held_is_a_request_of_its_own(stack: Launched) -> None:
    request = stack.update()
    hold = request.holds.get()
    assert (request.kind, request.state) == (Kind.PARAMETER_UPDATE, State.PENDING)
    assert request.fingerprint != stack.launch.fingerprint
    assert hold.is_update
    assert timedelta(minutes=56) < hold.deadline - now() <= timedelta(minutes=57)
    assert request.deadline == hold.deadline
    assert fresh(stack.launch).state == State.APPROVED


def test_an_approval_in_time_answers_cloudformation_itself(stack: Launched) -> None:
    request = stack.update()
    stack.approve(request)
    (answer,) = stack.answers()
    hold = request.holds.get()
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", f"gatehouse-{request.fingerprint}")
    assert (answer["StackId"], answer["LogicalResourceId"]) == (request.stack_id, request.gate)
    assert answer["RequestId"] == hold.response_request_id
    assert answer["Data"]["Fingerprint"] == request.fingerprint
    assert answer["Data"]["Receipt"].count(".") == 2
    assert len(stack.far.bodies[0]) <= 4096
    assert hold.url_encrypted is None
    stack.says("UPDATE_COMPLETE")
    assert fresh(request).outcome == Outcome.LAUNCHED
    assert verify().first_bad == ""


def test_a_rejection_fails_the_update_and_leaves_the_resource_what_it_was(stack: Launched) -> None:
    request = stack.update()
    stack.reject(request)
    (answer,) = stack.answers()
    assert (answer["Status"], answer["Data"]) == ("FAILED", {})
    assert answer["PhysicalResourceId"] == stack.opened["physical_id"]
    assert "Too large" in answer["Reason"]
    stack.says("UPDATE_ROLLBACK_COMPLETE")
    assert (fresh(request).state, fresh(request).outcome) == (State.REJECTED, Outcome.ROLLED_BACK)
    assert not Alarm.objects.exists()


def test_the_same_message_twice_is_one_request_with_one_hold(stack: Launched) -> None:
    at = now()
    request = stack.update(at, id="update-twice")
    assert stack.update(at, id="update-twice").pk == request.pk
    assert request.holds.count() == 1
    assert not Alarm.objects.exists()


def test_an_update_nobody_decided_is_answered_at_its_deadline_and_stays_open(stack: Launched) -> None:
    request = stack.update()
    overdue(request)
    (answer,) = stack.answers()
    assert answer["Status"] == "FAILED"
    assert f"{request.number}: Approval asked. Retry this update when it is granted." == answer["Reason"]
    assert answer["PhysicalResourceId"] == stack.opened["physical_id"]
    assert fresh(request).state == State.PENDING
    assert fresh(request).deadline == request.opened_at + timedelta(days=7)
    assert request.holds.get().status == HoldStatus.LAPSED
    assert request.holds.get().url_encrypted is None
    assert Notice.objects.filter(code=NoticeCode.LAPSED, request=request).exists()
    overdue(request)
    assert len(stack.answers()) == 1


def test_the_rollback_of_an_update_closes_nothing(stack: Launched) -> None:
    request = stack.update()
    overdue(request)
    stack.answers()
    stack.says("UPDATE_ROLLBACK_IN_PROGRESS")
    stack.says("UPDATE_ROLLBACK_COMPLETE")
    outcome.close_unexplained(now() + timedelta(minutes=5))
    assert (fresh(request).state, fresh(request).outcome) == (State.PENDING, Outcome.WAITING)
    assert "still be granted" in next_step(request)


def test_granted_later_the_same_update_passes_once_it_is_tried_again(stack: Launched) -> None:
    request = stack.update()
    overdue(request)
    stack.says("UPDATE_ROLLBACK_COMPLETE")
    stack.approve(request)
    assert [answer["Status"] for answer in stack.answers()] == ["FAILED"]
    assert fresh(request).outcome == Outcome.ROLLED_BACK
    assert "passes when it is tried again" in next_step(request)

    assert stack.update().pk == request.pk
    assert fresh(request).outcome == Outcome.WAITING
    failed, passed = stack.answers()
    assert (passed["Status"], passed["PhysicalResourceId"]) == ("SUCCESS", f"gatehouse-{request.fingerprint}")
    assert passed["Data"]["Receipt"]
    assert passed["RequestId"] != failed["RequestId"]
    stack.says("UPDATE_COMPLETE")
    assert fresh(request).outcome == Outcome.LAUNCHED
    assert [code for code in codes(request) if code in (Event.RETRIED, Event.LET_THROUGH)] == ["retried", "let_through"]
    assert verify().first_bad == ""


def test_a_pass_serves_once(stack: Launched) -> None:
    request = stack.update()
    overdue(request)
    stack.approve(request)
    stack.update()
    stack.answers()
    stack.says("UPDATE_COMPLETE")
    again = stack.update()
    assert again.pk != request.pk
    assert again.state == State.PENDING


def test_a_pass_serves_again_where_another_resource_failed(stack: Launched) -> None:
    request = stack.update()
    stack.approve(request)
    stack.answers()
    stack.says("UPDATE_ROLLBACK_IN_PROGRESS")
    stack.says("UPDATE_ROLLBACK_COMPLETE")
    assert fresh(request).outcome == Outcome.ROLLED_BACK
    assert stack.update().pk == request.pk
    assert [answer["Status"] for answer in stack.answers()] == ["SUCCESS", "SUCCESS"]


def test_a_pass_runs_out(stack: Launched) -> None:
    request = stack.update()
    overdue(request)
    stack.approve(request)
    granted = fresh(request).granted_pass
    granted.valid_until = now() - timedelta(seconds=1)
    granted.save()
    again = stack.update()
    assert (again.pk == request.pk, again.state) == (False, State.PENDING)


def test_a_pass_is_for_nothing_else(stack: Launched) -> None:
    request = stack.update()
    overdue(request)
    stack.approve(request)
    other = stack.update(parameters=[envelopes.parameter("InstanceType", "m6i.metal")])
    assert (other.pk == request.pk, other.state) == (False, State.PENDING)
    assert len(stack.answers()) == 1


def test_tried_again_before_it_is_granted_the_update_is_held_by_the_same_request(stack: Launched) -> None:
    request = stack.update()
    overdue(request)
    assert stack.update().pk == request.pk
    assert list(request.holds.order_by("pk").values_list("status", flat=True)) == ["lapsed", "open"]
    stack.approve(request)
    assert [answer["Status"] for answer in stack.answers()] == ["FAILED", "SUCCESS"]


def test_a_pass_is_spent_when_the_stack_goes_on_to_something_else(stack: Launched) -> None:
    """The word of its end may be lost; a new update shows that the one before is over."""
    request = stack.update()
    stack.approve(request)
    stack.answers()
    stack.update(parameters=[envelopes.parameter("InstanceType", "m6i.metal")])
    stack.update()
    assert request.holds.count() == 1
    assert LaunchRequest.objects.filter(fingerprint=request.fingerprint, state=State.PENDING).exists()


def test_another_update_in_between_leaves_a_pass_that_has_not_served(stack: Launched) -> None:
    request = stack.update()
    overdue(request)
    stack.approve(request)
    stack.answers()
    overdue(stack.update(parameters=[envelopes.parameter("InstanceType", "m6i.metal")]))
    stack.update()
    assert request.holds.count() == 2
    assert [answer["Status"] for answer in stack.answers()] == ["FAILED", "FAILED", "SUCCESS"]


def test_a_late_delete_of_what_was_left_does_not_end_the_way_back(stack: Launched) -> None:
    """An approved update replaces the gate; CloudFormation deletes the old one, whose facts may be asked for again."""
    gone = envelopes.deleted(stack.opened, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", now() - timedelta(seconds=5))
    back = stack.update(parameters=stack.opened["parameters"])
    stack.take(gone)
    assert back.holds.get().status == HoldStatus.OPEN
    stack.take(gone | {"id": "later", "sent_at": envelopes.z(now() + timedelta(seconds=5))})
    assert back.holds.get().status == HoldStatus.ENDED


def test_what_was_rejected_may_be_asked_again(stack: Launched) -> None:
    request = stack.update()
    stack.reject(request)
    stack.answers()
    again = stack.update()
    assert (again.pk == request.pk, again.state) == (False, State.PENDING)


def test_going_back_to_what_was_launched_is_asked_too(stack: Launched) -> None:
    """The facts are those of the launch, so is the fingerprint; the launch's own approval opens nothing."""
    request = stack.update(parameters=stack.opened["parameters"])
    assert request.fingerprint == stack.launch.fingerprint
    assert (request.pk == stack.launch.pk, request.state) == (False, State.PENDING)


def test_a_foreign_answer_that_built_the_stack_is_a_bypass(stack: Launched) -> None:
    request = stack.update()
    stack.says("UPDATE_COMPLETE")
    assert fresh(request).state == State.BYPASSED
    assert Alarm.objects.get().code == AlarmCode.BYPASS


def test_another_update_of_the_stack_says_nothing_about_one_that_was_answered(stack: Launched) -> None:
    request = stack.update()
    overdue(request)
    stack.answers()
    stack.says("UPDATE_COMPLETE")
    assert (fresh(request).state, fresh(request).outcome) == (State.PENDING, Outcome.WAITING)
    assert not Alarm.objects.exists()


def test_an_update_that_was_cancelled_stays_open(stack: Launched) -> None:
    request = stack.update()
    stack.says("UPDATE_ROLLBACK_IN_PROGRESS")
    assert request.holds.get().status == HoldStatus.ENDED
    assert fresh(request).state == State.PENDING
    stack.approve(request)
    assert stack.answers() == []


def test_a_stack_that_is_deleted_withdraws_its_updates(stack: Launched) -> None:
    request = stack.update()
    overdue(request)
    stack.says("DELETE_IN_PROGRESS")
    assert fresh(request).state == State.WITHDRAWN


def test_a_refused_receipt_of_an_approved_update_is_a_contradiction(stack: Launched) -> None:
    request = stack.update()
    stack.approve(request)
    stack.answers()
    receipt = {"logical_id": "ApprovalReceipt", "resource_type": "Custom::ApprovalReceipt"}
    stack.says("UPDATE_FAILED", None, **receipt)
    assert Alarm.objects.get().code == AlarmCode.CONTRADICTION
    assert fresh(request).state == State.APPROVED


def test_two_updates_of_a_stack_at_once_raise_an_alarm(stack: Launched) -> None:
    first = stack.update()
    second = stack.update(parameters=[envelopes.parameter("InstanceType", "t3.nano")])
    assert first.pk != second.pk
    assert Alarm.objects.get().code == AlarmCode.FACTS_CHANGED


def test_an_answer_for_another_request_of_cloudformation_is_never_called(stack: Launched) -> None:
    url = envelopes.response_url(stack.opened, "somebody-elses", now(), stack.far.origin)
    request = stack.update(url=url)
    assert request.holds.get().status == HoldStatus.UNUSABLE
    with pytest.raises(Refused):
        stack.approve(request)
    assert stack.answers() == []
    assert Alarm.objects.get().code == AlarmCode.UNUSABLE_HOLD


def test_a_pass_answers_no_address_that_is_not_cloudformations(stack: Launched) -> None:
    request = stack.update()
    overdue(request)
    stack.approve(request)
    before = len(stack.answers())
    url = envelopes.response_url(stack.opened, "somebody-elses", now(), stack.far.origin)
    assert stack.update(url=url).pk == request.pk
    assert len(stack.answers()) == before
    assert Alarm.objects.get().code == AlarmCode.UNUSABLE_HOLD
    assert Event.LET_THROUGH not in codes(request)


def test_an_update_is_not_answered_before_its_time(stack: Launched) -> None:
    request = stack.update()
    actions.lapse(request.pk, actor=TIMER, now=now() + timedelta(minutes=50))
    tasks.lapse_updates()
    assert stack.answers() == []
    assert request.holds.get().status == HoldStatus.OPEN


def test_the_timer_answers_nothing_that_was_decided(stack: Launched) -> None:
    request = stack.update()
    stack.approve(request)
    overdue(request)
    with pytest.raises(Refused):
        actions.lapse(request.pk, actor=TIMER, now=now())
    assert [answer["Status"] for answer in stack.answers()] == ["SUCCESS"]


@pytest.mark.parametrize("verb", ["reject", "withdraw"])
def test_refused_after_its_hour_an_update_is_over_and_passes_never(stack: Launched, verb: str) -> None:
    request = stack.update()
    LaunchRequest.objects.filter(pk=request.pk).update(requester=stack.cast.requester, requester_verified=True)
    overdue(request)
    (told,) = stack.answers()
    if verb == "reject":
        stack.reject(request)
    else:
        actions.withdraw(request.pk, actor=Actor(stack.cast.requester, Channel.DESK), now=now())
    assert stack.answers() == [told], "CloudFormation was answered at the deadline"
    assert fresh(request).outcome == Outcome.ROLLED_BACK
    assert not hasattr(fresh(request), "granted_pass")
    again = stack.update()
    assert (again.pk == request.pk, again.state) == (False, State.PENDING)


def test_an_old_answer_sent_again_does_not_speak_for_the_newest(stack: Launched) -> None:
    request = stack.update()
    overdue(request)
    Signal.objects.filter(request=request).update(status=SignalStatus.GIVEN_UP)
    stack.approve(request)
    stack.update()
    stack.answers()
    assert fresh(request).signal == SignalStatus.STORED
    old = Signal.objects.filter(request=request).earliest("pk")
    outbox.retry_signal(old.pk, actor=Actor(stack.cast.administrator, Channel.DESK), now=now())
    assert fresh(request).signal == SignalStatus.STORED
    assert [answer["Status"] for answer in stack.answers()] == ["SUCCESS", "FAILED"]
    assert fresh(request).signal == SignalStatus.STORED


def test_an_update_that_is_held_never_expires_but_lapses(stack: Launched) -> None:
    request = stack.update()
    LaunchRequest.objects.filter(pk=request.pk).update(deadline=now() - timedelta(seconds=1))
    tasks.expire_requests()
    assert fresh(request).state == State.PENDING
    overdue(request)
    tasks.expire_requests()
    assert fresh(request).state == State.PENDING


def test_an_update_with_other_values_right_after_a_rejection_raises_no_alarm(stack: Launched) -> None:
    """CloudFormation's word that the first one ended may come later than the second one."""
    stack.reject(stack.update())
    stack.update(parameters=[envelopes.parameter("InstanceType", "t3.nano")])
    assert not Alarm.objects.exists()


def test_after_a_week_the_request_expires(stack: Launched) -> None:
    request = stack.update()
    overdue(request)
    LaunchRequest.objects.filter(pk=request.pk).update(deadline=now() - timedelta(seconds=1))
    tasks.expire_requests()
    assert (fresh(request).state, fresh(request).outcome) == (State.EXPIRED, Outcome.ROLLED_BACK)


def test_the_response_url_is_nowhere(stack: Launched, client_for: Any, caplog: pytest.LogCaptureFixture) -> None:
    request = stack.update()
    client = client_for(stack.cast.approver)
    page = client.get(request.get_absolute_url()).content.decode()
    stack.approve(request)
    stack.answers()
    page += client.get(request.get_absolute_url()).content.decode()
    said = page + caplog.text + "".join(str(list(m.objects.values())) for m in (LaunchRequest, AuditEvent, Alarm))
    assert envelopes.CANARY not in said


def test_the_page_says_what_changes_and_until_when(stack: Launched, client_for: Any) -> None:
    request = stack.update()
    page = client_for(stack.cast.approver).get(request.get_absolute_url()).content.decode()
    assert "compared with the stack as it is" in page
    assert "t3.micro" in page
    assert "CloudFormation waits until" in page
    assert page.count("changed</span>") == 1
