"""Notice → Deliveries. The notice is marked in the transaction that makes them, so nobody is told twice."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet

from approvals.choices import DeliveryChannel, NoticeCode, ReadingStatus
from approvals.models import Delivery, Notice, TemplateReading
from approvals.notifications.recipients import recipients
from approvals.notifications.wishes import next_digest, waits_for_digest
from portal.accounts.models import User

BATCH = 200
# How long the mail about a launch waits for what is read of its template, which takes seconds.
PATIENCE = timedelta(seconds=20)

log = structlog.get_logger(__name__)


def fan_out_all(now: datetime, seconds: float) -> None:
    """All that waits, batch by batch; what is not done in so many seconds is left to the next sweep.

    A launch that has just come waits a moment for its template to be read: its mail says what is risky.
    """
    until, since = time.monotonic() + seconds, now - PATIENCE
    while time.monotonic() < until and fan_out(now, since) and _waiting(since).exists():
        continue


def _waiting(since: datetime | None) -> QuerySet[Notice]:
    waiting = Notice.objects.filter(fanned_out_at__isnull=True)
    reading = TemplateReading.objects.filter(status__in=(ReadingStatus.QUEUED, ReadingStatus.IN_FLIGHT))
    new = Q(code=NoticeCode.OPENED, created_at__gt=since, request__in=reading.values("request"))
    return waiting if since is None else waiting.exclude(new)


def fan_out(now: datetime, since: datetime | None = None) -> int:
    """Make the deliveries of up to BATCH notices that wait; how many deliveries that were. `since`: launches that
    came after it wait for their reading."""
    made = 0
    for pk in _waiting(since).order_by("pk").values_list("pk", flat=True)[:BATCH]:
        try:
            made += _one(pk, now)
        except DatabaseError:
            log.exception("notice not fanned out", notice=pk)
    return made


@transaction.atomic(durable=True)
def _one(pk: int, now: datetime) -> int:
    # Those of one happening together: whom the one tells, the other does not tell again.
    event = Notice.objects.only("event_id").get(pk=pk).event_id
    together = Notice.objects.select_for_update(of=("self",)).filter(event=event).order_by("pk")
    notice = next((one for one in together.select_related("event", "request") if one.pk == pk), None)
    if notice is None or notice.fanned_out_at is not None:
        return 0
    made = Delivery.objects.bulk_create([_delivery(notice, person, now) for person in recipients(notice)])
    notice.fanned_out_at = now
    notice.save(update_fields=["fanned_out_at"])
    return len(made)


def _delivery(notice: Notice, person: User, now: datetime) -> Delivery:
    held = waits_for_digest(notice, person)
    return Delivery(
        notice=notice,
        person=person,
        channel=DeliveryChannel.EMAIL,
        in_digest=held,
        next_attempt_at=next_digest(person, now) if held else now,
    )
