"""With the buckets, topic and queue of the hub's own template: a mail, its reply from the mailbox, and the thread."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile

from approvals import actions
from approvals.actor import Actor
from approvals.choices import Channel, MessageKind, State
from approvals.intake import certificates, consumer
from approvals.models import InboundMail, Quarantined, Refusal
from approvals.replies import addresses, taking
from approvals.talk import files
from lambdas.deploy import deploy
from portal.clock import now
from tests.sandbox.gate import fetch
from tests.sandbox.servicecatalog_support import Place as Account
from tests.support import mirror
from tests.support.cast import Cast
from tests.support.launches import open_launch
from tests.support.mails import notification

SENDER = "desk@gatehouse.example"


@pytest.fixture
def account(sandbox: str, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Account]:
    """The hub with files and replies allowed."""
    account = Account(sandbox)
    wanted = {"DevelopmentOrigin": sandbox, "AllowFiles": "yes", "ReplyDomain": "reply.gatehouse.example"}
    outputs = deploy(account.client, "hub", wanted, pause=0.2)
    settings.GATEHOUSE_QUEUE_URL = outputs["QueueUrl"]
    settings.GATEHOUSE_FILES_BUCKET = outputs["FilesBucket"]
    settings.GATEHOUSE_MAIL_BUCKET = outputs["MailBucket"]
    settings.GATEHOUSE_REPLY_DOMAIN = wanted["ReplyDomain"]
    settings.GATEHOUSE_ACCOUNTS = ["999988887777"]
    settings.GATEHOUSE_DEV_CERT_ORIGIN = sandbox
    kept = settings.STORAGES
    options = kept["files"]["OPTIONS"] | {"bucket_name": outputs["FilesBucket"]}
    settings.STORAGES = kept | {"files": kept["files"] | {"OPTIONS": options}}
    storages._storages.clear()  # type: ignore[attr-defined]
    monkeypatch.setenv("AWS_ENDPOINT_URL", sandbox)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account.account)
    mirror.forget_clients()
    certificates.forget()
    yield account
    mirror.forget_clients()
    certificates.forget()
    storages._storages.clear()  # type: ignore[attr-defined]


def take_all(account: Account, queue: str) -> list[str]:
    found = account.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=5)
    return [consumer.take(message["Body"]) for message in found.get("Messages", [])]


def mailed(account: Account, to: str, reply_to: str) -> dict[str, Any]:
    """A mail that the sandbox's SES sent, as its mailbox knows it."""
    message = EmailMessage()
    message["From"], message["To"], message["Reply-To"] = f"Gatehouse <{SENDER}>", to, reply_to
    message["Subject"] = "GH-1: a question"
    message.set_content("Why this size?")
    ses = account.client("ses")
    ses.verify_email_identity(EmailAddress=SENDER)
    ses.send_raw_email(Source=SENDER, Destinations=[to], RawMessage={"Data": message.as_bytes()})
    known = json.loads(fetch(f"{account.url}/mailbox/messages.json?to={to}"))
    return next(mail for mail in known if mail["subject"] == message["Subject"])


def test_a_reply_in_the_mailbox_becomes_an_answer_in_the_thread(cast: Cast, account: Account, settings: Any) -> None:
    launch = open_launch(now())
    actions.ask(launch.pk, actor=Actor(cast.approver, Channel.DESK), now=now(), text="Why this size?")
    mail = mailed(account, "rita@example.com", addresses.reply_to(launch, cast.requester))
    form = urllib.parse.urlencode({"from": "Rita <rita@example.com>", "text": "Größe for **tests**."}).encode()
    assert b"delivered as inbound mail" in fetch(f"{account.url}/mailbox/{mail['id']}/reply", form)
    assert take_all(account, settings.GATEHOUSE_QUEUE_URL) == ["done"]
    assert InboundMail.objects.get().request == launch
    assert taking.drain() == 1
    launch.refresh_from_db()
    assert launch.state == State.PENDING
    message = launch.messages.get(kind=MessageKind.ANSWER)
    assert (message.text, message.author) == ("Größe for **tests**.", cast.requester)


def test_the_queue_takes_mails_of_its_own_account_alone(db: None, account: Account, settings: Any) -> None:
    said = notification("inbound/x", "a@b.example", bucket=settings.GATEHOUSE_MAIL_BUCKET)
    sns, topic = account.client("sns"), f"arn:aws:sns:us-east-1:{account.account}:gatehouse-inbound-mail"
    queue = settings.GATEHOUSE_QUEUE_URL
    sns.publish(TopicArn=topic, Message="poison")
    sns.publish(TopicArn=topic, Message=said)
    assert sorted(take_all(account, queue) + take_all(account, queue)) == ["done", "quarantined"]
    assert Quarantined.objects.get().reason == "It is not JSON."
    assert Refusal.objects.get(door="mail").reason == "no address of ours"
    settings.GATEHOUSE_QUEUE_URL = queue.replace(account.account, "111122223333")
    sns.publish(TopicArn=topic, Message=said)
    assert take_all(account, queue) == ["refused"]
    settings.GATEHOUSE_QUEUE_URL, settings.GATEHOUSE_REPLY_DOMAIN = queue, ""
    sns.publish(TopicArn=topic, Message=said)
    assert take_all(account, queue) == ["refused"]


def test_files_go_into_the_hubs_bucket(db: None, account: Account, settings: Any) -> None:
    at = now()
    with files.stored([SimpleUploadedFile("a.txt", b"x" * (9 * 1024 * 1024))], at) as [kept]:
        stored = account.client("s3").head_object(Bucket=settings.GATEHOUSE_FILES_BUCKET, Key=kept.stored_as)
    assert stored["ContentLength"] == 9 * 1024 * 1024
