"""What strangers write cannot break a mail, forge its words, or carry a capability out of the desk."""

import re

import pytest

from approvals import actions
from approvals.choices import AlarmCode, NoticeCode, Outcome
from approvals.models import AuditEvent, Delivery, LaunchRequest, Notice
from approvals.notifications import email
from approvals.notifications.content import render
from approvals.notifications.digest import render_digest
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch
from tests.support.signalling import CANARY
from tests.support.telling import FOLLOW, by, send_all, sent


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    return open_launch(now())


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


def test_hostile_names_are_harmless_in_every_mail_and_in_a_digest(cast: Cast, launch: LaunchRequest) -> None:
    LaunchRequest.objects.update(product_name=HOSTILE, version_name=HOSTILE, stack_reason=HOSTILE, stack_status="X")
    type(cast.requester).objects.filter(pk=cast.requester.pk).update(name=HOSTILE[:60])
    notice = Notice.objects.select_related("request__requester", "event").get(request=launch)
    mails = []
    for code in NoticeCode:
        notice.code = code
        mails += [render(notice, reader) for reader in (cast.requester, cast.approver, cast.administrator)]
        mails.append(render_digest(cast.approver, [Delivery(notice=notice, person=cast.approver)] * 3))
    for content in mails:
        assert content.subject.isprintable()
        assert len(content.subject) <= 150
        assert "<script" not in content.html
        assert not re.search("[\u202e\x07]", content.subject + content.text + content.html)
        assert not any(line.startswith("Bcc") for line in content.text.splitlines())


SECRETS = (
    f"https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/x?X-Amz-Signature={CANARY}",
    f"https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/y?AWSAccessKeyId={CANARY}&Signature={CANARY}",
    f"eyJhbGciOiJFUzI1NiJ9.{CANARY}.{CANARY}",
    f"token={CANARY}",
)


def test_no_mail_of_any_kind_passes_on_a_capability(cast: Cast) -> None:
    url = SECRETS[0]
    said = "Look: " + " ".join(SECRETS)
    launch, other = open_launch(now(), url=url), open_launch(now(), url=url + "2")
    LaunchRequest.objects.update(product_name=said, version_name=said, stack_reason=said)
    actions.ask(launch.pk, actor=by(cast.approver), now=now(), text=said)
    actions.answer(launch.pk, actor=by(cast.requester), now=now(), text=said)
    actions.comment(launch.pk, actor=by(cast.approver), now=now(), text=said).mentioned.add(cast.second_approver)
    actions.reject(launch.pk, actor=by(cast.approver), now=now(), reason=said)
    actions.record_outcome(launch.pk, Outcome.ROLLED_BACK, actor=FOLLOW, now=now())
    actions.withdraw(other.pk, actor=by(cast.requester), now=now(), reason=said)
    actions.raise_alarm(AlarmCode.UNKNOWN_STACK, now=now(), stack_id="arn:x", detail=said)
    event = AuditEvent.objects.filter(code="commented").latest("pk")
    for code in NoticeCode:
        Notice.objects.get_or_create(request=launch, event=event, code=code, created_at=now())
    bodies = [str(message.message()) for message in send_all()]
    notices = list(Notice.objects.select_related("request__requester", "event"))
    letters = [render(notice, reader) for notice in notices for reader in (cast.approver, cast.requester)]
    letters.append(render_digest(cast.approver, [Delivery(notice=notice) for notice in notices]))
    bodies += [content.subject + content.text + content.html for content in letters]
    assert len(bodies) > 20
    assert not [body for body in bodies if CANARY in body]
