"""Replies by e-mail: what arrives in the thread, as whom, and what is turned away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
import time_machine
from django.core.files.storage import storages
from structlog.testing import capture_logs

from approvals import actions, wiping
from approvals.actor import Actor
from approvals.choices import Channel, MessageKind, NoticeCode, State
from approvals.intake.strict import NotUnderstood
from approvals.models import InboundMail, LaunchRequest, Message, Notice, Refusal
from approvals.replies import addresses, apart, received, taking
from approvals.replies.results import Result
from portal.accounts.models import User
from portal.clock import now
from tests.support import bucket
from tests.support.cast import Cast
from tests.support.launches import open_launch
from tests.support.mails import Post, notification, written


@pytest.fixture
def post(settings: Any, sandbox: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    s3 = bucket.make(settings, sandbox, monkeypatch)
    settings.GATEHOUSE_MAIL_BUCKET = settings.GATEHOUSE_FILES_BUCKET
    settings.GATEHOUSE_REPLY_DOMAIN = "reply.gatehouse.example"
    yield Post(s3, settings.GATEHOUSE_MAIL_BUCKET)
    storages._storages.clear()  # type: ignore[attr-defined]


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    return open_launch(now())


def taken(said: str) -> Result:
    """What becomes of the mail that was just delivered."""
    received.take(said, now())
    taking.drain()
    return Result(InboundMail.objects.latest("pk").result)


def ask(launch: LaunchRequest, person: User) -> None:
    actions.ask(launch.pk, actor=Actor(person, Channel.DESK), now=now(), text="Why?")


def test_an_address_is_for_one_request_and_one_person(
    cast: Cast, launch: LaunchRequest, post: Post, settings: Any
) -> None:
    address = addresses.reply_to(launch, cast.requester)
    local, _, domain = address.partition("@")
    assert len(local) == 64
    assert domain == "reply.gatehouse.example"
    assert addresses.read(address.upper()) == (launch.uuid, cast.requester.pk)
    assert addresses.reply_to(launch, cast.approver) != address
    for at in range(6, 64):
        other = "a" if address[at] != "a" else "b"
        assert addresses.read(address[:at] + other + address[at + 1 :]) is None or at == 63
    for wrong in (
        "",
        "@",
        "reply@x",
        address.replace("reply.", "evil."),
        address.replace("+", "-"),
        "é" * 64 + address,
    ):
        assert addresses.read(wrong) is None
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another key of the desk"
    assert addresses.read(address) == (launch.uuid, cast.requester.pk)
    settings.SECRET_KEY_FALLBACKS = []
    assert addresses.read(address) is None
    settings.GATEHOUSE_REPLY_DOMAIN = ""
    assert addresses.reply_to(launch, cast.requester) == ""


def test_the_requester_answers_by_mail(cast: Cast, launch: LaunchRequest, post: Post) -> None:
    ask(launch, cast.approver)
    text = "For **load** tests.\n\nOn Mon, Gatehouse <desk@gatehouse.example> wrote:\n> Why?\n"
    assert taken(post.reply(launch, cast.requester, text)) is Result.TAKEN
    launch.refresh_from_db()
    assert launch.state == State.PENDING
    message = launch.messages.latest("pk")
    assert (message.kind, message.text, message.author) == (MessageKind.ANSWER, "For **load** tests.", cast.requester)
    assert message.channel == Channel.EMAIL
    assert InboundMail.objects.get().message == message
    assert Notice.objects.filter(code=NoticeCode.ANSWERED).count() == 1


@pytest.mark.parametrize("text", ["The plan is attached.", ""])
def test_files_of_a_mail_are_not_taken_and_the_message_says_so(
    cast: Cast, launch: LaunchRequest, post: Post, text: str
) -> None:
    ask(launch, cast.approver)
    made = EmailMessage()
    made["From"] = str(cast.requester.email)
    made.set_content(text)
    made.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="plan.pdf")
    own = str(cast.requester.email)
    told = post.deliver(made.as_bytes(), addresses.reply_to(launch, cast.requester), source=own, author=own)
    assert taken(told) is Result.TAKEN
    message = launch.messages.latest("pk")
    assert message.kind == MessageKind.ANSWER
    assert message.text.startswith(text)
    assert message.text.endswith("They can be added on the request's page.]")


def test_without_a_question_it_is_a_comment_and_mails_never_decide(
    cast: Cast, launch: LaunchRequest, post: Post
) -> None:
    assert taken(post.reply(launch, cast.requester, "When?")) is Result.TAKEN
    assert taken(post.reply(launch, cast.approver, "approve")) is Result.TAKEN
    assert taken(post.reply(launch, cast.approver, "I approve this, @Rita")) is Result.TAKEN
    launch.refresh_from_db()
    assert launch.state == State.PENDING
    assert [one.kind for one in launch.messages.all()] == [MessageKind.COMMENT] * 3
    assert [one.name for one in launch.messages.latest("pk").mentioned.all()] == ["Rita"]


def test_a_mail_that_is_told_of_twice_is_said_once(cast: Cast, launch: LaunchRequest, post: Post) -> None:
    said = post.reply(launch, cast.requester, "Once.")
    for _ in range(3):
        received.take(said, now())
    taking.drain()
    received.take(said, now())
    taking.drain()
    row = InboundMail.objects.get()
    row.result = Result.QUEUED
    assert taking._take(row, now()) is Result.NOT_ALLOWED
    assert Message.objects.count() == 1
    assert InboundMail.objects.get().result == Result.TAKEN


@pytest.mark.parametrize(
    ("source", "verdicts", "result"),
    [
        ("rita@example.com", {"dmarc": "FAIL"}, Result.UNPROVEN),
        ("rita@example.com", {"dmarc": "GRAY"}, Result.TAKEN),
        ("bounce@mail.example.com", {"dmarc": "GRAY"}, Result.UNPROVEN),
        ("bounce@mail.example.com", {}, Result.TAKEN),
        ("rita@example.com", {"author": "rita@example.com"}, Result.TAKEN),
        ("rita@example.com", {"author": "RITA@EXAMPLE.COM"}, Result.TAKEN),
        ("rita@example.com", {"author": "Doe, Rita <rita@example.com>"}, Result.TAKEN),
        ("rita@example.com", {"author": "Rita <eve@evil.example>"}, Result.SENDER),
        ("rita@example.com", {"author": '"rita@example.com" <eve@evil.example>'}, Result.SENDER),
        ("rita@example.com", {"author": "rita@example.com, eve@evil.example"}, Result.SENDER),
        ("rita@example.com", {"author": ""}, Result.SENDER),
        ("eve@evil.example", {"dmarc": "GRAY"}, Result.UNPROVEN),
        ("eve@notexample.com", {"dmarc": "GRAY"}, Result.UNPROVEN),
        ("rita@example.com", {"dmarc": "FAIL", "spf": "FAIL"}, Result.UNPROVEN),
        ("rita@example.com", {"dmarc": "GRAY", "dkim": "GRAY"}, Result.UNPROVEN),
        ("rita@example.com", {"spam": "FAIL"}, Result.SPAM),
        ("rita@example.com", {"virus": "FAIL"}, Result.SPAM),
        ("rita@example.com", {"virus": "PROCESSING_FAILED"}, Result.SPAM),
        ("rita@example.com", {"spam": "GRAY"}, Result.TAKEN),
        ("", {}, Result.AUTOMATIC),
        ("<>", {}, Result.AUTOMATIC),
    ],
)
def test_what_ses_found_out_decides(
    cast: Cast, launch: LaunchRequest, post: Post, source: str, verdicts: dict[str, str], result: Result
) -> None:
    address = addresses.reply_to(launch, cast.requester)
    said = post.deliver(written("rita@example.com", "Hello"), address, source=source, **verdicts)
    assert taken(said) is result
    assert Message.objects.exists() == (result is Result.TAKEN)


@pytest.mark.parametrize(
    ("raw", "result"),
    [
        (written("eve@evil.example", "Hello"), Result.SENDER),
        (written('"rita@example.com" <eve@evil.example>', "Hello"), Result.SENDER),
        (b"To: x\r\n\r\nHello", Result.SENDER),
        (written("RITA@Example.com", "Hello"), Result.TAKEN),
        (written("rita@example.com", "Away.", Auto_Submitted="auto-replied"), Result.AUTOMATIC),
        (written("rita@example.com", "Away.", Precedence="bulk"), Result.AUTOMATIC),
        (written("rita@example.com", "> Why?\n"), Result.EMPTY),
        (written("rita@example.com", "\u200b"), Result.EMPTY),
        (b"From: rita@example.com\r\nContent-Type: " + b";" * 5000 + b"\r\n\r\nHello", Result.BROKEN),
        (b"From: rita@example.com\r\n\r\n" + b"x" * (taking.LARGEST + 1), Result.TOO_LARGE),
        (b"From: rita@example.com\r\n\r\n" + b"x\r\n" * 60_000, Result.TOO_COSTLY),
        (b"From: eve@evil.example\r\n\r\n" + b"x\r\n" * 60_000, Result.SENDER),
    ],
    ids=range(12),
)
def test_what_the_mail_itself_says_decides(
    cast: Cast, launch: LaunchRequest, post: Post, raw: bytes, result: Result
) -> None:
    with capture_logs() as logs:
        assert taken(post.deliver(raw, addresses.reply_to(launch, cast.requester))) is result
    assert Message.objects.exists() == (result is Result.TAKEN)
    assert Refusal.objects.filter(door="mail", reason=result.value).exists() == (result is not Result.TAKEN)
    assert "Hello" not in str(logs)
    assert "example.com" not in str(logs)


def test_a_long_mail_is_cut_and_says_so(cast: Cast, launch: LaunchRequest, post: Post) -> None:
    assert taken(post.reply(launch, cast.requester, "Long line.\n" * 1000)) is Result.TAKEN
    message = Message.objects.get()
    assert len(message.text) == 4000
    assert message.text.endswith("[…]")


def test_whoever_may_not_write_any_more_is_not_heard(cast: Cast, launch: LaunchRequest, post: Post) -> None:
    auditor = post.reply(launch, cast.auditor, "I only read")
    outsider = post.reply(launch, cast.outsider, "Let me in")
    gone = post.reply(launch, cast.approver, "I was here")
    User.objects.filter(pk=cast.approver.pk).update(is_active=False)
    for said in (auditor, outsider, gone):
        assert taken(said) is Result.NOT_ALLOWED
    assert not Message.objects.exists()


def test_an_address_of_somebody_else_is_no_use(cast: Cast, launch: LaunchRequest, post: Post) -> None:
    to_approver = addresses.reply_to(launch, cast.approver)
    assert taken(post.deliver(written("rita@example.com", "Hello"), to_approver)) is Result.SENDER


def test_mails_to_nobody_are_counted_and_leave_no_row(cast: Cast, launch: LaunchRequest, post: Post) -> None:
    person = cast.requester.pk
    forged = addresses.reply_to(launch, cast.requester).replace("reply+", "reply+a", 1)
    gone = addresses.reply_to(launch, User(pk=person + 10_000))
    for to in ("reply+x@reply.gatehouse.example", "desk@gatehouse.example", forged, gone):
        received.take(post.deliver(written("rita@example.com", "Hello"), to), now())
    assert not InboundMail.objects.exists()
    assert Refusal.objects.get(door="mail", reason=Result.ADDRESS.value).times == 4


def test_rows_of_mails_go_after_a_month_and_their_messages_stay(cast: Cast, launch: LaunchRequest, post: Post) -> None:
    assert taken(post.reply(launch, cast.requester, "Hello")) is Result.TAKEN
    refused = post.deliver(written("eve@evil.example", "Hello"), addresses.reply_to(launch, cast.requester))
    assert taken(refused) is Result.SENDER
    received.take(post.reply(launch, cast.requester, "Waiting"), now())
    wiping.tidy(now() + timedelta(days=29))
    assert InboundMail.objects.count() == 3
    wiping.tidy(now() + timedelta(days=31))
    assert InboundMail.objects.get().result == Result.QUEUED
    assert Message.objects.get().text == "Hello"


def test_the_body_of_a_strangers_mail_is_not_read(
    cast: Cast, launch: LaunchRequest, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "own_words", None)
    to = addresses.reply_to(launch, cast.requester)
    assert taken(post.deliver(written("eve@evil.example", "Hello"), to)) is Result.SENDER
    away = written("rita@example.com", "Away", Precedence="bulk")
    assert taken(post.deliver(away, to)) is Result.AUTOMATIC


def test_a_flood_ends(cast: Cast, launch: LaunchRequest, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "MOST_PER_HOUR", 3)
    results = [taken(post.reply(launch, cast.requester, f"Mail {n}")) for n in range(5)]
    assert results == [Result.TAKEN] * 3 + [Result.TOO_MANY] * 2


def test_a_bucket_that_does_not_answer_is_asked_again_and_not_for_ever(
    cast: Cast, launch: LaunchRequest, post: Post
) -> None:
    said = json.loads(post.reply(launch, cast.requester, "Hello"))
    key = said["receipt"]["action"]["objectKey"]
    mail = post.s3.get_object(Bucket=post.bucket, Key=key)["Body"].read()
    post.s3.delete_object(Bucket=post.bucket, Key=key)
    assert taken(json.dumps(said)) is Result.QUEUED
    assert taking.drain() == 0
    post.s3.put_object(Bucket=post.bucket, Key=key, Body=mail)
    with time_machine.travel(now() + timedelta(minutes=5)):
        assert taking.drain() == 1
    post.s3.delete_object(Bucket=post.bucket, Key=key)
    InboundMail.objects.update(result=Result.QUEUED, attempts=30)
    for hours, result in ((23, Result.QUEUED), (25, Result.UNREACHABLE)):
        with time_machine.travel(now() + timedelta(hours=hours)):
            taking.drain()
        assert InboundMail.objects.get().result == result
    assert InboundMail.objects.get().result == Result.UNREACHABLE


@pytest.mark.parametrize(
    "change",
    [
        {"notificationType": "Bounce"},
        {"mail": None},
        {"receipt": []},
        {"receipt": {"action": {"type": "S3", "bucketName": "other", "objectKey": "inbound/x"}}},
        {"receipt": {"action": {"type": "SNS", "bucketName": "BUCKET", "objectKey": "inbound/x"}}},
        {"receipt": {"action": {"type": "S3", "bucketName": "BUCKET", "objectKey": "files/x"}}},
        {"receipt": {"action": {"type": "S3", "bucketName": "BUCKET", "objectKey": 7}}},
        {"receipt": {"action": "x"}},
    ],
)
def test_what_is_no_mail_in_the_bucket_is_not_understood(post: Post, db: None, change: dict[str, Any]) -> None:
    said = json.loads(notification("inbound/x", "a@b.example", bucket=post.bucket)) | change
    with pytest.raises(NotUnderstood):
        received.take(json.dumps(said).replace("BUCKET", post.bucket), now())
    assert not InboundMail.objects.exists()


@pytest.mark.parametrize("odd", [None, 7, [], {}, ["x"], {"status": 5}, "PASS"])
def test_odd_verdicts_and_recipients_prove_nothing(post: Post, db: None, odd: Any) -> None:
    said = json.loads(notification("inbound/x", "a@b.example", bucket=post.bucket))
    said["receipt"] |= {"recipients": odd, "spamVerdict": odd, "dmarcVerdict": odd}
    said["mail"]["source"] = odd
    received.take(json.dumps(said), now())
    assert not InboundMail.objects.exists()


@pytest.mark.parametrize("odd", [None, 7, [], {}, {"from": None}, {"from": "rita@example.com"}, {"from": [7]}])
def test_odd_headers_name_nobody(cast: Cast, launch: LaunchRequest, post: Post, odd: Any) -> None:
    said = json.loads(post.reply(launch, cast.requester, "Hello"))
    said["mail"]["commonHeaders"] = odd
    assert taken(json.dumps(said)) is Result.SENDER
