"""Notice: one happening. Delivery: one message to one person through one channel. Both are outbox rows."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models

from approvals.choices import DeliveryChannel, DeliveryStatus, NoticeCode
from approvals.models.audit import AuditEvent
from approvals.models.requests import LaunchRequest


class Notice(models.Model):
    request = models.ForeignKey(LaunchRequest, on_delete=models.PROTECT, related_name="notices", null=True)
    event = models.ForeignKey(AuditEvent, on_delete=models.PROTECT, related_name="notices")
    code = models.CharField(max_length=12, choices=NoticeCode.choices)
    created_at = models.DateTimeField()
    fanned_out_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=models.Q(fanned_out_at__isnull=True), name="notice_to_fan_out")
        ]

    def __str__(self) -> str:
        return f"{self.code} of {self.request}"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def due(self, now: datetime) -> Self:
        return self.filter(status=DeliveryStatus.QUEUED, next_attempt_at__lte=now)

    def stuck(self, before: datetime) -> Self:
        return self.filter(status=DeliveryStatus.IN_FLIGHT, claimed_at__lt=before)


class Delivery(models.Model):
    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="deliveries")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="deliveries")
    channel = models.CharField(max_length=10, choices=DeliveryChannel.choices, default=DeliveryChannel.EMAIL)
    status = models.CharField(max_length=10, choices=DeliveryStatus.choices, default=DeliveryStatus.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    # Goes out with others in one mail, at the hour its person chose.
    in_digest = models.BooleanField(default=False, db_default=False)
    next_attempt_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    last_result = models.CharField(max_length=200, blank=True)

    objects: ClassVar[models.Manager[Delivery]] = DeliveryQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["notice", "person", "channel"], name="one_delivery_per_person")]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=models.Q(status="queued"), name="delivery_queued"),
            models.Index(fields=["claimed_at"], condition=models.Q(status="in_flight"), name="delivery_in_flight"),
            models.Index(
                fields=["person", "next_attempt_at"], condition=models.Q(status="queued"), name="delivery_of_person"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.notice} to {self.person}"
