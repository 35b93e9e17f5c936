"""What people and timers may do with a request, verb by verb."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from approvals import actions
from approvals.actor import Actor
from approvals.audit import Event
from approvals.choices import (
    AlarmCode,
    Channel,
    HoldStatus,
    MessageKind,
    NoticeCode,
    Outcome,
    SignalStatus,
    State,
    Verdict,
)
from approvals.errors import Refused, Why
from approvals.models import Alarm, AuditEvent, Decision, LaunchRequest, Notice, Signal, Stage, Vote
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import INTAKE, launch_facts, open_launch

TIMER = Actor.system(Channel.TIMER)


def desk(person: User) -> Actor:
    return Actor(person, Channel.DESK)


@pytest.fixture
def request_(cast: Cast) -> LaunchRequest:
    return open_launch(now())


def events(request: LaunchRequest) -> list[str]:
    return list(AuditEvent.objects.filter(chain__request=request).values_list("code", flat=True))


def refusal(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Why:
    with pytest.raises(Refused) as refused:
        call(*args, **kwargs)
    assert refused.value.sentence
    return refused.value.why


class TestOpening:
    def test_a_launch_opens_one_request_that_knows_who_what_where_and_until_when(self, cast: Cast) -> None:
        at = now()
        request = open_launch(at)
        assert request.state == State.PENDING
        assert request.outcome == Outcome.WAITING
        assert request.signal == SignalStatus.NONE
        assert request.requester == cast.requester
        assert request.requester_verified
        assert request.deadline == at + timedelta(seconds=42600, minutes=-5)
        assert [group.team for stage in request.stages.all() for group in stage.groups.all()] == [cast.team]
        assert events(request) == [Event.OPENED]
        assert Notice.objects.get(request=request).code == NoticeCode.OPENED

    def test_the_same_launch_announced_again_is_the_same_request(self, cast: Cast) -> None:
        facts = launch_facts(now())
        first, second = (actions.open_request(facts, actor=INTAKE, now=now()) for _ in range(2))
        assert first == second
        assert events(first) == [Event.OPENED]

    def test_other_facts_for_the_same_wait_raise_an_alarm_and_replace_nothing(self, cast: Cast) -> None:
        facts = launch_facts(now())
        request = actions.open_request(facts, actor=INTAKE, now=now())
        forged = launch_facts(now(), stack_id=facts.stack_id, hold=facts.hold, typed_email="eve@example.com")
        assert actions.open_request(forged, actor=INTAKE, now=now()) == request
        request.refresh_from_db()
        assert request.typed_email == facts.typed_email
        assert Alarm.objects.get().code == AlarmCode.FACTS_CHANGED

    def test_a_delete_that_comes_first_leaves_a_closed_request_that_the_create_only_completes(self, cast: Cast) -> None:
        facts = launch_facts(now())
        closed = actions.close_deleted(launch_facts_of_delete(facts), actor=INTAKE, now=now())
        assert closed.state == State.WITHDRAWN
        completed = actions.open_request(facts, actor=INTAKE, now=now())
        assert completed == closed
        completed.refresh_from_db()
        assert completed.state == State.WITHDRAWN
        assert completed.parameters == facts.parameters
        assert not completed.holds.exists()

    def test_an_unusable_hold_is_kept_with_its_reason_and_without_its_url(self, cast: Cast) -> None:
        facts = launch_facts(now())
        assert facts.hold is not None
        bad = facts.hold.__class__(
            **{f: getattr(facts.hold, f) for f in facts.hold.__slots__} | {"unusable": "foreign host"}
        )
        request = actions.open_request(launch_facts(now(), hold=bad), actor=INTAKE, now=now())
        hold = request.holds.get()
        assert (hold.status, hold.unusable_reason, hold.url_encrypted) == (
            HoldStatus.UNUSABLE,
            "foreign host",
            None,
        )
        assert refusal(actions.approve, request.pk, actor=desk(cast.approver), now=now()) is Why.UNUSABLE
        assert Alarm.objects.get().code == AlarmCode.UNUSABLE_HOLD


def launch_facts_of_delete(facts: Any) -> Any:
    from dataclasses import replace

    return replace(facts, hold=None, parameters=[], template={}, stack={}, typed_email="", principal_arn="")


class TestDeciding:
    def test_an_approval_makes_one_decision_one_signal_and_one_notice(
        self, request_: LaunchRequest, cast: Cast
    ) -> None:
        actions.approve(request_.pk, actor=desk(cast.approver), now=now(), reason="fine")
        request_.refresh_from_db()
        assert request_.state == State.APPROVED
        assert request_.signal == SignalStatus.QUEUED
        assert request_.closed_at is not None
        signal = Signal.objects.get(request=request_)
        assert (signal.verdict, signal.status, signal.body) == (Verdict.APPROVED, SignalStatus.QUEUED, None)
        assert Decision.objects.get(request=request_).approvers == 1
        assert events(request_) == [Event.OPENED, Event.VOTED, Event.APPROVED]

    def test_a_rejection_needs_a_reason(self, request_: LaunchRequest, cast: Cast) -> None:
        assert (
            refusal(actions.reject, request_.pk, actor=desk(cast.approver), now=now(), reason=" ") is Why.TEXT_MISSING
        )
        assert not Vote.objects.exists()

    def test_a_second_approver_cannot_undo_a_rejection(self, request_: LaunchRequest, cast: Cast) -> None:
        actions.reject(request_.pk, actor=desk(cast.approver), now=now(), reason="too large")
        with pytest.raises(Refused) as refused:
            actions.approve(request_.pk, actor=desk(cast.second_approver), now=now())
        assert refused.value.why is Why.ALREADY_DECIDED
        assert "Amir" in refused.value.sentence
        assert Decision.objects.count() == Signal.objects.count() == 1

    @pytest.mark.parametrize("who", ["requester", "other_requester", "auditor", "administrator", "outsider"])
    def test_only_approvers_decide(self, request_: LaunchRequest, cast: Cast, who: str) -> None:
        why = refusal(actions.approve, request_.pk, actor=desk(getattr(cast, who)), now=now())
        assert why in (Why.NOT_ALLOWED, Why.NOT_FOUND, Why.OWN_REQUEST)
        assert not Vote.objects.exists()

    def test_the_system_never_decides(self, request_: LaunchRequest) -> None:
        assert refusal(actions.approve, request_.pk, actor=TIMER, now=now()) is Why.NOT_ALLOWED

    @pytest.mark.parametrize("how", ["person", "typed address", "session name", "user name", "principal"])
    def test_nobody_decides_on_a_launch_of_their_own(self, cast: Cast, how: str) -> None:
        request = open_launch(now())
        own: dict[str, Any] = {"requester": None, "typed_email": "", "principal_arn": ""}
        if how == "person":
            own["requester"] = cast.approver
        elif how == "typed address":
            own["typed_email"] = "AMIR@Example.com"
        elif how == "session name":
            own["principal_arn"] = "arn:aws:sts::111122223333:assumed-role/Any/Amir@example.com"
        elif how == "user name":
            own["principal_arn"] = "arn:aws:iam::111122223333:user/people/amir@example.com"
        else:
            own["principal_arn"] = "arn:aws:iam::111122223333:user/amir"
            cast.approver.principals.create(arn=own["principal_arn"], first_seen=now())
        LaunchRequest.objects.filter(pk=request.pk).update(**own)
        for verb in (actions.approve, actions.reject):
            assert refusal(verb, request.pk, actor=desk(cast.approver), now=now(), reason="x") is Why.OWN_REQUEST

    def test_a_right_taken_away_counts_at_once(self, request_: LaunchRequest, cast: Cast) -> None:
        cast.approver.memberships.update(may_decide=False)
        assert refusal(actions.approve, request_.pk, actor=desk(cast.approver), now=now()) is Why.NOT_FOUND

    def test_a_deactivated_approver_decides_nothing(self, request_: LaunchRequest, cast: Cast) -> None:
        cast.approver.is_active = False
        cast.approver.save()
        assert refusal(actions.approve, request_.pk, actor=desk(cast.approver), now=now()) is Why.NOT_ALLOWED

    def test_nobody_decides_after_the_deadline(self, request_: LaunchRequest, cast: Cast) -> None:
        late: datetime = request_.holds.get().deadline
        assert refusal(actions.approve, request_.pk, actor=desk(cast.approver), now=late) is Why.DEADLINE_PASSED

    def test_two_approvals_are_needed_where_the_quorum_is_two(self, request_: LaunchRequest, cast: Cast) -> None:
        request_.stages.get().groups.update(quorum=2)
        actions.approve(request_.pk, actor=desk(cast.approver), now=now())
        request_.refresh_from_db()
        assert request_.state == State.PENDING
        assert refusal(actions.approve, request_.pk, actor=desk(cast.approver), now=now()) is Why.ALREADY_VOTED
        actions.approve(request_.pk, actor=desk(cast.second_approver), now=now())
        assert Decision.objects.get().approvers == 2

    @pytest.mark.parametrize(
        ("verb", "changed", "verdict"),
        [(actions.approve, "quorum", Verdict.APPROVED), (actions.reject, "denials", Verdict.REJECTED)],
    )
    def test_what_is_written_with_a_vote_that_settles_nothing_is_kept(
        self, request_: LaunchRequest, cast: Cast, verb: Callable[..., Any], changed: str, verdict: Verdict
    ) -> None:
        request_.stages.get().groups.update(**{changed: 2})
        verb(request_.pk, actor=desk(cast.approver), now=now(), reason=" Only \u202efor\x07 May. ")
        (voted,) = AuditEvent.objects.filter(chain__request=request_, code=Event.VOTED)
        assert [(one.name, one.text) for one in voted.texts.all()] == [("reason", "Only for May.")]
        assert "May" not in str(voted.params)
        verb(request_.pk, actor=desk(cast.second_approver), now=now(), reason="For May.")
        decision = Decision.objects.get()
        assert (decision.verdict, decision.reason) == (verdict, "For May.")
        assert not AuditEvent.objects.filter(chain__request=request_, code=Event.VOTED).last().texts.exists()  # type: ignore[union-attr]

    def test_a_note_of_a_stage_that_passes_is_kept_as_well(self, request_: LaunchRequest, cast: Cast) -> None:
        later = Stage.objects.create(request=request_, order=2)
        later.groups.create(team=cast.team, team_name=cast.team.name)
        actions.approve(request_.pk, actor=desk(cast.approver), now=now(), reason="The first of two.")
        request_.refresh_from_db()
        assert request_.is_open
        voted = AuditEvent.objects.get(chain__request=request_, code=Event.VOTED)
        assert voted.texts.get().text == "The first of two."

    def test_the_record_of_a_decision_holds_no_names(self, request_: LaunchRequest, cast: Cast) -> None:
        actions.approve(request_.pk, actor=desk(cast.approver), now=now(), reason="for Rita")
        record = str(Decision.objects.get().record)
        assert "Amir" not in record
        assert "Rita" not in record
        assert "@" not in record


class TestTalking:
    def test_a_question_hands_the_request_back_and_an_answer_returns_it(
        self, request_: LaunchRequest, cast: Cast
    ) -> None:
        actions.ask(request_.pk, actor=desk(cast.approver), now=now(), text="Why so large?")
        request_.refresh_from_db()
        assert request_.state == State.NEEDS_INFO
        actions.answer(request_.pk, actor=desk(cast.requester), now=now(), text="Load test")
        request_.refresh_from_db()
        assert request_.state == State.PENDING
        assert list(request_.messages.values_list("kind", flat=True)) == [
            MessageKind.QUESTION,
            MessageKind.ANSWER,
        ]

    def test_a_request_that_waits_for_an_answer_can_still_be_decided(self, request_: LaunchRequest, cast: Cast) -> None:
        actions.ask(request_.pk, actor=desk(cast.approver), now=now(), text="Why?")
        actions.approve(request_.pk, actor=desk(cast.second_approver), now=now())
        assert Decision.objects.get().verdict == Verdict.APPROVED

    def test_the_requester_leaves_no_internal_notes(self, request_: LaunchRequest, cast: Cast) -> None:
        assert refusal(actions.note, request_.pk, actor=desk(cast.requester), now=now(), text="x") is Why.OWN_REQUEST

    def test_somebody_who_only_typed_the_address_of_another_gains_nothing(self, cast: Cast) -> None:
        request = open_launch(now(), email="ravi@example.com", typed_email="rita@example.com")
        assert request.requester == cast.other_requester
        assert refusal(actions.answer, request.pk, actor=desk(cast.requester), now=now(), text="x") is Why.NOT_FOUND

    def test_people_may_still_talk_after_the_end(self, request_: LaunchRequest, cast: Cast) -> None:
        actions.reject(request_.pk, actor=desk(cast.approver), now=now(), reason="too large")
        actions.comment(request_.pk, actor=desk(cast.requester), now=now(), text="I will use a smaller one")
        assert request_.messages.count() == 1

    def test_an_outsider_does_not_learn_that_the_request_exists(self, request_: LaunchRequest, cast: Cast) -> None:
        for verb in (actions.comment, actions.ask, actions.note, actions.answer):
            assert refusal(verb, request_.pk, actor=desk(cast.outsider), now=now(), text="x") is Why.NOT_FOUND


class TestClosing:
    def test_the_requester_withdraws_and_cloudformation_is_told(self, request_: LaunchRequest, cast: Cast) -> None:
        actions.withdraw(request_.pk, actor=desk(cast.requester), now=now(), reason="wrong account")
        signal = Signal.objects.get(request=request_)
        assert signal.verdict == Verdict.REJECTED
        assert "wrong account" in signal.reason

    def test_an_address_somebody_typed_is_not_enough_to_stop_a_stack(self, cast: Cast) -> None:
        request = open_launch(now(), principal_arn="arn:aws:iam::111122223333:role/Pipeline")
        assert (request.requester, request.requester_verified) == (cast.requester, False)
        actions.comment(request.pk, actor=desk(cast.requester), now=now(), text="mine")
        assert refusal(actions.withdraw, request.pk, actor=desk(cast.requester), now=now()) is Why.NOT_ALLOWED

    def test_an_approver_cannot_withdraw_for_the_requester(self, request_: LaunchRequest, cast: Cast) -> None:
        assert refusal(actions.withdraw, request_.pk, actor=desk(cast.approver), now=now()) is Why.NOT_ALLOWED

    @pytest.mark.parametrize("verb", [actions.expire, actions.withdraw])
    def test_the_timer_s_end_sends_no_signal_and_destroys_the_url(
        self, request_: LaunchRequest, verb: Callable[..., Any]
    ) -> None:
        verb(request_.pk, actor=TIMER, now=now())
        assert not Signal.objects.exists()
        hold = request_.holds.get()
        assert hold.url_encrypted is None
        assert hold.wiped_at is not None

    def test_a_decided_request_does_not_expire(self, request_: LaunchRequest, cast: Cast) -> None:
        actions.approve(request_.pk, actor=desk(cast.approver), now=now())
        assert refusal(actions.expire, request_.pk, actor=TIMER, now=now()) is Why.CLOSED
        assert request_.holds.get().url_encrypted is not None

    def test_a_bypass_closes_the_request_and_alarms(self, request_: LaunchRequest) -> None:
        actions.bypass(request_.pk, actor=Actor.system(Channel.FOLLOW), now=now(), detail="signal not ours")
        request_.refresh_from_db()
        assert request_.state == State.BYPASSED
        assert Alarm.objects.get().code == AlarmCode.BYPASS

    def test_an_alarm_seen_again_is_counted_and_told_once(self, request_: LaunchRequest) -> None:
        for _ in range(3):
            actions.raise_alarm(AlarmCode.COULD_NOT_CHECK, now=now(), request=request_, detail="KMS")
        assert Alarm.objects.get().times == 3
        assert Notice.objects.filter(code=NoticeCode.ALARM).count() == 1


class TestObserving:
    def test_the_outcome_moves_forward_only_and_ends_the_hold(self, request_: LaunchRequest, cast: Cast) -> None:
        watch = Actor.system(Channel.FOLLOW)
        actions.approve(request_.pk, actor=desk(cast.approver), now=now())
        for outcome in (
            Outcome.RELEASED,
            Outcome.LAUNCHED,
            Outcome.RELEASED,
            Outcome.LAUNCHED,
            Outcome.FAILED,
        ):
            actions.record_outcome(request_.pk, outcome, actor=watch, now=now(), stack_status="X")
        request_.refresh_from_db()
        assert request_.outcome == Outcome.LAUNCHED
        assert request_.holds.get().status == HoldStatus.ENDED
        assert events(request_).count(Event.OUTCOME) == 2
        assert events(request_).count(Event.HOLD_ENDED) == 1
        assert Notice.objects.filter(code=NoticeCode.ENDED).count() == 1
