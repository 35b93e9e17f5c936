"""What came in and could not be taken."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Quarantined(models.Model):
    """A message nobody could understand, kept encrypted until an administrator resolves it or 14 days passed."""

    # sha256 of the body: the same message again is counted, not kept twice.
    digest = models.CharField(max_length=64, unique=True)
    body_encrypted = models.BinaryField(null=True)
    door = models.CharField(max_length=10)
    reason = models.CharField(max_length=300)
    topic_arn = models.CharField(max_length=2048, blank=True)
    received_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)
    resolved_at = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=20, blank=True)

    class Meta:
        indexes = [models.Index(fields=["-id"], condition=models.Q(resolved_at__isnull=True), name="quarantine_open")]

    def __str__(self) -> str:
        return f"quarantined {self.pk}"


class Refusal(models.Model):
    """Counts of what was turned away at a door, per day and reason. Nothing of the message is kept."""

    day = models.DateField()
    door = models.CharField(max_length=10)
    reason = models.CharField(max_length=40)
    times = models.PositiveIntegerField(default=0)

    objects: ClassVar[models.Manager[Refusal]] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "door", "reason"], name="one_count_per_day")]

    def __str__(self) -> str:
        return f"{self.times} × {self.reason}"
