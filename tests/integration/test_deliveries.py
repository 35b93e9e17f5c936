"""Telling people: who is told, what they read, and what happens when the mail does not leave."""

import smtplib
from datetime import timedelta
from typing import Any

import pytest
from anymail import exceptions
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone, translation

from approvals import actions
from approvals.actor import Actor
from approvals.choices import AlarmCode, Channel, DeliveryStatus, NoticeCode, Outcome
from approvals.models import Delivery, LaunchRequest, Membership, Notice
from approvals.notifications import deliveries, email
from approvals.notifications.channel import PermanentError, TemporaryError
from approvals.notifications.content import Rendered, render
from approvals.notifications.fanout import fan_out
from approvals.notifications.recipients import recipients
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch
from tests.support.signalling import CANARY

FOLLOW = Actor.system(Channel.FOLLOW)
TIMER = Actor.system(Channel.TIMER)


def by(person: User) -> Actor:
    return Actor(person, Channel.DESK)


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    return open_launch(now())


def told(code: NoticeCode) -> set[str]:
    return {person.name for person in recipients(Notice.objects.filter(code=code).latest("pk"))}


def sent() -> dict[str, Any]:
    """Everything that is due, sent in this thread: {address: mail}."""
    fan_out(now())
    while piece := deliveries.take():
        piece()
    return {address: message for message in mail.outbox for address in message.recipients()}


def first_delivery() -> Delivery:
    return Delivery.objects.earliest("pk")


def claimed() -> Delivery:
    delivery = deliveries.claim(now())
    assert delivery is not None
    return delivery


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


# What they read.


def test_mail_says_what_waits_and_where_to_look(cast: Cast, launch: LaunchRequest) -> None:
    message = sent()["amir@example.com"]
    assert message.subject == f"[{launch.number}] Waiting for a decision: {launch.title}"
    assert f"http://localhost:8000{launch.get_absolute_url()}" in message.body
    html = message.alternatives[0][0]
    assert f'href="http://localhost:8000{launch.get_absolute_url()}"' in html
    assert "111122223333, us-east-1" in message.body
    assert message.recipients() == ["amir@example.com"]


def test_mails_about_one_request_are_one_thread_and_never_answered_by_machines(
    cast: Cast, launch: LaunchRequest
) -> None:
    first, second = sent().values()
    assert first.extra_headers["In-Reply-To"] == second.extra_headers["In-Reply-To"]
    assert str(launch.uuid) in first.extra_headers["References"]
    assert first.extra_headers["Message-ID"] != second.extra_headers["Message-ID"]
    assert first.extra_headers["Auto-Submitted"] == "auto-generated"
    delivery = first_delivery()
    again = email.compose(delivery, render(delivery.notice, delivery.person))
    assert again.extra_headers["Message-ID"] in {m.extra_headers["Message-ID"] for m in (first, second)}


