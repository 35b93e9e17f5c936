"""The audit trail's rows. `approvals.audit` writes them; a trigger and the application role's missing
right keep anyone from changing them."""

from __future__ import annotations

from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models

from approvals.models.requests import LaunchRequest


class AuditChainQuerySet(models.QuerySet["AuditChain"]):
    def grown(self) -> Self:
        return self.filter(length__gt=models.F("checkpointed"))


class AuditChain(models.Model):
    """One subject's chain and its head. The row is the lock under which the chain grows."""

    request = models.OneToOneField(LaunchRequest, on_delete=models.PROTECT, related_name="audit_chain", null=True)
    subject = models.CharField(max_length=40, unique=True)
    length = models.PositiveIntegerField(default=0)
    head = models.CharField(max_length=64, blank=True)
    # The length that the last checkpoint covered.
    checkpointed = models.PositiveIntegerField(default=0)

    objects: ClassVar[models.Manager[AuditChain]] = AuditChainQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["id"],
                condition=models.Q(length__gt=models.F("checkpointed")),
                name="chain_to_checkpoint",
            )
        ]

    def __str__(self) -> str:
        return self.subject


class AuditEvent(models.Model):
    chain = models.ForeignKey(AuditChain, on_delete=models.PROTECT, related_name="events")
    number = models.PositiveIntegerField()
    code = models.CharField(max_length=40)
    # Hashed content: ids, codes, numbers and salted digests, never personal text.
    params = models.JSONField(default=dict)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="audit_events", null=True
    )
    on_behalf_of = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    channel = models.CharField(max_length=12)
    at = models.DateTimeField()
    previous = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ["chain", "number"]
        constraints = [models.UniqueConstraint(fields=["chain", "number"], name="one_event_per_number")]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.chain}#{self.number} {self.code}"


class AuditText(models.Model):
    """Personal text of an event, beside the chain. Redaction empties `text`; the digest in the chain stays valid."""

    event = models.ForeignKey(AuditEvent, on_delete=models.PROTECT, related_name="texts")
    name = models.CharField(max_length=40)
    salt = models.CharField(max_length=32)
    text = models.TextField(blank=True)
    redacted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "name"], name="one_text_per_name"),
            models.CheckConstraint(
                condition=models.Q(redacted_at__isnull=True) | models.Q(text=""), name="redacted_is_empty"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.event_id}"


class Checkpoint(models.Model):
    """Chains all new heads, so that a chain cut off at its end is seen too."""

    number = models.PositiveIntegerField(unique=True)
    heads = models.JSONField()
    at = models.DateTimeField()
    previous = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ["number"]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"checkpoint {self.number}"
