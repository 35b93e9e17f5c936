"""Telling people: who is told, and what happens when the mail does not leave."""

import smtplib
from datetime import timedelta
from typing import Any

import pytest
from anymail import exceptions
from django.core import mail
from django.core.mail import EmailMultiAlternatives

from approvals import actions
from approvals.choices import AlarmCode, DeliveryStatus, NoticeCode, Outcome
from approvals.models import Delivery, LaunchRequest, Membership, Notice
from approvals.notifications import deliveries, email
from approvals.notifications.channel import PermanentError, TemporaryError
from approvals.notifications.content import Rendered, render
from approvals.notifications.fanout import fan_out
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch
from tests.support.telling import FOLLOW, TIMER, by, claimed, sent, told


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    return open_launch(now())


def first_delivery() -> Delivery:
    return Delivery.objects.earliest("pk")


class Failing:
    """Stands for Django's mail backend."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    def __call__(self, *_: Any, **__: Any) -> None:
        self.calls += 1
        raise self.error


# Who is told.


def test_opening_is_told_to_the_team_and_not_to_the_requester(cast: Cast, launch: LaunchRequest) -> None:
    Membership.objects.create(team=cast.team, person=cast.requester)
    Membership.objects.create(team=cast.team, person=cast.outsider, is_notified=False)
    assert told(NoticeCode.OPENED) == {"Amir", "Bea"}


def test_deactivated_people_are_not_told(cast: Cast, launch: LaunchRequest) -> None:
    cast.approver.is_active = False
    cast.approver.save()
    assert told(NoticeCode.OPENED) == {"Bea"}


def test_question_goes_to_the_requester_and_the_answer_to_the_desk(cast: Cast, launch: LaunchRequest) -> None:
    actions.ask(launch.pk, actor=by(cast.approver), now=now(), text="Why so large?")
    assert told(NoticeCode.ASKED) == {"Rita"}
    Membership.objects.filter(person=cast.approver).update(is_notified=False)
    actions.answer(launch.pk, actor=by(cast.requester), now=now(), text="Load test")
    assert told(NoticeCode.ANSWERED) == {"Amir", "Bea"}


def test_comment_goes_to_the_other_side(cast: Cast, launch: LaunchRequest) -> None:
    actions.comment(launch.pk, actor=by(cast.approver), now=now(), text="Hm")
    assert told(NoticeCode.COMMENTED) == {"Rita"}
    actions.comment(launch.pk, actor=by(cast.requester), now=now(), text="Please")
    assert told(NoticeCode.COMMENTED) == {"Amir", "Bea"}


def test_internal_note_is_told_to_nobody(cast: Cast, launch: LaunchRequest) -> None:
    before = Notice.objects.count()
    actions.note(launch.pk, actor=by(cast.approver), now=now(), text="Fishy")
    assert Notice.objects.count() == before


def test_decision_expiry_and_end_go_to_the_requester(cast: Cast, launch: LaunchRequest) -> None:
    actions.approve(launch.pk, actor=by(cast.approver), now=now())
    assert told(NoticeCode.DECIDED) == {"Rita"}
    actions.record_outcome(launch.pk, Outcome.LAUNCHED, actor=FOLLOW, now=now(), stack_status="CREATE_COMPLETE")
    assert told(NoticeCode.ENDED) == {"Rita"}
    other = open_launch(now())
    assert other.deadline
    actions.expire(other.pk, actor=TIMER, now=other.deadline)
    assert told(NoticeCode.EXPIRED) == {"Rita"}


def test_nobody_is_told_what_they_did_themselves(cast: Cast, launch: LaunchRequest) -> None:
    actions.withdraw(launch.pk, actor=by(cast.requester), now=now())
    assert "Rita" not in told(NoticeCode.WITHDRAWN)


def test_alarm_goes_to_administrators(cast: Cast, launch: LaunchRequest) -> None:
    actions.bypass(launch.pk, actor=FOLLOW, now=now(), detail="foreign signal")
    assert told(NoticeCode.ALARM) == {"Ada"}
    actions.raise_alarm(AlarmCode.UNKNOWN_STACK, now=now(), stack_id="arn:x", detail="who is that?")
    assert told(NoticeCode.ALARM) == {"Ada"}


def test_notice_is_fanned_out_once(cast: Cast, launch: LaunchRequest) -> None:
    assert fan_out(now()) == 2
    assert fan_out(now()) == 0
    assert Delivery.objects.count() == 2


# When it does not leave.


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> Failing:
    backend = Failing(error)
    monkeypatch.setattr(EmailMultiAlternatives, "send", backend)
    return backend


# anymail is not typed.
anymail: Any = exceptions


def ses(code: str) -> Exception:
    error: Exception = anymail.AnymailAPIError("no", response={"Error": {"Code": code}})
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ses("TooManyRequestsException"), TemporaryError),
        (ses("MessageRejected"), PermanentError),
        (anymail.AnymailAPIError("no way to SES"), TemporaryError),
        (anymail.AnymailRecipientsRefused(), PermanentError),
        (smtplib.SMTPResponseException(451, b"greylisted"), TemporaryError),
        (smtplib.SMTPResponseException(550, b"no such user"), PermanentError),
        (smtplib.SMTPRecipientsRefused({"a@example.com": (550, b"no")}), PermanentError),
        (smtplib.SMTPServerDisconnected(), TemporaryError),
        (TimeoutError(), TemporaryError),
        (ConnectionRefusedError(), TemporaryError),
    ],
)
def test_trouble_with_mail_is_told_apart(
    cast: Cast, launch: LaunchRequest, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception]
) -> None:
    failing(monkeypatch, error)
    fan_out(now())
    with pytest.raises(kind):
        email.EmailChannel().send(first_delivery())


def test_mail_is_retried_with_growing_pauses_and_given_up_after_a_day(
    cast: Cast, launch: LaunchRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, TimeoutError())
    sent()
    delivery = first_delivery()
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.QUEUED, 1)
    assert delivery.last_result == "TimeoutError"
    Notice.objects.update(created_at=now() - timedelta(hours=24))
    Delivery.objects.update(next_attempt_at=now())
    sent()
    assert {d.status for d in Delivery.objects.all()} == {DeliveryStatus.GIVEN_UP}


def test_refused_mail_is_not_sent_again(cast: Cast, launch: LaunchRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = failing(monkeypatch, ses("MessageRejected"))
    sent()
    assert backend.calls == 2
    assert set(Delivery.objects.values_list("status", "last_result")) == {("given_up", "MessageRejected")}


def test_template_that_fails_for_one_reader_does_not_hold_the_others(
    cast: Cast, launch: LaunchRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = render

    def sometimes(notice: Notice, person: User) -> Rendered:
        if person == cast.approver:
            raise KeyError("bug")
        return original(notice, person)

    monkeypatch.setattr(email, "render", sometimes)
    assert set(sent()) == {"bea@example.com"}
    assert Delivery.objects.get(person=cast.approver).status == DeliveryStatus.QUEUED


def test_call_for_a_decision_is_not_sent_once_it_was_decided(cast: Cast, launch: LaunchRequest) -> None:
    fan_out(now())
    actions.approve(launch.pk, actor=by(cast.approver), now=now())
    assert set(sent()) == {"rita@example.com"}
    assert set(Delivery.objects.filter(notice__code=NoticeCode.OPENED).values_list("last_result", flat=True)) == {
        "overtaken"
    }


def test_person_deactivated_meanwhile_gets_nothing(cast: Cast, launch: LaunchRequest) -> None:
    fan_out(now())
    cast.approver.is_active = False
    cast.approver.save()
    assert set(sent()) == {"bea@example.com"}


def test_delivery_of_a_dead_worker_is_taken_over_with_the_same_message_id(cast: Cast, launch: LaunchRequest) -> None:
    fan_out(now())
    dead = claimed()
    deliveries._try(dead)
    Delivery.objects.filter(pk=dead.pk).update(claimed_at=now() - deliveries.TAKEOVER)
    sent()
    assert {d.status for d in Delivery.objects.all()} == {DeliveryStatus.SENT}
    ids = [m.extra_headers["Message-ID"] for m in mail.outbox if m.to == mail.outbox[0].to]
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_worker_that_lost_its_delivery_settles_nothing(cast: Cast, launch: LaunchRequest) -> None:
    fan_out(now())
    slow = claimed()
    Delivery.objects.filter(pk=slow.pk).update(claimed_at=now() - deliveries.TAKEOVER)
    sent()
    deliveries.settle(slow, PermanentError("late"), now())
    assert Delivery.objects.get(pk=slow.pk).status == DeliveryStatus.SENT
