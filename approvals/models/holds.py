"""Hold: what CloudFormation waits on. Signal: what we tell it, once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.db import models

from approvals.choices import HoldKind, HoldStatus, SignalStatus, Verdict
from approvals.models.requests import LaunchRequest

# What a URL that does not say when it dies is given (aws-facts §1.2: never more than a day).
URL_LIFE = timedelta(hours=24)


class Hold(models.Model):
    """The URL is a capability: encrypted here, decrypted only by the worker that sends the signal, and
    wiped when the request is closed and the signal settled, or when the URL has expired."""

    request = models.ForeignKey(LaunchRequest, on_delete=models.PROTECT, related_name="holds")
    kind = models.CharField(max_length=12, choices=HoldKind.choices, default=HoldKind.WAIT_HANDLE)
    status = models.CharField(max_length=10, choices=HoldStatus.choices, default=HoldStatus.OPEN)
    unusable_reason = models.CharField(max_length=300, blank=True)
    # sha256 over stack and the URL's path (approvals.awsurls): one wait, whoever announces it, however often.
    dedupe_key = models.CharField(max_length=64, unique=True)
    fingerprint = models.CharField(max_length=64)
    url_encrypted = models.BinaryField(null=True)
    url_sha256 = models.CharField(max_length=64)
    url_expires_at = models.DateTimeField(null=True)
    handle_logical_id = models.CharField(max_length=255, blank=True)
    wait_logical_id = models.CharField(max_length=255, blank=True)
    # Of a custom resource's response: what the answer must name (aws-facts §2).
    response_request_id = models.CharField(max_length=128, blank=True, default="", db_default="")
    physical_id = models.CharField(max_length=1024, blank=True, default="", db_default="")
    # Whether a link in a mail can decide too: then the shared table says who was first.
    email_decisions = models.BooleanField(default=False, db_default=False)
    timeout_seconds = models.PositiveIntegerField(null=True)
    opened_at = models.DateTimeField()
    deadline = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    wiped_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["request"], condition=models.Q(status="open"), name="one_open_hold_per_request"
            )
        ]
        indexes = [
            models.Index(
                fields=["url_expires_at"],
                condition=models.Q(url_encrypted__isnull=False),
                name="hold_to_wipe",
            ),
            models.Index(
                fields=["deadline"], condition=models.Q(status="open", kind="response"), name="hold_to_answer"
            ),
            # Lists ask of each row; there are few, and without it the planner would read all holds.
            models.Index(fields=["request"], condition=models.Q(status="unusable"), name="hold_unusable"),
        ]

    def __str__(self) -> str:
        return f"hold of {self.request}"

    @property
    def is_update(self) -> bool:
        """Whether CloudFormation waits for the answer of the gate's own custom resource."""
        return self.kind == HoldKind.RESPONSE


class SignalQuerySet(models.QuerySet["Signal"]):
    def due(self, now: datetime) -> Self:
        return self.filter(status=SignalStatus.QUEUED, next_attempt_at__lte=now)

    def stuck(self, before: datetime) -> Self:
        """In flight for longer than a try can take: the worker that claimed them is gone."""
        return self.filter(status=SignalStatus.IN_FLIGHT, claimed_at__lt=before)


class Signal(models.Model):
    """One per hold. `body` is fixed at the first claim, so every try sends the same bytes and UniqueId.

    The status `none` says that nothing is sent: somebody else's decision was recorded first.
    """

    hold = models.OneToOneField(Hold, on_delete=models.PROTECT, related_name="signal")
    request = models.ForeignKey(LaunchRequest, on_delete=models.PROTECT, related_name="signals")
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    reason = models.TextField(blank=True)
    unique_id = models.CharField(max_length=64, unique=True)
    status = models.CharField(max_length=10, choices=SignalStatus.choices, default=SignalStatus.QUEUED)
    body = models.BinaryField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    stored_at = models.DateTimeField(null=True)
    last_result = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()

    objects: ClassVar[models.Manager[Signal]] = SignalQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=models.Q(status="queued"), name="signal_queued"),
            models.Index(fields=["claimed_at"], condition=models.Q(status="in_flight"), name="signal_in_flight"),
            models.Index(fields=["-id"], condition=models.Q(status="given_up"), name="signal_given_up"),
        ]

    def __str__(self) -> str:
        return f"signal of {self.request}"

    @property
    def until(self) -> datetime:
        """When its URL is dead for certain."""
        return self.hold.url_expires_at or self.created_at + URL_LIFE

    @property
    def is_newest(self) -> bool:
        """A request's own word about signals is that of the last one; only updates tried again have several."""
        return not Signal.objects.filter(request=self.request_id, pk__gt=self.pk).exists()
