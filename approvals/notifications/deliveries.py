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
from approvals.notifications.channel import Channel, DeliveryError, PermanentError, TemporaryError
from approvals.notifications.content import overtaken
from approvals.notifications.email import EmailChannel
from approvals.notifications.fanout import fan_out
from approvals.outbox.crew import Crew, Piece
from approvals.retry import DELIVERY
from portal import clock

TAKEOVER = timedelta(minutes=5)
LIFE = timedelta(hours=24)
# Rendering is CPU; a stack that waits comes before a mail.
HANDS = 2

CHANNELS: dict[DeliveryChannel, Channel] = {DeliveryChannel.EMAIL: EmailChannel()}

log = structlog.get_logger(__name__)


def drain() -> None:
    """Fan out what happened and have the deliveries that wait sent; returns at once."""
    fan_out(clock.now())
    crew.call()


def take() -> Piece | None:
    """Claim one delivery; the piece of work tries it once and settles it. None when no delivery waits."""
    delivery = claim(clock.now())
    return partial(_send, delivery) if delivery else None


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
    """Take one delivery that is due, else one whose worker is gone."""
    for rows in (
        Delivery.objects.due(now).order_by("next_attempt_at"),
        Delivery.objects.stuck(now - TAKEOVER).order_by("claimed_at"),
    ):
        delivery = (
            rows.select_related("person", "notice__event__actor", "notice__event__on_behalf_of", "notice__request")
            .select_for_update(skip_locked=True, of=("self",))
            .first()
        )
        if delivery is not None:
            delivery.attempts += 1
            Delivery.objects.filter(pk=delivery.pk).update(
                status=DeliveryStatus.IN_FLIGHT, claimed_at=now, attempts=delivery.attempts
            )
            return delivery
    return None


def _try(delivery: Delivery) -> None:
    if not delivery.person.is_active:
        raise PermanentError("deactivated")
    if overtaken(delivery.notice):
        raise PermanentError("overtaken")
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
