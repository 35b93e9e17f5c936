"""Destroying what is no longer needed: URLs nobody will call again, and kept messages that were dealt with."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from approvals.choices import TERMINAL_STATES, UNSENT
from approvals.intake import quarantine
from approvals.models import Hold
from approvals.models.holds import URL_LIFE


def wipe(now: datetime) -> int:
    """Wipe URLs that expired or whose request is closed with nothing left to send, and old kept messages.

    A signal that was given up keeps its URL until it expires: an administrator may have it sent again.
    """
    over = Q(request__state__in=TERMINAL_STATES) & ~Q(signal__status__in=UNSENT)
    silent = Q(url_expires_at__isnull=True, opened_at__lte=now - URL_LIFE)
    urls = Hold.objects.filter(Q(url_expires_at__lte=now) | silent | over, url_encrypted__isnull=False)
    return urls.update(url_encrypted=None, wiped_at=now) + quarantine.wipe(now)
