"""The mailbox: every mail, readable and harmless; a reply becomes inbound mail."""

import json
import urllib.error
import urllib.parse
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from tests.sandbox.conftest import Client
from tests.sandbox.gate import Gate, fetch, send
from tests.support import allow

Mails = Callable[[str], list[dict[str, Any]]]
SENDER = "desk@gatehouse.example"


@pytest.fixture(scope="module", autouse=True)
def sender(aws: Client) -> None:
    """SES sends only for identities that were verified; MiniStack verifies at once."""
    aws("ses").verify_email_identity(EmailAddress=SENDER)


def page(url: str, form: dict[str, str] | None = None, **headers: str) -> str:
    data = urllib.parse.urlencode(form).encode() if form is not None else None
    return fetch(url, data, **headers).decode()


def raw(to: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = f"Désk <{SENDER}>", to, "Ergänzung: 訊息"
    message.set_content("plain größe")
    message.add_alternative("<p>rich <b>text</b></p>", subtype="html")
    return message.as_bytes()


def simple(to: str, text: str = "plain", html: str = "<p>rich</p>") -> dict[str, Any]:
    body = {"Text": {"Data": text}, "Html": {"Data": html}}
    return {"Destination": {"ToAddresses": [to]}, "Message": {"Subject": {"Data": "Hello"}, "Body": body}}


def test_mail_of_both_versions_simple_and_raw_is_there_newest_first(aws: Client, mails: Mails) -> None:
    to = "Everything <every@example.com>"
    aws("ses").send_email(Source=SENDER, **simple(to))
    aws("ses").send_raw_email(Source=SENDER, Destinations=[to], RawMessage={"Data": raw(to)})
    content = simple(to)["Message"]
    aws("sesv2").send_email(FromEmailAddress=SENDER, Destination={"ToAddresses": [to]}, Content={"Simple": content})
    aws("sesv2").send_email(
        FromEmailAddress=SENDER, Destination={"ToAddresses": [to]}, Content={"Raw": {"Data": raw(to)}}
    )
    received = mails("EVERY@example.com")
    assert [mail["subject"] for mail in received] == ["Ergänzung: 訊息", "Hello", "Ergänzung: 訊息", "Hello"]
    assert [mail["text"].strip() for mail in received] == ["plain größe", "plain", "plain größe", "plain"]
    assert all("rich" in mail["html"] for mail in received)
    assert {mail["kind"] for mail in received} == {"ses"}
    assert received == sorted(received, key=lambda mail: mail["at"], reverse=True)
    assert set(received[0]) == {"id", "kind", "to", "from", "subject", "text", "html", "at", "confirm_url"}


def test_raw_mail_without_destination_takes_its_addresses_from_its_headers(aws: Client, mails: Mails) -> None:
    aws("sesv2").send_email(Content={"Raw": {"Data": raw("header@example.com")}})
    mail = mails("header@example.com")[0]
    assert mail["from"].endswith(f"<{SENDER}>")


def test_hostile_mail_is_shown_but_never_run(aws: Client, sandbox: str, mails: Mails) -> None:
    evil = "<script>alert(1)</script>"
    aws("ses").send_email(Source=SENDER, **simple("evil@example.com", evil, f"{evil}\" onload='x'"))
    mail = mails("evil@example.com")[0]
    html = page(f"{sandbox}/mailbox/{mail['id']}")
    assert "<script" not in html
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in html
    answer = send(f"{sandbox}/mailbox/", b"", "GET", None)
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_overview_can_be_limited_to_one_recipient(aws: Client, sandbox: str) -> None:
    for name in ("one", "two"):
        aws("ses").send_email(Source=SENDER, **simple(f"{name}-limit@example.com"))
    html = page(f"{sandbox}/mailbox/?to=one-limit@example.com")
    assert "To one-limit@example.com ·" in html
    assert "To two-limit@example.com ·" not in html
    assert "No mail to nobody@example.com yet" in page(f"{sandbox}/mailbox/?to=nobody@example.com")


def test_reply_becomes_an_inbound_mail_of_ses(aws: Client, gate: Gate, sandbox: str, mails: Mails) -> None:
    topic = aws("sns").create_topic(Name="gatehouse-inbound-mail")["TopicArn"]
    queue = aws("sqs").create_queue(QueueName="inbound")["QueueUrl"]
    aws("s3").create_bucket(Bucket="hub-mailbucket-rosa")
    aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=allow.topic(aws("sqs"), queue, topic))
    sent = aws("ses").send_email(Source=SENDER, **simple("rosa@example.com"))["MessageId"]
    mail = mails("rosa@example.com")[0]
    form = {"from": "Rosa <rosa@example.com>", "text": "Because I need größe."}
    assert "delivered as inbound mail" in page(f"{sandbox}/mailbox/{mail['id']}/reply", form)
    received = json.loads(next(gate.messages(aws("sqs"), queue))["Message"])
    assert received["notificationType"] == "Received"
    action = received["receipt"]["action"]
    assert (action["type"], action["topicArn"], action["bucketName"]) == ("S3", topic, "hub-mailbucket-rosa")
    assert {received["receipt"][f"{name}Verdict"]["status"] for name in ("spam", "virus", "spf", "dkim")} == {"PASS"}
    assert received["mail"]["commonHeaders"]["subject"] == "Re: Hello"
    stored = aws("s3").get_object(Bucket=action["bucketName"], Key=action["objectKey"])["Body"].read()
    reply = message_from_bytes(stored, policy=policy.default)
    assert (reply["From"], reply["To"]) == ("Rosa <rosa@example.com>", SENDER)
    assert reply["In-Reply-To"] == f"<{sent}>"
    text = reply.get_body(("plain",))
    assert text is not None
    assert text.get_content().startswith("Because I need größe.\n\ndesk@gatehouse.example wrote:\n> plain")


def test_reply_from_another_site_or_without_text_is_not_sent(aws: Client, sandbox: str, mails: Mails) -> None:
    aws("ses").send_email(Source=SENDER, **simple("kim@example.com"))
    url = f"{sandbox}/mailbox/{mails('kim@example.com')[0]['id']}/reply"
    for form, headers, status in (
        ({"from": "a@b.c", "text": "t"}, {"Origin": "http://evil.example"}, 403),
        ({"from": "a@b.c", "text": " "}, {}, 400),
        ({"from": "", "text": "t"}, {}, 400),
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            page(url, form, **headers)
        assert refused.value.code == status
        refused.value.close()


def test_mail_that_is_not_there_answers_404(sandbox: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        page(f"{sandbox}/mailbox/nothing")
    assert refused.value.code == 404
    refused.value.close()
