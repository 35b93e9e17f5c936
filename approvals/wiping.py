"""Destroying what is no longer needed: URLs nobody will call again, and kept messages that were dealt with."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from approvals.choices import TERMINAL_STATES, SignalStatus
from approvals.intake import quarantine
from approvals.models import Hold

LONGEST_LIFE = timedelta(hours=24)


def wipe(now: datetime) -> int:
    """Wipe URLs that expired or whose request is closed with nothing left to send, and old kept messages.

    A signal that was given up keeps its URL until it expires: an administrator may have it sent again.
    """
    over = Q(request__state__in=TERMINAL_STATES, request__signal__in=(SignalStatus.NONE, SignalStatus.STORED))
    # A URL that does not say when it dies: no wait lasts longer than 12 hours (aws-facts §1.1).
    silent = Q(url_expires_at__isnull=True, opened_at__lte=now - LONGEST_LIFE)
    urls = Hold.objects.filter(Q(url_expires_at__lte=now) | silent | over, url_encrypted__isnull=False)
    return urls.update(url_encrypted=None, wiped_at=now) + quarantine.wipe(now)