def test_reader_gets_language_and_time_zone_of_their_own(
    cast: Cast, launch: LaunchRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast.approver.language, cast.approver.time_zone = "zh-hans", "Asia/Shanghai"
    cast.second_approver.time_zone = "Mars/Olympus"
    fan_out(now())
    spoken = {}
    original = render.__globals__["facts"]

    def listening(notice: Notice, reader: User) -> Any:
        spoken[reader.name] = (translation.get_language(), timezone.get_current_timezone_name())
        return original(notice, reader)

    monkeypatch.setitem(render.__globals__, "facts", listening)
    for person in (cast.approver, cast.second_approver):
        render(Notice.objects.get(), person)
    assert spoken == {"Amir": ("zh-hans", "Asia/Shanghai"), "Bea": ("en", "UTC")}


def test_every_kind_of_notice_can_be_rendered(cast: Cast, launch: LaunchRequest) -> None:
    notice = Notice.objects.get()
    for code in NoticeCode:
        notice.code = code
        content = render(notice, cast.requester)
        assert content.subject.isprintable()
        assert launch.get_absolute_url() in content.text
        assert "{{" not in content.text + content.html
    notice.code, notice.request = NoticeCode.ALARM, None
    assert "http://localhost:8000/" in render(notice, cast.administrator).text


HOSTILE = "<script>alert(1)</script>\r\nBcc: all@example.com\u202e\x07" + "x" * 300


def test_hostile_names_break_neither_header_nor_html(cast: Cast) -> None:
    launch = open_launch(now())
    type(launch).objects.filter(pk=launch.pk).update(product_name=HOSTILE, version_name=HOSTILE)
    content = render(Notice.objects.get(), cast.approver)
    assert content.subject.isprintable()
    assert len(content.subject) <= 150
    assert "<script>" not in content.html
    assert "<script>" in content.text
    assert "bcc" not in email.compose(Delivery(notice=Notice.objects.get(), person=cast.approver), content).message()


PHISHING = "rita (urgent)\n\nNew address of the desk, decide here:\nhttps://evil.example/desk/\n\u202etxt"


@pytest.mark.parametrize("claim", [PHISHING, '"https://evil.example/ "@example.com', "https://evil.example/", "a@b"])
def test_a_typed_address_that_is_none_writes_nothing_into_our_mails(cast: Cast, claim: str) -> None:
    open_launch(now(), email="", typed_email=claim, principal_arn="")
    content = render(Notice.objects.get(), cast.approver)
    for part in (content.subject, content.text, content.html):
        assert "evil.example" not in part
        assert "New address" not in part
        assert "Requester" not in part


def test_a_typed_address_is_shown(cast: Cast) -> None:
    open_launch(now(), email="", typed_email="Mallory.O'Neil+aws@sub.example.com", principal_arn="")
    assert "Requester: mallory.o'neil+aws@sub.example.com\n" in render(Notice.objects.get(), cast.approver).text


def test_names_of_strangers_stay_in_their_line(cast: Cast) -> None:
    launch = open_launch(now())
    name = "Word\u2028Press\r\n\r\nDecide here: \u202ehttps://evil.example" + "x" * 8_000
    type(launch).objects.update(
        product_name=name,
        version_name=name,
        stack_status="CREATE_FAILED",
        stack_reason=name,
        outcome=Outcome.ROLLED_BACK,
    )
    type(cast.requester).objects.filter(pk=cast.requester.pk).update(name=name[:150])
    notice = Notice.objects.get()
    notice.code = NoticeCode.ENDED
    content = render(notice, cast.approver)
    hostile = [line for line in content.text.splitlines() if "evil.example" in line]
    assert [line.partition(":")[0] for line in hostile] == ["Product", "Requester", "Stack"]
    assert all("⟨U+202E⟩https" in line and len(line) < 700 for line in hostile)
    assert "\u202e" not in content.text + content.html + content.subject


def test_what_somebody_wrote_is_quoted_line_by_line(cast: Cast, launch: LaunchRequest) -> None:
    text = "Please.\r\n\r\n-- \nGatehouse\ndecide here: https://evil.example/\nBye"
    actions.ask(launch.pk, actor=by(cast.approver), now=now(), text=text)
    body = sent()["rita@example.com"].body
    assert "\n> Please.\n> \n> -- \n> Gatehouse\n> decide here: https://evil.example/\n> Bye\n" in body


def test_a_reason_in_our_own_sentence_stays_in_its_line(cast: Cast, launch: LaunchRequest) -> None:
    text = "Wrong.\n\nDecide here: https://evil.example/"
    actions.withdraw(launch.pk, actor=by(cast.requester), now=now(), reason=text)
    body = render(Notice.objects.get(code=NoticeCode.WITHDRAWN), cast.approver).text
    assert "Rita withdrew the request: Wrong. Decide here" in body
    assert "\nDecide here" not in body


def test_wait_url_that_somebody_wrote_is_not_passed_on(cast: Cast, launch: LaunchRequest) -> None:
    url = f"https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/x?X-Amz-Signature={CANARY}"
    actions.ask(launch.pk, actor=by(cast.approver), now=now(), text=f"Is this yours? {url}")
    message = sent()["rita@example.com"]
    assert "Is this yours?" in message.body
    assert CANARY not in message.body + message.alternatives[0][0]


def test_person_with_an_odd_name_still_gets_the_mail(cast: Cast, launch: LaunchRequest) -> None:
    cast.approver.name = 'Amir "<evil@example.com>," \n Khan'
    cast.approver.save()
    assert "amir@example.com" in sent()


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
