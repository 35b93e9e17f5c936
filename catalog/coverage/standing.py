"""How a version stands in the catalogue: whether people can launch it, only update to it, or neither."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.models import Version


class Standing(models.TextChoices):
    """`look` and `icon` are those of its badge."""

    ACTIVE = "active", _("Active")
    DEPRECATED = "deprecated", _("Deprecated")
    INACTIVE = "inactive", _("Inactive")
    REMOVED = "removed", _("Gone")

    @property
    def look(self) -> str:
        return {"active": "good", "deprecated": "wait"}.get(self.value, "quiet")

    @property
    def icon(self) -> str:
        return {"active": "check", "deprecated": "clock"}.get(self.value, "cross")

    @property
    def is_offered(self) -> bool:
        """A launch or an update can choose it (aws-facts §3.2: only an inactive one is closed)."""
        return self in (Standing.ACTIVE, Standing.DEPRECATED)


def standing_of(version: Version) -> Standing:
    if version.removed_at is not None:
        return Standing.REMOVED
    if not version.active:
        return Standing.INACTIVE
    return Standing.DEPRECATED if version.guidance == Version.DEPRECATED else Standing.ACTIVE
