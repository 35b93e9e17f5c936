"""Texts and times as one person reads them: their language, their zone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.utils import formats, timezone, translation
from django.utils.translation import gettext

from portal.accounts.models import User
from portal.templatetags.elements import moment


def zone_of(reader: User) -> ZoneInfo:
    """UTC where they chose nothing, or a zone this machine does not know any more."""
    try:
        return ZoneInfo(reader.time_zone or settings.TIME_ZONE)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(settings.TIME_ZONE)


@contextmanager
def as_read_by(reader: User) -> Iterator[None]:
    """Until the end of the block."""
    with translation.override(reader.language or settings.LANGUAGE_CODE), timezone.override(zone_of(reader)):
        yield


def when(at: datetime) -> str:
    """A moment in the active language and zone, and which zone that is: as pages show it (elements/moment.html)."""
    shown = moment(at)
    return f"{formats.date_format(shown['local'], gettext('j M Y, H:i'))} {shown['zone']}"
