"""Notice → Deliveries. The notice is marked in the transaction that makes them, so nobody is told twice."""

from __future__ import annotations

import time
from datetime import datetime

import structlog
from django.db import DatabaseError, transaction

from approvals.choices import DeliveryChannel
from approvals.models import Delivery, Notice
from approvals.notifications.recipients import recipients
from approvals.notifications.wishes import next_digest, waits_for_digest
from portal.accounts.models import User

BATCH = 200

log = structlog.get_logger(__name__)


def fan_out_all(now: datetime, seconds: float) -> None:
    """All that waits, batch by batch; what is not done in so many seconds is left to the next sweep."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and fan_out(now) and Notice.objects.filter(fanned_out_at__isnull=True).exists():
        continue


def fan_out(now: datetime) -> int:
    """Make the deliveries of up to BATCH notices that wait; how many deliveries that were."""
    made = 0
    for pk in Notice.objects.filter(fanned_out_at__isnull=True).order_by("pk").values_list("pk", flat=True)[:BATCH]:
        try:
            made += _one(pk, now)
        except DatabaseError:
            log.exception("notice not fanned out", notice=pk)
    return made


@transaction.atomic(durable=True)
def _one(pk: int, now: datetime) -> int:
    notice = (
        Notice.objects.select_related("event", "request")
        .select_for_update(of=("self",), skip_locked=True)
        .filter(pk=pk, fanned_out_at__isnull=True)
        .first()
    )
    if notice is None:
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
