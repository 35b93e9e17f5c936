"""A reply written in the mailbox, delivered as SES delivers inbound mail: stored in the bucket that the hub made for
mails, and announced by a `Received` notification on its topic."""

import json
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from typing import Any
from uuid import uuid4

from sandbox.mailbox.store import Mail
from sandbox.patches.engine import ministack

TOPIC, PREFIX = "gatehouse-inbound-mail", "inbound/"
# How CloudFormation names the hub's bucket of mails: after the stack and its logical id.
_BUCKET = "mailbucket"


def compose(original: Mail, sender: str, text: str) -> EmailMessage:
    """The reply as a mail program would send it."""
    reply = EmailMessage()
    reply["From"] = sender
    reply["To"] = original.get("reply_to") or original["from"]
    subject = str(original["subject"])
    reply["Subject"] = subject if subject.lower().startswith("re:") else f"Re: {subject}"
    reply["Date"] = format_datetime(datetime.now(UTC))
    reply["Message-ID"] = make_msgid(domain="mail.example")
    if original["message_id"]:
        reply["In-Reply-To"] = reply["References"] = f"<{original['message_id']}>"
    quoted = "\n".join(f"> {line}" for line in str(original["text"]).splitlines())
    reply.set_content(f"{text}\n\n{original['from']} wrote:\n{quoted}\n" if quoted else text)
    return reply


def notification(reply: EmailMessage, topic_arn: str, bucket: str, key: str) -> dict[str, Any]:
    """The document SES publishes for a receipt rule with an S3 action that names a topic."""
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
            "source": parseaddr(str(reply["From"]))[1],
            "messageId": key.removeprefix(PREFIX),
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
            "action": {
                "type": "S3",
                "topicArn": topic_arn,
                "bucketName": bucket,
                "objectKeyPrefix": PREFIX,
                "objectKey": key,
            },
        },
    }


def deliver(original: Mail, sender: str, text: str) -> bool:
    """Store and announce the reply where the original came from. False when that account takes no mails."""
    account, region = original["account"], original["region"]
    topic = f"arn:aws:sns:{region}:{account}:{TOPIC}"
    reply, key = compose(original, sender, text), f"{PREFIX}{uuid4().hex}"
    with ministack("core.responses").request_scope(account, region):
        s3 = ministack("services.s3")
        bucket = next((name for name in s3._buckets if _BUCKET in name.lower()), "")  # noqa: SLF001
        if not bucket:
            return False
        s3._put_object(bucket, key, reply.as_bytes(), {})  # noqa: SLF001 - no call over HTTP from inside of it
        document = json.dumps(notification(reply, topic, bucket, key))
        subject = "Amazon SES Email Receipt Notification"
        return ministack("services.sns").publish_internal(topic, document, subject) is not None
