"""Hold: what CloudFormation waits on. Signal: what we tell it, once."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.db import models

from approvals.choices import HoldKind, HoldStatus, SignalStatus, Verdict
from approvals.models.requests import LaunchRequest


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
            )
        ]

    def __str__(self) -> str:
        return f"hold of {self.request}"


class SignalQuerySet(models.QuerySet["Signal"]):
    def due(self, now: datetime) -> Self:
        return self.filter(status=SignalStatus.QUEUED, next_attempt_at__lte=now)

    def stuck(self, before: datetime) -> Self:
        """In flight for longer than a try can take: the worker that claimed them is gone."""
        return self.filter(status=SignalStatus.IN_FLIGHT, claimed_at__lt=before)


class Signal(models.Model):
    """One per hold. `body` is fixed at the first claim, so every try sends the same bytes and UniqueId."""

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
