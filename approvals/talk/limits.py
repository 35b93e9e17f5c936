"""How much may be said: the conversation of a request stays something that people read.

Invariant: asked under the row lock of the request, so nobody gets past a limit by doing several things at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Sum

from approvals.audit import Event
from approvals.errors import Refused, Why
from approvals.models import Attachment, AuditEvent, LaunchRequest, Message
from portal.accounts.models import User

HOURLY, PER_MESSAGE = 60, 20
FILES = 100 * 1024 * 1024
_SAYING = (Event.ASKED, Event.ANSWERED, Event.COMMENTED, Event.NOTED, Event.EDITED)


def demand_for_message(launch: LaunchRequest, person: User, now: datetime, size: int = 0) -> None:
    """Raises Refused where this person has said enough for an hour, or files of `size` bytes find no room."""
    _demand_patience(launch, person, now)
    if not size:
        return
    there = Attachment.objects.filter(message__request=launch).aggregate(size=Sum("size"))["size"] or 0
    if there + size > FILES:
        raise Refused(Why.FILES_FULL, limit=FILES // 1024**2)


def demand_for_edit(message: Message, person: User, now: datetime) -> None:
    """Raises Refused where this person has said enough for an hour, or the message was changed too often."""
    if message.revisions.count() >= PER_MESSAGE:
        raise Refused(Why.EDITED_TOO_OFTEN, limit=PER_MESSAGE)
    _demand_patience(message.request, person, now)


def _demand_patience(launch: LaunchRequest, person: User, now: datetime) -> None:
    said = AuditEvent.objects.filter(
        chain__request=launch, actor=person, code__in=_SAYING, at__gt=now - timedelta(hours=1)
    )
    if said.count() >= HOURLY:
        raise Refused(Why.SAID_TOO_MUCH, limit=HOURLY)
