from __future__ import annotations

from django.conf import settings
from django.db import models

from approvals.choices import AlarmCode
from approvals.models.requests import LaunchRequest


class Alarm(models.Model):
    """Something an administrator must look at. One per code and subject while it is open."""

    code = models.CharField(max_length=20, choices=AlarmCode.choices)
    request = models.ForeignKey(LaunchRequest, on_delete=models.PROTECT, related_name="alarms", null=True)
    stack_id = models.CharField(max_length=2048, blank=True)
    detail = models.TextField(blank=True)
    raised_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="acknowledged_alarms", null=True
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code", "stack_id"],
                condition=models.Q(acknowledged_at__isnull=True),
                name="one_open_alarm_per_subject",
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.stack_id}"
