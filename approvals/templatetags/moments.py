"""Times as people say them."""

from __future__ import annotations

from datetime import datetime

from django import template

from portal.templatetags.elements import span

register = template.Library()


@register.filter
def elapsed(since: datetime, now: datetime) -> str:
    """How long that has been: "3 minutes"."""
    return span(now - since)
