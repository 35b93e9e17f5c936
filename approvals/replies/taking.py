"""The worker's part: claim a mail → read it from the bucket → see who sent it → say what it says → settle.

Invariant: a mail is said at most once, because its row is settled in the transaction of its message; a worker that
dies leaves the row to the next sweep. A body is read only once its sender is known. Nothing of a mail is logged but
what became of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext, override

from approvals import actions
from approvals.actions.base import MAX_TEXT
from approvals.actor import Actor
from approvals.choices import Channel, State
from approvals.errors import Refused, Why
from approvals.intake.refusals import refuse
from approvals.models import InboundMail, LaunchRequest
from approvals.replies import apart, head, mime
from approvals.replies.received import DOOR
from approvals.replies.results import Result
from approvals.rules import is_requester
from catalog import aws
from portal import clock
from portal.accounts.models import User

LARGEST = 10 * 1024 * 1024
MOST_PER_HOUR = 30
# Longer than any launch waits. Until then it may be a bucket that is away, or a permission that is missing.
PATIENCE = timedelta(days=1)
AGAIN, SELDOM = timedelta(minutes=2), timedelta(hours=1)
BATCH = 50
_CUT = "\n\n[…]"

log = structlog.get_logger(__name__)


def drain() -> int:
    """Take the mails that wait; returns how many became messages."""
    said = 0
    for _ in range(BATCH):
        row = _claim(clock.now())
        if row is None:
            break
        try:
            said += _take(row, clock.now()) is Result.TAKEN
        except Exception as error:  # noqa: BLE001 - one mail must not keep the others waiting; its words stay unsaid
            log.warning("a mail was left for later", mail=row.pk, error=type(error).__name__)
    return said


@transaction.atomic(durable=True)
def _claim(now: datetime) -> InboundMail | None:
    waiting = InboundMail.objects.filter(result=Result.QUEUED, next_attempt_at__lte=now).order_by("next_attempt_at")
    row = waiting.select_related("request", "person").select_for_update(skip_locked=True, of=("self",)).first()
    if row is not None:
        row.attempts += 1
        row.next_attempt_at = now + min(AGAIN * row.attempts, SELDOM)
        row.save(update_fields=["attempts", "next_attempt_at"])
    return row


def _take(row: InboundMail, now: datetime) -> Result | None:
    """None: it is tried again."""
    if now - row.received_at > PATIENCE:
        log.error("a mail was never readable", mail=row.pk, attempts=row.attempts)
        return _settle(row, Result.UNREACHABLE, now)
    if _is_flood(row):
        return _settle(row, Result.TOO_MANY, now)
    try:
        raw = _raw(row.key)
        result = Result.TOO_LARGE if raw is None else _say(row, raw, now)
    except (ClientError, BotoCoreError, OSError) as error:
        log.warning("a mail cannot be read now", mail=row.pk, error=type(error).__name__)
        return None
    return result if result is Result.TAKEN else _settle(row, result, now)


def _is_flood(row: InboundMail) -> bool:
    since = row.received_at - timedelta(hours=1)
    same = InboundMail.objects.filter(person=row.person, received_at__range=(since, row.received_at), pk__lt=row.pk)
    return same.count() >= MOST_PER_HOUR


def _raw(key: str) -> bytes | None:
    """The mail as SES stored it, as far as it is read; None where it is larger than any reply."""
    stored = aws.client("s3").get_object(Bucket=settings.GATEHOUSE_MAIL_BUCKET, Key=key)
    with stored["Body"] as body:
        return body.read(mime.LARGEST) if stored["ContentLength"] <= LARGEST else None


def _say(row: InboundMail, raw: bytes, now: datetime) -> Result:
    request, person = row.request, row.person
    if request is None or person is None:
        return Result.ADDRESS
    try:
        if refused := _refused(head.read(raw), person):
            return refused
        text = _text(apart.own_words(raw), person)
    except mime.Broken:
        return Result.BROKEN
    except mime.TooCostly:
        return Result.TOO_COSTLY
    if not text:
        return Result.EMPTY
    return _spoken(row, request, person, text, now)


def _text(body: mime.Body, writer: User) -> str:
    """As it goes into the thread; what could not be taken along is said there, for the writer and the reader."""
    left_out = ""
    if body.files:
        with override(writer.language or settings.LANGUAGE_CODE):
            left_out = "\n\n" + gettext(
                "[Files that came with this e-mail are not here. They can be added on the request's page.]"
            )
    room = MAX_TEXT - len(left_out)
    text = body.text if len(body.text) <= room else body.text[: room - len(_CUT)] + _CUT
    return (text + left_out).strip()


def _refused(mail: head.Head, person: User) -> Result | None:
    if mail.is_automatic:
        return Result.AUTOMATIC
    return None if mail.sender == person.email.lower() else Result.SENDER


def _spoken(row: InboundMail, request: LaunchRequest, person: User, text: str, now: datetime) -> Result:
    """An answer while one is awaited of this person, else a comment. Whatever the text says, nothing is decided."""
    actor = Actor(person, Channel.EMAIL)
    verbs = [actions.comment]
    if is_requester(person, request) and request.state == State.NEEDS_INFO:
        verbs = [actions.answer, actions.comment]
    for verb in verbs:
        try:
            verb(request.pk, actor=actor, now=now, text=text, mail=row.pk)
        except Refused as refused:
            if refused.why is Why.TEXT_MISSING:
                return Result.EMPTY
            continue
        log.info("a mail became a message", mail=row.pk, request=request.number)
        return Result.TAKEN
    return Result.NOT_ALLOWED


def _settle(row: InboundMail, result: Result, now: datetime) -> Result:
    settled = InboundMail.objects.filter(pk=row.pk, result=Result.QUEUED).update(result=result)
    if settled:
        refuse(result.value, door=DOOR, now=now)
    return result
