"""What people read: words, links and headers of each mail, and what strangers cannot do to them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone, translation

from approvals import actions
from approvals.actions import people
from approvals.choices import NoticeCode
from approvals.models import AuditEvent, Delivery, LaunchRequest, Notice
from approvals.notifications import email, replying
from approvals.notifications.content import render
from approvals.notifications.fanout import fan_out
from approvals.sentences import sentence
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch
from tests.support.telling import TIMER, by, send_all, sent


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    return open_launch(now())


def first_delivery() -> Delivery:
    return Delivery.objects.earliest("pk")


def test_mail_says_what_waits_and_where_to_look(cast: Cast, launch: LaunchRequest) -> None:
    message = sent()["amir@example.com"]
    assert launch.deadline
    assert message.subject == f"Decide by {launch.deadline:%H:%M}: {launch.title}, Rita ({launch.number})"
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


def test_every_kind_of_notice_can_be_rendered_with_one_link(cast: Cast, launch: LaunchRequest) -> None:
    notice, desk = Notice.objects.get(), "http://localhost:8000"
    elsewhere = {NoticeCode.ALARM: "/operations/", NoticeCode.INVITED: "/accounts/login/"}
    for code in NoticeCode:
        notice.code = code
        for reader in (cast.requester, cast.approver, cast.administrator):
            content = render(notice, reader)
            link = desk + elsewhere.get(code, launch.get_absolute_url())
            assert content.subject.isprintable()
            assert 0 < len(content.subject) <= 72, content.subject
            assert re.findall(r"https?://[^\s\"<>]+", content.text) == [link]
            assert re.findall(r"https?://[^\s\"<>]+", content.html) == [link]
            assert "<img" not in content.html
            assert '<meta name="color-scheme" content="light dark">' in content.html
            assert "{{" not in content.text + content.html
            assert "What you can do: " in content.text


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_subject_shows_what_is_wanted_and_the_number_on_a_phone(cast: Cast, language: str) -> None:
    launch = open_launch(now())
    LaunchRequest.objects.update(product_name="A very long name of a product nobody can type " * 9)
    cast.approver.language = language
    notice = Notice.objects.select_related("request", "event").get(request=launch)
    for code in set(NoticeCode) - {NoticeCode.ALARM, NoticeCode.INVITED, NoticeCode.RIGHTS}:
        notice.code = code
        subject = render(notice, cast.approver).subject
        assert len(subject) <= 60
        assert subject.endswith(f"({launch.number})")


def test_a_deadline_that_is_not_near_is_not_in_the_subject(cast: Cast, launch: LaunchRequest) -> None:
    LaunchRequest.objects.update(deadline=now() + timedelta(days=3))
    assert sent()["amir@example.com"].subject == f"Decide: {launch.title}, Rita ({launch.number})"


def test_deadline_is_told_in_the_reader_s_zone(cast: Cast, launch: LaunchRequest) -> None:
    User.objects.filter(pk=cast.approver.pk).update(time_zone="Asia/Kolkata")
    LaunchRequest.objects.update(deadline=datetime(2031, 5, 4, 10, 0, tzinfo=UTC))
    body = sent()["amir@example.com"].body
    assert "Decide by: 4 May 2031, 15:30 UTC+5:30 (in " in body


def test_requester_reads_what_to_do_after_a_rejection(cast: Cast, launch: LaunchRequest) -> None:
    actions.reject(launch.pk, actor=by(cast.approver), now=now(), reason="Too large")
    message = sent()["rita@example.com"]
    assert message.subject == f"Rejected: {launch.title} ({launch.number})"
    assert "Amir rejected. CloudFormation rolls the stack back." in message.body
    assert "> Too large" in message.body
    assert "Terminate the provisioned product in AWS Service Catalog, then launch it again." in message.body


def test_requester_reads_what_to_do_after_an_expiry(cast: Cast, launch: LaunchRequest) -> None:
    assert launch.deadline
    actions.expire(launch.pk, actor=TIMER, now=launch.deadline)
    message = sent()["rita@example.com"]
    assert message.subject == f"Nobody decided in time: {launch.title} ({launch.number})"
    assert "then launch it again. It helps to tell the approvers beforehand." in message.body
    assert "Decide by" not in message.body


def test_requester_is_told_until_when_to_answer(cast: Cast, launch: LaunchRequest) -> None:
    actions.ask(launch.pk, actor=by(cast.approver), now=now(), text="Why so large?")
    message = sent()["rita@example.com"]
    assert message.subject.startswith("Answer by ")
    assert "\nAnswer by: " in message.body
    assert "Without a decision in time, CloudFormation rolls the stack back." in message.body


def test_who_is_named_in_a_message_reads_so(cast: Cast, launch: LaunchRequest) -> None:
    message = actions.comment(launch.pk, actor=by(cast.requester), now=now(), text="Please look")
    message.mentioned.add(cast.approver)
    letters = sent()
    assert letters["amir@example.com"].subject == f"You are named: {launch.title} ({launch.number})"
    assert letters["bea@example.com"].subject == f"Comment: {launch.title} ({launch.number})"


def test_answers_by_mail_go_into_the_conversation_where_the_desk_takes_mails(
    cast: Cast, launch: LaunchRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = Notice.objects.get()
    notice.code = NoticeCode.ASKED
    monkeypatch.setattr(replying, "reply_to", lambda request, person: f"r-{request.pk}-{person.pk}@in.example.com")
    message = email.compose(Delivery(notice=notice, person=cast.requester), render(notice, cast.requester))
    assert message.reply_to == [f"r-{launch.pk}-{cast.requester.pk}@in.example.com"]
    assert "Reply to this mail, or answer at the desk." in message.body
    notice.code, note = NoticeCode.MENTIONED, actions.note(launch.pk, actor=by(cast.approver), now=now(), text="Hm")
    notice.event.params["message"] = note.pk
    # What answers an internal note would be read by the requester.
    assert not email.compose(Delivery(notice=notice, person=cast.approver), render(notice, cast.approver)).reply_to
    notice.code = NoticeCode.DECIDED
    assert not email.compose(Delivery(notice=notice, person=cast.requester), render(notice, cast.requester)).reply_to


def test_invitation_says_who_invites_into_which_team_and_where_to_sign_in(cast: Cast) -> None:
    people.invite(
        "olga@example.com",
        name="Olga",
        roles=frozenset(),
        team=cast.team,
        may_decide=True,
        is_notified=True,
        is_fresh=True,
        actor=by(cast.administrator),
        now=now(),
    )
    User.objects.filter(pk=cast.outsider.pk).update(mail_wish="none")
    (message,) = send_all()
    assert message.to == ["olga@example.com"]
    assert message.subject == "Invitation: decide on launches in Platform approvers"
    assert "Ada invites you to the approval desk, as a member of Platform approvers." in message.body
    assert "http://localhost:8000/accounts/login/" in message.body


def test_who_is_named_in_a_note_reads_it_and_the_requester_never_does(cast: Cast, launch: LaunchRequest) -> None:
    send_all()
    message = actions.note(launch.pk, actor=by(cast.approver), now=now(), text="Fishy")
    message.mentioned.add(cast.second_approver, cast.requester, cast.outsider, cast.administrator, cast.approver)
    with transaction.atomic():
        event = AuditEvent.objects.get(code="noted")
        Notice.objects.get_or_create(request=launch, event=event, code=NoticeCode.MENTIONED, created_at=now())
    assert {letter.to[0] for letter in send_all()} == {"bea@example.com", "ada@example.com"}


def test_who_is_told_of_a_comment_is_not_told_again_that_it_names_them(cast: Cast, launch: LaunchRequest) -> None:
    send_all()
    message = actions.comment(launch.pk, actor=by(cast.requester), now=now(), text="Please")
    message.mentioned.add(cast.approver, cast.administrator)
    event = AuditEvent.objects.get(code="commented")
    Notice.objects.get_or_create(request=launch, event=event, code=NoticeCode.MENTIONED, created_at=now())
    told = sorted(letter.to[0] for letter in send_all())
    assert told == ["ada@example.com", "amir@example.com", "bea@example.com"]


def test_the_reason_of_a_withdrawal_stands_behind_the_reader_s_colon(cast: Cast, launch: LaunchRequest) -> None:
    actions.withdraw(launch.pk, actor=by(cast.requester), now=now(), reason="Wrong size")
    event = AuditEvent.objects.get(code="withdrawn")
    assert sentence(event).endswith(" withdrew the request: Wrong size")
    with translation.override("zh-hans"):
        assert sentence(event).endswith("：Wrong size")


def test_chinese_sentences_end_in_chinese(cast: Cast, launch: LaunchRequest) -> None:
    User.objects.filter(pk=cast.requester.pk).update(language="zh-hans")
    actions.reject(launch.pk, actor=by(cast.approver), now=now(), reason="Too large")
    body = sent()["rita@example.com"].body
    assert f"位置：{launch.account}、{launch.region}" in body
    lead = body.splitlines()[0]
    assert lead.count("。") == 2
    assert ". " not in lead
    assert "。 " not in lead
