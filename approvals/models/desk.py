"""What people keep at the desk for their work: saved views, who is looking, what is sensitive, canned reasons."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from approvals.models.requests import LaunchRequest


class SavedView(models.Model):
    """A person's name for a set of filters. `query` is the query string of the inbox."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="saved_views")
    name = models.CharField(_("name"), max_length=60)
    query = models.CharField(max_length=1000)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["person", "name"], name="one_view_per_name")]

    def __str__(self) -> str:
        return self.name


class Presence(models.Model):
    """Who has a request open, and until when we know it."""

    request = models.ForeignKey(LaunchRequest, on_delete=models.CASCADE, related_name="presences")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="presences")
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request", "person"], name="one_presence_per_person")]

    def __str__(self) -> str:
        return f"{self.person} at {self.request}"


class Sensitivity(models.Model):
    """A product or an account whose launches wear a banner and are approved only by typing its name."""

    class Subject(models.TextChoices):
        PRODUCT = "product", _("Product")
        ACCOUNT = "account", _("Account")

    subject = models.CharField(max_length=10, choices=Subject.choices)
    value = models.CharField(max_length=100)
    name = models.CharField(_("name to type"), max_length=100)
    why = models.CharField(_("why"), max_length=300, blank=True)

    class Meta:
        ordering = ["subject", "name"]
        constraints = [models.UniqueConstraint(fields=["subject", "value"], name="one_sensitivity_per_subject")]

    def __str__(self) -> str:
        return self.name


class CannedReason(models.Model):
    """A reason for a rejection that nobody has to type again."""

    label = models.CharField(_("label"), max_length=60, unique=True)
    text = models.TextField(_("text"), max_length=1000)

    class Meta:
        ordering = ["label"]

    def __str__(self) -> str:
        return self.label
