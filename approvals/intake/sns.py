"""Amazon SNS messages: whether one really comes from SNS (aws-facts §4.1).

Signature version 2 only (SHA256 with RSA over pairs of key and value lines), with a certificate from SNS's own
host. A failure says which of two things it is: `Forged` will never become true, `Unavailable` may at the next
try.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from approvals.intake import certificates
from approvals.intake.certificates import Forged, Unavailable
from approvals.intake.envelope import TOPIC_NAME, check_topic
from approvals.intake.strict import NotUnderstood, loads
from catalog import partitions

__all__ = ["Forged", "SnsMessage", "Unavailable", "open_message", "subscribe_url"]

MAX_AGE = timedelta(hours=1)
MAX_SKEW = timedelta(minutes=5)
NOTIFICATION, CONFIRMATION, GOODBYE = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"
_SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    CONFIRMATION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    GOODBYE: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_PLAIN = re.compile(r"[!-~]{1,2048}")


@dataclass(frozen=True, slots=True)
class SnsMessage:
    """A message SNS signed. `subscribe_url` is set for a SubscriptionConfirmation only."""

    type: str
    message_id: str
    topic_arn: str
    message: str
    timestamp: datetime
    subscribe_url: str = ""

    @property
    def account(self) -> str:
        return self.topic_arn.split(":")[4]


def open_message(
    raw: str,
    *,
    limit: int,
    accounts: Collection[str] | None,
    fresh_at: datetime | None = None,
    topics: Collection[str] = (TOPIC_NAME,),
) -> SnsMessage:
    """The message in `raw`, its topic and its signature checked.

    `limit` is in bytes; the topic must have one of the names `topics` and belong to one of `accounts` (None: to
    any); with `fresh_at` a message that was older than an hour then, or from the future by more than five minutes,
    is Forged. The certificate is asked for last. Raises NotUnderstood (not an SNS message), Forged, or Unavailable
    (no certificate now).
    """
    fields = loads(raw, limit=limit)
    names = _SIGNED.get(fields.get("Type") or "") if isinstance(fields.get("Type"), str) else None
    if names is None:
        raise NotUnderstood("It is not a message of Amazon SNS.")
    signed = [name for name in names if name != "Subject" or fields.get("Subject") is not None]
    for name in (*signed, "SignatureVersion", "Signature", "SigningCertURL"):
        if not isinstance(fields.get(name), str):
            raise NotUnderstood(f"It is a message of Amazon SNS without {name}.")
    if fields["SignatureVersion"] != "2":
        raise Forged("signature version")
    host = _host(fields["TopicArn"], accounts, topics)
    timestamp = _timestamp(fields["Timestamp"])
    if fresh_at is not None and not fresh_at - MAX_AGE <= timestamp <= fresh_at + MAX_SKEW:
        raise Forged("stale")
    text = "".join(f"{name}\n{fields[name]}\n" for name in signed)
    _check_signature(fields["SigningCertURL"], host, fields["Signature"], text)
    return SnsMessage(
        type=fields["Type"],
        message_id=fields["MessageId"],
        topic_arn=fields["TopicArn"],
        message=fields["Message"],
        timestamp=timestamp,
        subscribe_url=fields["SubscribeURL"] if fields["Type"] == CONFIRMATION else "",
    )


def subscribe_url(message: SnsMessage, dev_origin: str) -> str:
    """Where the subscription of this very topic is confirmed; raises Forged for any other URL."""
    url, origin = message.subscribe_url, f"https://{_host(message.topic_arn, None)}"
    ours = url.startswith(f"{origin}/?") or (dev_origin and url.startswith(f"{dev_origin}/"))
    if not ours or not _PLAIN.fullmatch(url):
        raise Forged("subscribe host")
    query = parse_qs(urlsplit(url).query, max_num_fields=20)
    if query.get("Action") != ["ConfirmSubscription"] or query.get("TopicArn") != [message.topic_arn]:
        raise Forged("subscribe url")
    return url


def _host(topic_arn: str, accounts: Collection[str] | None, topics: Collection[str] = (TOPIC_NAME,)) -> str:
    """SNS's own host in the region of the topic, once the topic is one of ours."""
    name = topic_arn.rpartition(":")[2]
    try:
        partition, region, account = check_topic(topic_arn, name if name in topics else TOPIC_NAME)
    except NotUnderstood:
        raise Forged("topic") from None
    if accounts is not None and account not in accounts:
        raise Forged("topic")
    home = partitions.of_region(region)
    if home.name != partition:
        raise Forged("topic")
    return f"sns.{region}.{home.suffix}"


def _check_signature(certificate_url: str, host: str, signature: str, text: str) -> None:
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        raise Forged("signature") from None
    # The spare bits of the last character must be zero, else many texts would be one signature.
    if base64.b64encode(raw).decode() != signature:
        raise Forged("signature")
    try:
        public = certificates.key(certificate_url, host=host)
        public.verify(raw, text.encode("utf-8", "replace"), PKCS1v15(), SHA256())
    except InvalidSignature:
        raise Forged("signature") from None


def _timestamp(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        raise NotUnderstood("It is a message of Amazon SNS without a time.") from None
