"""What people wish: each mail at once, one a day at eight in the morning of their zone, or none.

Some mails no wish holds back: alarms, invitations, changes of the reader's account, and questions to the requester,
whose stack waits. The last reminder to decide waits for no digest, either, because tomorrow the launch is over; whoever
wishes no mails does not get it. A wish that changes while deliveries wait is heeded by the next sweep (`heed`): nothing
is lost, and what is no longer wanted is given up with that reason.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.db import transaction
from django.db.models import F, Q

from approvals.choices import DeliveryStatus, NoticeCode
from approvals.models import Delivery, Notice
from approvals.models.notices import DeliveryQuerySet
from portal.accounts.models import MailWish, User
from portal.accounts.reading import zone_of

HOUR = time(8)
# Of the ladder of reminders (approvals.reminders), in percent.
LAST_RUNG = 90
ALWAYS = frozenset({NoticeCode.ALARM, NoticeCode.ASKED, NoticeCode.INVITED, NoticeCode.RIGHTS})
NOT_WANTED = "not_wanted"
BATCH = 1000
# What is due this soon waits for no digest.
SOON = timedelta(minutes=2)


def is_always(notice: Notice, reader: User) -> bool:
    """Whether this mail comes whatever its reader wishes. A reminder to the requester is a question, too."""
    if notice.code in ALWAYS:
        return True
    own = notice.request is not None and notice.request.requester_id == reader.pk
    return notice.code == NoticeCode.REMINDED and own


def wanting(notice: Notice) -> Q:
    """People a notice may be sent to at all."""
    if notice.code in ALWAYS:
        return Q()
    wants = ~Q(mail_wish=MailWish.NONE)
    if notice.code == NoticeCode.REMINDED and notice.request is not None:
        return wants | Q(pk=notice.request.requester_id)
    return wants


def waits_for_digest(notice: Notice, reader: User) -> bool:
    return reader.mail_wish == MailWish.DIGEST and not (is_always(notice, reader) or is_last_call(notice))


def is_last_call(notice: Notice) -> bool:
    """Whether nobody is reminded of it again."""
    return notice.code == NoticeCode.REMINDED and notice.event.params.get("percent", 0) >= LAST_RUNG


def next_digest(reader: User, now: datetime) -> datetime:
    """The next eight o'clock where the reader is."""
    zone = zone_of(reader)
    day = now.astimezone(zone).date()
    today = datetime.combine(day, HOUR, tzinfo=zone)
    return today if today > now else datetime.combine(day + timedelta(days=1), HOUR, tzinfo=zone)


def heed(now: datetime) -> None:
    """Deliveries that wait for what their person no longer wishes: sent at once, or given up."""
    held = _waiting().filter(in_digest=True, attempts=0, next_attempt_at__gt=now + SOON)
    _change(held.filter(person__mail_wish=MailWish.EACH), in_digest=False, next_attempt_at=now)
    no_wish = ~Q(notice__code__in=ALWAYS) & ~Q(notice__code=NoticeCode.REMINDED, notice__request__requester=F("person"))
    unwanted = _waiting().filter(no_wish, person__mail_wish=MailWish.NONE)
    _change(unwanted, status=DeliveryStatus.GIVEN_UP, last_result=NOT_WANTED)


def _waiting() -> DeliveryQuerySet:
    return Delivery.objects.filter(status=DeliveryStatus.QUEUED)


@transaction.atomic(durable=True)
def _change(rows: DeliveryQuerySet, **values: object) -> None:
    pks = rows.select_for_update(of=("self",), skip_locked=True).values_list("pk", flat=True)[:BATCH]
    Delivery.objects.filter(pk__in=list(pks)).update(**values)
