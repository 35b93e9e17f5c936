"""Mails as SES stores them, and what it says of them."""

from __future__ import annotations

import json
import secrets
from email.message import EmailMessage
from typing import Any

from approvals.models import LaunchRequest
from approvals.replies import addresses
from portal.accounts.models import User

BUCKET = "mails"


def written(sender: str, text: str, **headers: str) -> bytes:
    made = EmailMessage()
    made["From"] = sender
    made["Subject"] = "Re: GH-1"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made.as_bytes()


def notification(
    key: str,
    recipient: str,
    *,
    bucket: str,
    source: str = "rita@example.com",
    author: str = "Rita <rita@example.com>",
    **verdicts: str,
) -> str:
    """The document of a receipt rule with an S3 action and a topic. `verdicts`: spam, virus, spf, dkim, dmarc."""
    said = {"spam": "PASS", "virus": "PASS", "spf": "PASS", "dkim": "PASS", "dmarc": "PASS"} | verdicts
    receipt: dict[str, Any] = {
        "timestamp": "2026-11-23T00:00:00.000Z",
        "processingTimeMillis": 400,
        "recipients": [recipient],
        **{f"{name}Verdict": {"status": status} for name, status in said.items()},
        "action": {
            "type": "S3",
            "topicArn": "arn:aws:sns:us-east-1:111122223333:gatehouse-inbound-mail",
            "bucketName": bucket,
            "objectKeyPrefix": "inbound/",
            "objectKey": key,
        },
    }
    mail = {
        "timestamp": "2026-11-23T00:00:00.000Z",
        "source": source,
        "messageId": key.rpartition("/")[2],
        "destination": [recipient],
        "headersTruncated": False,
        "headers": [{"name": "From", "value": author}],
        "commonHeaders": {"from": [author], "to": [recipient], "subject": "Re: GH-1"},
    }
    return json.dumps({"notificationType": "Received", "mail": mail, "receipt": receipt})


class Post:
    """Puts mails where SES puts them and tells intake's part of it."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self.s3, self.bucket = s3, bucket

    def deliver(self, raw: bytes, recipient: str, **said: str) -> str:
        """The notification; the mail is in the bucket."""
        key = f"inbound/{secrets.token_hex(20)}"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=raw)
        return notification(key, recipient, bucket=self.bucket, **said)

    def reply(self, launch: LaunchRequest, person: User, text: str, **headers: str) -> str:
        sent = written(str(person.email), text, **headers)
        own = str(person.email)
        return self.deliver(sent, addresses.reply_to(launch, person), source=own, author=own)
