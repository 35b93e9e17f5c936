"""TemplateReading: what the desk knows of a launch's template. The worker writes it, pages only read it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from approvals.choices import ReadingStatus, WhyNot
from approvals.models.requests import LaunchRequest
from catalog.models import Template


class TemplateReadingQuerySet(models.QuerySet["TemplateReading"]):
    def due(self, now: datetime) -> Self:
        return self.filter(status=ReadingStatus.QUEUED, next_attempt_at__lte=now)

    def stuck(self, before: datetime) -> Self:
        return self.filter(status=ReadingStatus.IN_FLIGHT, claimed_at__lt=before)

    def unlinted(self, before: datetime, tries: int) -> Self:
        """Read, but cfn-lint has said nothing yet, and nobody has been asking it since `before`."""
        free = Q(lint_claimed_at__isnull=True) | Q(lint_claimed_at__lt=before)
        return self.filter(free, status=ReadingStatus.READ, lint__isnull=True, lint_attempts__lt=tries)


class TemplateReading(models.Model):
    """One per request. `digest` and `lint` are catalog.reading's kept forms; `difference` is that from
    `previous`, the stack's launch before this update. `lint` is null until cfn-lint has spoken."""

    request = models.OneToOneField(LaunchRequest, on_delete=models.PROTECT, related_name="reading")
    status = models.CharField(max_length=10, choices=ReadingStatus.choices, default=ReadingStatus.QUEUED)
    why_not = models.CharField(max_length=12, choices=WhyNot.choices, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    # Workers and processes lost over it, and errors nobody thought of; waiting for AWS is none of them.
    failures = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="+", null=True)
    digest = models.JSONField(default=dict, blank=True)
    previous = models.ForeignKey(LaunchRequest, on_delete=models.PROTECT, related_name="+", null=True)
    difference = models.JSONField(null=True)
    estimate_url = models.CharField(max_length=1000, blank=True)

    lint = models.JSONField(null=True)
    lint_attempts = models.PositiveIntegerField(default=0)
    lint_claimed_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[TemplateReading]] = TemplateReadingQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(status="queued"), name="reading_queued"),
            models.Index(fields=["claimed_at"], condition=Q(status="in_flight"), name="reading_in_flight"),
            models.Index(fields=["id"], condition=Q(status="read", lint__isnull=True), name="reading_to_lint"),
        ]

    def __str__(self) -> str:
        return f"template of {self.request}"
