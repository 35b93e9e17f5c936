"""The page of one request, put together: the facts, the parts that move, and the way back to the list."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from approvals import rules
from approvals.lifecycle import Action
from approvals.models import LaunchRequest
from approvals.review import presence, seen
from approvals.views import presenting
from approvals.views.base import PersonRequest
from approvals.views.live import Live, live
from approvals.views.way import way
from portal.accounts import stepup
from portal.clock import now

_PARTS = {
    "status": "approvals/parts/status.html",
    "presence": "approvals/parts/presence.html",
    "news": "approvals/parts/news.html",
    "conversation": "approvals/parts/conversation.html",
    "history": "approvals/parts/history.html",
}
_DECIDES = "decides"


def show(
    request: PersonRequest, launch: LaunchRequest, context: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """`context`: what this time is said beside what the page always says."""
    at = now()
    prefetch_related_objects([request.user], "principals")
    facts = presenting.facts(launch, request.user, at)
    facts["proven"] = stepup.is_fresh(request)
    if facts["decides"]:
        presence.first_seen(launch, at)
    facts |= way(request, launch, facts["here"], at)
    marks = {"since": facts["since"]} | ({_DECIDES: "1"} if facts["decides"] else {})
    parts = _parts(request, launch, at, marks, {})
    return render(request, "approvals/request.html", {**facts, "live": parts, **(context or {})}, status=status)


def renewed(request: PersonRequest, launch: LaunchRequest) -> Live:
    """The parts as they are now, with what has changed under a page that was shown before: its address carries the
    token of what it shows, and whether it has forms that decide."""
    at = now()
    prefetch_related_objects([request.user], "principals")
    marks = {name: request.GET[name] for name in ("since", _DECIDES) if name in request.GET}
    changes = seen.changes(launch, marks.get("since", ""), inside=not rules.is_own(request.user, launch))
    over = _over(request, launch, at) if _DECIDES in marks and launch.is_open else ""
    return _parts(request, launch, at, marks, {"changes": changes, "over": over})


def _parts(
    request: PersonRequest, launch: LaunchRequest, at: datetime, marks: dict[str, str], news: dict[str, Any]
) -> Live:
    context = {**presenting.moving(launch, request.user, at), **news}
    url = "" if presenting.at_rest(launch) else reverse("request_live", args=[launch.uuid])
    return live(request, _PARTS, context, url, **marks)


def _over(request: PersonRequest, launch: LaunchRequest, at: datetime) -> str:
    """Why whoever could decide when the page was made no longer can. Time runs out, and rights are taken away,
    without anything happening to the request."""
    why = rules.may(request.user, launch, Action.REJECT, at)
    return str(rules.refusal(why, launch).sentence) if why else ""
