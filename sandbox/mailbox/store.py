"""The mail itself: what SES sent and what SNS sent to e-mail subscriptions, newest last, the oldest dropped.

Message: {id, kind: ses|sns|sns-confirmation, to: [addresses], from, subject, text, html, at: RFC 3339, account,
region, message_id, reply_to, confirm_url}. Never holds anything else than what its recipient would have received.
"""

import json
import threading
from collections import deque
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any
from uuid import uuid4

from sandbox import state

Mail = dict[str, Any]
KEPT = 500
SNS_SENDER = "AWS Notifications <no-reply@sns.amazonaws.com>"
_lock = threading.Lock()
_fresh = threading.Event()
_mails: deque[Mail] = deque(maxlen=KEPT)


def load() -> None:
    """Take up the mail of the last run."""
    with _lock:
        _mails.clear()
        _mails.extend(state.load("mail").get("messages", []))


def save() -> None:
    """Keep the mail for the next run, if there is new mail."""
    if _fresh.is_set():
        _fresh.clear()
        state.save("mail", {"messages": everything()})


def everything(recipient: str = "") -> list[Mail]:
    """All mail, oldest first, or that of one recipient (an address, any case)."""
    wanted = recipient.strip().casefold()
    with _lock:
        return [mail for mail in _mails if not wanted or wanted in _addresses(mail)]


def recipients() -> list[str]:
    """Every address mail was sent to, sorted."""
    with _lock:
        return sorted({address for mail in _mails for address in _addresses(mail)})


def find(mail_id: str) -> Mail | None:
    """The mail with that id."""
    with _lock:
        return next((mail for mail in _mails if mail["id"] == mail_id), None)


def add(kind: str, sender: str, to: list[str], subject: str, text: str, html: str = "", **more: str) -> Mail:
    """Keep one mail; `more`: account, region, message_id, reply_to, confirm_url."""
    mail = {
        "id": uuid4().hex,
        "kind": kind,
        "to": to,
        "from": sender,
        "subject": subject,
        "text": text,
        "html": html,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "account": "",
        "region": "",
        "message_id": "",
        "reply_to": "",
        "confirm_url": "",
        **more,
    }
    with _lock:
        _mails.append(mail)
    _fresh.set()
    return mail


def add_confirmation(address: str, topic_arn: str, url: str) -> None:
    """What SNS sends to a new e-mail subscriber."""
    text = (
        f"You have chosen to subscribe to the topic:\n{topic_arn}\n\n"
        "To confirm this subscription, click or visit the link below "
        f"(If this was in error no action is necessary):\nConfirm subscription: {url}\n"
    )
    subject = "AWS Notification - Subscription Confirmation"
    add("sns-confirmation", SNS_SENDER, [address], subject, text, confirm_url=url, **_place(topic_arn))


def add_notification(address: str, envelope: dict[str, Any], *, as_json: bool) -> None:
    """What SNS sends to a confirmed one: text that cannot be styled, or the envelope as JSON."""
    text = envelope["Message"]
    if as_json:
        text = json.dumps(envelope, indent=2)
    else:
        text += (
            "\n\n--\nIf you wish to stop receiving notifications from this topic, please click or visit the link "
            f"below to unsubscribe:\n{envelope['UnsubscribeURL']}\n"
        )
    subject = envelope.get("Subject", "AWS Notification Message")
    add(
        "sns",
        SNS_SENDER,
        [address],
        subject,
        text,
        message_id=envelope["MessageId"],
        **_place(envelope["TopicArn"]),
    )


def _place(arn: str) -> dict[str, str]:
    _, _, _, region, account, *_ = arn.split(":")
    return {"account": account, "region": region}


def _addresses(mail: Mail) -> set[str]:
    return {parseaddr(entry)[1].casefold() or entry.casefold() for entry in mail["to"]}
