"""Whether a message may be edited: by its author, for half an hour, while its request is open."""

from __future__ import annotations

from datetime import datetime, timedelta

from approvals.errors import Why
from approvals.models import LaunchRequest, Message
from portal.accounts.models import User

WINDOW = timedelta(minutes=30)


def why_not(message: Message, launch: LaunchRequest, person: User, now: datetime) -> Why | None:
    """None when this person may edit it now. Whether they may see it, the caller has asked."""
    if message.author_id != person.pk or not person.is_active:
        return Why.NOT_ALLOWED
    over = now > message.written_at + WINDOW or not launch.is_open
    return Why.EDITING_OVER if over else None
