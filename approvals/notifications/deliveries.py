"""Sending deliveries: claim → render and send → settle; the pattern of `outbox.signals`.

A mail may be sent twice when a worker dies between the two, never lost; its Message-ID is the same both
times.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db import transaction

from approvals.choices import DeliveryChannel, DeliveryStatus
from approvals.models import Delivery
from approvals.notifications import bundles, wishes
from approvals.notifications.channel import DeliveryError, PermanentError, TemporaryError
from approvals.notifications.channels import CHANNELS
from approvals.notifications.fanout import fan_out_all
from approvals.notifications.news import MAY_NOT_SEE, hidden, moot
from approvals.outbox.crew import Crew, Piece
from approvals.retry import DELIVERY
from portal import clock

TAKEOVER = bundles.TAKEOVER
LIFE = timedelta(hours=24)
# Rendering is CPU; a stack that waits comes before a mail.
HANDS = 2
# Less than the beat's five.
FAN_OUT_SECONDS = 4.0

_NEEDED = ("person", "notice__event__actor", "notice__event__on_behalf_of", "notice__request")

log = structlog.get_logger(__name__)


def drain() -> None:
    """Fan out what happened, heed what people wish and have the deliveries that wait sent."""
    fan_out_all(clock.now(), FAN_OUT_SECONDS)
    wishes.heed(clock.now())
    crew.call()


def take() -> Piece | None:
    """Claim one delivery or digest; the piece of work tries it once and settles it. None when nothing waits."""
    delivery = claim(clock.now())
    return partial(_send, delivery) if delivery else bundles.take()


def _send(delivery: Delivery) -> None:
    try:
        _try(delivery)
    except DeliveryError as error:
        settle(delivery, error, clock.now())
    except Exception as error:
        # A template that fails for one reader must not keep the others waiting.
        log.exception("delivery not sent", delivery=delivery.pk)
        settle(delivery, TemporaryError(type(error).__name__), clock.now())
    else:
        settle(delivery, None, clock.now())


@transaction.atomic(durable=True)
def claim(now: datetime) -> Delivery | None:
    """Take one delivery that is due, else one whose worker is gone. What would be a storm becomes a digest."""
    while (delivery := _next(now)) and delivery.status == DeliveryStatus.QUEUED and bundles.is_storm(delivery, now):
        continue
    if delivery is not None:
        delivery.attempts += 1
        Delivery.objects.filter(pk=delivery.pk).update(
            status=DeliveryStatus.IN_FLIGHT, claimed_at=now, attempts=delivery.attempts
        )
    return delivery


def _next(now: datetime) -> Delivery | None:
    single = Delivery.objects.filter(in_digest=False)
    for rows in (
        single.due(now).order_by("next_attempt_at"),
        single.stuck(now - TAKEOVER).order_by("claimed_at"),
    ):
        # Without joins: with thousands due, and no statistics yet, they would be joined before one is taken.
        pk = rows.select_for_update(skip_locked=True).values_list("pk", flat=True).first()
        if pk is not None:
            return Delivery.objects.select_related(*_NEEDED).get(pk=pk)
    return None


def _try(delivery: Delivery) -> None:
    if not delivery.person.is_active:
        raise PermanentError("deactivated")
    if hidden([delivery.notice], delivery.person):
        raise PermanentError(MAY_NOT_SEE)
    if why := moot(delivery.notice, delivery.person):
        raise PermanentError(why)
    CHANNELS[DeliveryChannel(delivery.channel)].send(delivery)


def settle(delivery: Delivery, error: DeliveryError | None, now: datetime) -> None:
    """Write down what became of the try, unless another worker took the delivery over meanwhile."""
    again = error and DELIVERY.next_try(
        delivery.attempts,
        now=now,
        until=delivery.notice.created_at + LIFE,
        permanent=isinstance(error, PermanentError),
    )
    failed = DeliveryStatus.QUEUED if again else DeliveryStatus.GIVEN_UP
    status = failed if error else DeliveryStatus.SENT
    Delivery.objects.filter(pk=delivery.pk, status=DeliveryStatus.IN_FLIGHT, attempts=delivery.attempts).update(
        status=status,
        next_attempt_at=again or now,
        sent_at=now if error is None else None,
        last_result=str(error or "")[:200],
    )
    log.info("delivery tried", delivery=delivery.pk, status=status.value, result=str(error or "sent"))


crew = Crew("deliveries", HANDS, take)
