"""A reply written in the mailbox, delivered as SES delivers inbound mail: a `Received` notification on a topic."""

import json
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any
from uuid import uuid4

from sandbox.mailbox.store import Mail
from sandbox.patches.engine import ministack

TOPIC = "gatehouse-inbound-mail"


def compose(original: Mail, sender: str, text: str) -> EmailMessage:
    """The reply as a mail program would send it."""
    reply = EmailMessage()
    reply["From"] = sender
    reply["To"] = original["from"]
    subject = str(original["subject"])
    reply["Subject"] = subject if subject.lower().startswith("re:") else f"Re: {subject}"
    reply["Date"] = format_datetime(datetime.now(UTC))
    reply["Message-ID"] = make_msgid(domain="mail.example")
    if original["message_id"]:
        reply["In-Reply-To"] = reply["References"] = f"<{original['message_id']}>"
    quoted = "\n".join(f"> {line}" for line in str(original["text"]).splitlines())
    reply.set_content(f"{text}\n\n{original['from']} wrote:\n{quoted}\n" if quoted else text)
    return reply


def notification(reply: EmailMessage, topic_arn: str) -> dict[str, Any]:
    """The document SES publishes for a receipt rule with an SNS action (content in UTF-8)."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    recipients = [str(reply["To"])]
    passed = {"status": "PASS"}
    common = {
        "from": [str(reply["From"])],
        "to": recipients,
        "date": str(reply["Date"]),
        "messageId": str(reply["Message-ID"]),
        "subject": str(reply["Subject"]),
    }
    return {
        "notificationType": "Received",
        "mail": {
            "timestamp": now,
            "source": str(reply["From"]),
            "messageId": uuid4().hex,
            "destination": recipients,
            "headersTruncated": False,
            "headers": [{"name": name, "value": str(value)} for name, value in reply.items()],
            "commonHeaders": common,
        },
        "receipt": {
            "timestamp": now,
            "processingTimeMillis": 100,
            "recipients": recipients,
            "spamVerdict": passed,
            "virusVerdict": passed,
            "spfVerdict": passed,
            "dkimVerdict": passed,
            "dmarcVerdict": passed,
            "action": {"type": "SNS", "topicArn": topic_arn, "encoding": "UTF-8"},
        },
        "content": reply.as_string(),
    }


def deliver(original: Mail, sender: str, text: str) -> bool:
    """Publish the reply where the original came from. False when that account has no such topic."""

    account, region = original["account"], original["region"]
    topic = f"arn:aws:sns:{region}:{account}:{TOPIC}"
    document = notification(compose(original, sender, text), topic)
    with ministack("core.responses").request_scope(account, region):
        subject = "Amazon SES Email Receipt Notification"
        return ministack("services.sns").publish_internal(topic, json.dumps(document), subject) is not None
