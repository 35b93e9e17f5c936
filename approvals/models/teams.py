"""Teams and who is in them. *May decide* and *is notified* are two things (field.md 16)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Team(models.Model):
    name = models.CharField(_("name"), max_length=100, unique=True)
    is_default = models.BooleanField(
        _("default"), default=False, help_text=_("Requests that no policy routes elsewhere come here.")
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["is_default"], condition=models.Q(is_default=True), name="one_default_team")
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships")
    may_decide = models.BooleanField(_("may decide"), default=True)
    is_notified = models.BooleanField(_("is notified"), default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "person"], name="one_membership_per_team")]

    def __str__(self) -> str:
        return f"{self.person} in {self.team}"
