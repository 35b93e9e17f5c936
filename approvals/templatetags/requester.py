"""What the requester's parts of a page need."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.conf import settings
from django.utils import translation

from approvals import badges, rules
from approvals import requester as side
from approvals.models import LaunchRequest
from portal.accounts.models import User

register = template.Library()


@register.simple_tag
def standing(launch: LaunchRequest, person: User, now: datetime) -> dict[str, Any]:
    """Empty for whoever has no part in the launch."""
    return side.standing(launch, person, now) if rules.is_own(person, launch) else {}


@register.inclusion_tag("approvals/requester/badge.html")
def badge_offer(launch: LaunchRequest) -> dict[str, Any]:
    """The badge, and what to paste into a wiki. For pages of people who may see the request."""
    page = settings.GATEHOUSE_DESK_URL + launch.get_absolute_url()
    url, language = badges.url_of(launch), translation.get_language()
    return {"launch": launch, "url": url, "path": urlsplit(url).path, "page": page, "language": language}
