"""What came in and could not be understood: kept encrypted, shown masked, tried again, wiped.

A body may hold a wait URL, so it is decrypted only to be tried again, or to be shown with every URL's query
and everything that looks like a signature or token masked, even where the body is no valid JSON.
"""

from __future__ import annotations

import re
import string
from datetime import datetime, timedelta

from django.db import models, transaction

from approvals import audit
from approvals.actor import Actor
from approvals.canonical import sha256_hex
from approvals.errors import Refused, Why
from approvals.intake import messages
from approvals.intake.strict import cut
from approvals.models import Quarantined
from approvals.sealing import Unsealable, seal, unseal

KEEP = timedelta(days=14)
RETRIED, DISMISSED, AGED = "retried", "dismissed", "aged"
_SHOWN = 20_000
# More of a body is not even looked at: masking shortens it, rarely by more.
_READ = 4 * _SHOWN
_TOKEN = f"{string.ascii_letters}{string.digits}+_=%-\\"
_ESCAPED_TIMES = 8
_MASK = "[…]"

# A run of backslashes is read once: not again from its middle, and not again shorter.
_ESCAPED = re.compile(r"(?<!\\)\\++u00([2-7][0-9a-fA-F])")
_ESCAPED_SLASH = re.compile(r"(?<!\\)\\++/")
# `?` as it is, percent-encoded, or encoded twice; up to the end of the string or text it stands in.
_QUERY = re.compile(r"(?:\?|%(?:25)*3F)[^\s\"<>]+", re.IGNORECASE)
_SECRET_KEY = re.compile(
    r"((?:X-Amz-)?(?:Signature|Security-?Token|Credential|Token|Password|Secret|AWSAccessKeyId)[\"'\\\s]*"
    r"(?:=|:|%(?:25)*3D|%(?:25)*3A)[\"'\\\s]*)[^\s\"&<>,}\\]+",
    re.IGNORECASE,
)
# Not masked: digests, and the names of CloudFormation's buckets.
_LONG_RUN = re.compile(
    r"(?<![A-Za-z0-9+_=%-])(?!(?:gatehouse-)?[0-9a-f]{64}\b|cloudformation-[a-z0-9-]+\b)[A-Za-z0-9+_=%-]{40,}"
)


def keep(body: str, *, reason: str, topic_arn: str, door: str, now: datetime) -> None:
    """Keep one message; the same one again is counted."""
    digest = sha256_hex(body.encode(errors="replace"))
    row, created = Quarantined.objects.get_or_create(
        digest=digest,
        defaults={
            "body_encrypted": seal(body.encode(errors="replace").decode()),
            "door": door,
            "reason": cut(reason, 300),
            "topic_arn": cut(topic_arn.replace("\x00", "\ufffd"), 2048),
            "received_at": now,
            "last_seen_at": now,
        },
    )
    if not created:
        Quarantined.objects.filter(pk=row.pk).update(times=models.F("times") + 1, last_seen_at=now)


def masked(row: Quarantined) -> str:
    """The body for an administrator's eyes; the empty string once it was wiped or its key is gone."""
    return mask(_body(row))


def mask(text: str) -> str:
    """`text` without queries of URLs and without anything that looks like a key, however it is escaped."""
    if len(text) > _READ:
        # What was cut in the middle might no longer be long enough to be taken for a key.
        text = f"{text[:_READ].rstrip(_TOKEN)}…"
    for _ in range(_ESCAPED_TIMES):
        text, escapes = _ESCAPED.subn(lambda found: chr(int(found[1], 16)), text)
        if not escapes:
            break
    else:
        return _MASK
    text = _ESCAPED_SLASH.sub("/", text)
    text = _QUERY.sub(f"?{_MASK}", _SECRET_KEY.sub(rf"\g<1>{_MASK}", text))
    return cut(_LONG_RUN.sub(_MASK, text), _SHOWN)


def retry(pk: int, *, actor: Actor, now: datetime) -> bool:
    """Try to take the message again; True when it is understood now. Raises Refused."""
    row = _open_row(pk, actor)
    if not (body := _body(row)):
        raise Refused(Why.NOT_FOUND)
    if reason := messages.deliver(body, topic_arn=row.topic_arn, now=now):
        Quarantined.objects.filter(pk=pk).update(reason=cut(reason, 300))
        return False
    _resolve(pk, RETRIED, audit.Event.QUARANTINE_RETRIED, actor, now)
    return True


def dismiss(pk: int, *, actor: Actor, now: datetime) -> None:
    """An administrator has seen it and it is of no use. Raises Refused."""
    _open_row(pk, actor)
    _resolve(pk, DISMISSED, audit.Event.QUARANTINE_DISMISSED, actor, now)


def wipe(now: datetime) -> int:
    """Empty what is older than 14 days; returns how many bodies that were."""
    old = Quarantined.objects.filter(body_encrypted__isnull=False, received_at__lt=now - KEEP)
    old.filter(resolved_at__isnull=True).update(resolved_at=now, resolution=AGED)
    return old.update(body_encrypted=None)


def _body(row: Quarantined) -> str:
    try:
        return unseal(bytes(row.body_encrypted)) if row.body_encrypted is not None else ""
    except Unsealable:
        return ""


def _open_row(pk: int, actor: Actor) -> Quarantined:
    if actor.person is None or not (actor.person.is_active and actor.person.is_administrator):
        raise Refused(Why.NOT_ALLOWED)
    row = Quarantined.objects.filter(pk=pk, resolved_at__isnull=True).first()
    if row is None:
        raise Refused(Why.NOT_FOUND)
    return row


def _resolve(pk: int, resolution: str, event: audit.Event, actor: Actor, now: datetime) -> None:
    with transaction.atomic(durable=True):
        changed = Quarantined.objects.filter(pk=pk, resolved_at__isnull=True).update(
            resolved_at=now, resolution=resolution, body_encrypted=None
        )
        if changed:
            audit.record(audit.OPERATIONS, event, actor=actor, now=now, params={"quarantined": pk})
