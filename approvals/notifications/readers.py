"""Who reads: their language, their zone, and what they are to the request a mail is about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.utils import formats, timezone, translation

from approvals.choices import NoticeCode
from approvals.models import LaunchRequest
from portal.accounts.models import User
from portal.templatetags.elements import moment


class Role(StrEnum):
    REQUESTER = "requester"
    DESK = "desk"
    ADMINISTRATOR = "administrator"


def role_of(reader: User, code: NoticeCode, request: LaunchRequest | None) -> Role:
    if code == NoticeCode.ALARM:
        return Role.ADMINISTRATOR
    is_requester = request is not None and request.requester_id is not None and request.requester_id == reader.pk
    return Role.REQUESTER if is_requester else Role.DESK


def zone_of(reader: User) -> ZoneInfo:
    try:
        return ZoneInfo(reader.time_zone or settings.TIME_ZONE)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(settings.TIME_ZONE)


@contextmanager
def as_read_by(reader: User) -> Iterator[None]:
    """Texts and times are the reader's until the end of the block."""
    with translation.override(reader.language or settings.LANGUAGE_CODE), timezone.override(zone_of(reader)):
        yield


def when(at: datetime) -> str:
    """A moment in the active language and zone, and which zone that is."""
    shown = moment(at)
    return f"{formats.date_format(shown['local'], 'DATE_FORMAT')} {shown['local']:%H:%M} {shown['zone']}"
