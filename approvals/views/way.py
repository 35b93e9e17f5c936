"""The way from a request back to the list somebody came from, and on to what waits for them next."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from approvals.inbox.filters import Filters, of
from approvals.inbox.neighbours import neighbours
from approvals.models import LaunchRequest
from approvals.views.base import PersonRequest

_KEY = "desk"


def remember(request: PersonRequest, filters: Filters) -> None:
    """The list that the person looks at now, written down only where it is another one."""
    query = filters.query()
    if request.session.get(_KEY, "") != query:
        request.session[_KEY] = query


def way(request: PersonRequest, launch: LaunchRequest, here: str, at: datetime) -> dict[str, Any]:
    """As context for the page of the request. `here`: the part of the desk it stands in."""
    filters = of(request.session.get(_KEY, ""))
    query = filters.query() if here == "desk" else ""
    return {
        "back": reverse(here) + (f"?{query}" if query else ""),
        "neighbours": neighbours(request.user, filters, launch, at),
    }
