from __future__ import annotations

from django.conf import settings
from django.db import models

from approvals.choices import Channel, MessageKind
from approvals.models.requests import LaunchRequest


class Message(models.Model):
    """One line of the conversation. Notes are seen by the desk only."""

    request = models.ForeignKey(LaunchRequest, on_delete=models.PROTECT, related_name="messages")
    kind = models.CharField(max_length=10, choices=MessageKind.choices)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="messages")
    channel = models.CharField(max_length=12, choices=Channel.choices, default=Channel.DESK)
    text = models.TextField()
    written_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["request", "id"], name="message_thread")]

    def __str__(self) -> str:
        return f"{self.kind} in {self.request}"
