"""Digests: many deliveries of one person in one mail; claim → render and send → settle, as for single ones.

A bundle is what one claim takes: all that is due of one person, alarms apart from everything else. Its
token is the moment of the claim. A worker that dies leaves its bundle as it was, and whoever takes it over sends the
same mail under the same Message-ID. Also what would be a storm goes this way: more than MANY that are due for one
person (think of an outage).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db import connection, transaction
from django.db.models import F, Q

from approvals.choices import DeliveryChannel, DeliveryStatus, NoticeCode
from approvals.models import Delivery, Notice
from approvals.models.notices import DeliveryQuerySet
from approvals.notifications.channel import DeliveryError, PermanentError, TemporaryError
from approvals.notifications.channels import CHANNELS
from approvals.notifications.fanout import BATCH
from approvals.notifications.news import MAY_NOT_SEE, hidden, moot
from approvals.notifications.wishes import SOON
from approvals.outbox.crew import Piece
from approvals.retry import DELIVERY
from portal import clock
from portal.accounts.models import User

MANY = 20
TAKEOVER = timedelta(minutes=5)
# A digest waits for up to a day before it is first tried.
LIFE = timedelta(hours=48)
# While happenings still wait to be told to people, a storm is gathered for so long.
GATHER = timedelta(seconds=15)
# Rows that are read for one mail; of what is beyond only the number is told.
READ = 1000
_LOCK = 0x6D61_696C  # "mail": one claim of a person's bundle at a time
# A question to the requester is a mail of its own: it is what an answer by mail answers.
_ALONE = Q(notice__code=NoticeCode.ASKED)
_ALARM = Q(notice__code=NoticeCode.ALARM)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Bundle:
    """Keys of deliveries in the order they were made; `attempts` of the one tried most often."""

    person: User
    pks: list[int]
    claimed_at: datetime
    attempts: int


def take() -> Piece | None:
    """Claim one bundle; the piece of work tries it once and settles it. None when no bundle waits."""
    bundle = claim(clock.now())
    return partial(_send, bundle) if bundle else None


def is_storm(delivery: Delivery, now: datetime) -> bool:
    """Whether so much is due for its person that it becomes a bundle, which happens here. Inside the caller's
    transaction, which holds the delivery's lock; locks that others hold are not waited for."""
    if delivery.notice.code == NoticeCode.ASKED:
        return False
    due = _lane(delivery).filter(next_attempt_at__lte=now + SOON)
    if due.order_by("next_attempt_at")[: MANY + 1].count() <= MANY:
        return False
    pks = list(due.select_for_update(of=("self",), skip_locked=True).values_list("pk", flat=True))
    Delivery.objects.filter(pk__in=pks).update(in_digest=True, next_attempt_at=now + _gathering())
    return True


def _lane(delivery: Delivery) -> DeliveryQuerySet:
    """What may go in one mail with this delivery."""
    waiting = Delivery.objects.filter(status=DeliveryStatus.QUEUED, person=delivery.person_id).exclude(_ALONE)
    return waiting.filter(_ALARM) if delivery.notice.code == NoticeCode.ALARM else waiting.exclude(_ALARM)


def _gathering() -> timedelta:
    backlog = Notice.objects.filter(fanned_out_at__isnull=True).order_by("pk")[:BATCH].count()
    return GATHER if backlog == BATCH else timedelta(0)


@transaction.atomic(durable=True)
def claim(now: datetime) -> Bundle | None:
    """Take all that is due of one person, else the bundle of a worker that is gone."""
    due = Delivery.objects.due(now).filter(in_digest=True).order_by("next_attempt_at")
    stuck = Delivery.objects.stuck(now - TAKEOVER).filter(in_digest=True).order_by("claimed_at")
    for rows in (due, stuck):
        first = rows.first()
        if first is not None:
            _lock(first.person_id)
            # Whoever had the lock before may have taken them.
            mine = _together(first, now)
            if mine:
                return _claimed(first.person, mine, now)
    return None


