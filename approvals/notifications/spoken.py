"""The message of a conversation that a happening is about."""

from __future__ import annotations

from django.db.models import QuerySet

from approvals.models import Message, Notice


def message_of(notice: Notice) -> QuerySet[Message]:
    """It, or nothing. Of a happening at intake, `message` is what AWS called its message."""
    key = notice.event.params.get("message")
    return Message.objects.filter(pk=key, request=notice.request) if isinstance(key, int) else Message.objects.none()
