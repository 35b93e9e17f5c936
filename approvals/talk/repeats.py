"""A form that was sent twice says its message once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from approvals.choices import MessageKind
from approvals.models import LaunchRequest, Message
from portal.accounts.models import User

_AT_ONCE = timedelta(minutes=1)


def repeated(
    launch: LaunchRequest, person: User, kind: MessageKind, text: str, sizes: Iterable[int], now: datetime
) -> Message | None:
    """What this person said last, if it was this, with files of these sizes, a moment ago."""
    last = launch.messages.filter(author=person, written_at__gt=now - _AT_ONCE).order_by("-pk").first()
    if last is None or (last.kind, last.text) != (kind, text):
        return None
    there = last.attachments.order_by("size").values_list("size", flat=True)
    return last if list(there) == sorted(sizes) else None
