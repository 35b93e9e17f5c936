"""Notice → Deliveries. The notice is marked in the transaction that makes them, so nobody is told twice."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import DatabaseError, transaction

from approvals.choices import DeliveryChannel
from approvals.models import Delivery, Notice
from approvals.notifications.recipients import recipients

BATCH = 200

log = structlog.get_logger(__name__)


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
    made = Delivery.objects.bulk_create(
        [
            Delivery(notice=notice, person=person, channel=DeliveryChannel.EMAIL, next_attempt_at=now)
            for person in recipients(notice)
        ]
    )
    notice.fanned_out_at = now
    notice.save(update_fields=["fanned_out_at"])
    return len(made)
