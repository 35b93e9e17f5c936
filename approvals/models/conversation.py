"""The conversation about a request: messages with their earlier texts, whom they name, and files."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from approvals.choices import Channel, MessageKind
from approvals.models.requests import LaunchRequest
from portal.accounts.models import User


class Message(models.Model):
    """One contribution, in Markdown. Notes are seen by the desk only. `mentioned`: whom it names and tells."""

    request = models.ForeignKey(LaunchRequest, on_delete=models.PROTECT, related_name="messages")
    kind = models.CharField(max_length=10, choices=MessageKind.choices)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="messages")
    channel = models.CharField(max_length=12, choices=Channel.choices, default=Channel.DESK)
    text = models.TextField()
    written_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)
    mentioned: models.ManyToManyField[User, models.Model] = models.ManyToManyField(
        settings.AUTH_USER_MODEL, related_name="mentions", blank=True
    )

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["request", "id"], name="message_thread")]

    def __str__(self) -> str:
        return f"{self.kind} in {self.request}"


class Revision(models.Model):
    """What a message said before it was edited. `written_at`: when it began to say so."""

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="revisions")
    text = models.TextField()
    written_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"earlier {self.message}"


class Attachment(models.Model):
    """A file of a message. `name` is what the person called it, `stored_as` the key in storage, size in bytes."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="attachments")
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    stored_as = models.CharField(max_length=200, unique=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class InboundMail(models.Model):
    """A mail that reached the desk's address, whatever became of it. `key`: where its raw text was stored, once;
    `request` and `person`: for whom the address was made; `result`: approvals.replies.results."""

    key = models.CharField(max_length=1024, unique=True)
    result = models.CharField(max_length=40)
    request = models.ForeignKey(LaunchRequest, on_delete=models.PROTECT, related_name="mails", null=True)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="mails", null=True)
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="mails", null=True)
    received_at = models.DateTimeField(db_index=True)
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    next_attempt_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=models.Q(result="queued"), name="inbound_mail_queued"),
            models.Index(fields=["person", "received_at"], name="inbound_mail_person"),
        ]

    def __str__(self) -> str:
        return f"{self.result}: {self.key}"