def _together(first: Delivery, now: datetime) -> list[tuple[int, int]]:
    if first.status == DeliveryStatus.QUEUED:
        rows = _lane(first).filter(in_digest=True, next_attempt_at__lte=now)
    else:
        rows = Delivery.objects.filter(
            person=first.person_id, in_digest=True, status=DeliveryStatus.IN_FLIGHT, claimed_at=first.claimed_at
        )
    return list(rows.order_by("pk").select_for_update(of=("self",)).values_list("pk", "attempts"))


def _claimed(person: User, rows: list[tuple[int, int]], now: datetime) -> Bundle:
    pks = [pk for pk, _ in rows]
    Delivery.objects.filter(pk__in=pks).update(
        status=DeliveryStatus.IN_FLIGHT, claimed_at=now, attempts=F("attempts") + 1
    )
    return Bundle(person, pks, now, max(attempts for _, attempts in rows) + 1)


def _lock(person: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, person % 2**31])


def _send(bundle: Bundle) -> None:
    dropped: dict[int, str] = {}
    error: DeliveryError | None = None
    try:
        dropped = _try(bundle)
    except DeliveryError as failed:
        error = failed
    except Exception as failed:
        log.exception("digest not sent", person=bundle.person.pk)
        error = TemporaryError(type(failed).__name__)
    settle(bundle, error, clock.now(), dropped=dropped)


def _try(bundle: Bundle) -> dict[int, str]:
    """Send what is still news, if anything is; what is not, with the reason."""
    if not bundle.person.is_active:
        raise PermanentError("deactivated")
    listed = list(_readable(bundle.pks[-READ:]))
    unseen = hidden((one.notice for one in listed), bundle.person)
    dropped = {one.pk: MAY_NOT_SEE for one in listed if one.notice.request_id in unseen}
    dropped |= {one.pk: why for one in listed if one.pk not in dropped and (why := moot(one.notice, bundle.person))}
    fresh = [one for one in listed if one.pk not in dropped]
    if fresh:
        CHANNELS[DeliveryChannel(fresh[0].channel)].send_together(bundle.person, fresh, bundle.pks[:-READ])
    return dropped


def _readable(pks: Collection[int]) -> DeliveryQuerySet:
    """With everything a line of a digest needs, and without the large facts of its request."""
    related = ("person", "notice__event__actor", "notice__event__on_behalf_of", "notice__request__requester")
    large = ("parameters", "template", "stack_facts", "policy_trace", "search_terms")
    return (
        Delivery.objects.filter(pk__in=pks)
        .select_related(*related, "notice__request__granted_pass")
        .prefetch_related("notice__event__texts")
        .defer(*(f"notice__request__{name}" for name in large))
        .order_by("pk")
    )


@transaction.atomic(durable=True)
def settle(
    bundle: Bundle, error: DeliveryError | None, now: datetime, *, dropped: Mapping[int, str] | None = None
) -> None:
    """Write down what became of the try, unless another worker took the bundle over meanwhile."""
    ours = Delivery.objects.filter(
        pk__in=bundle.pks, status=DeliveryStatus.IN_FLIGHT, in_digest=True, claimed_at=bundle.claimed_at
    )
    held = set(ours.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    for why in set((dropped or {}).values()):
        these = held & {pk for pk, reason in (dropped or {}).items() if reason == why}
        Delivery.objects.filter(pk__in=these).update(
            status=DeliveryStatus.GIVEN_UP, last_result=why, next_attempt_at=now
        )
    again = error and DELIVERY.next_try(
        bundle.attempts, now=now, until=_until(bundle), permanent=isinstance(error, PermanentError)
    )
    failed = DeliveryStatus.QUEUED if again else DeliveryStatus.GIVEN_UP
    status = failed if error else DeliveryStatus.SENT
    Delivery.objects.filter(pk__in=held - set(dropped or {})).update(
        status=status,
        next_attempt_at=again or now,
        sent_at=now if error is None else None,
        last_result=str(error or "")[:200],
    )
    log.info("digest tried", person=bundle.person.pk, deliveries=len(held), status=status.value)


def _until(bundle: Bundle) -> datetime:
    newest = Notice.objects.filter(deliveries=bundle.pks[-1]).values_list("created_at", flat=True).get()
    return newest + LIFE
