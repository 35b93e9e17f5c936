"""Lists: the desk (what waits for a decision) and a person's own requests."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Prefetch
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from approvals.choices import TERMINAL_STATES, HoldStatus, State
from approvals.context import sections_of
from approvals.models import Hold, LaunchRequest
from approvals.views.base import PersonRequest, for_people
from approvals.views.live import Live, answer, live, poll
from approvals.views.paging import newest_first, soonest_first
from portal.clock import now


@require_safe
@for_people
def home(request: PersonRequest) -> HttpResponse:
    """Everybody starts where their work is."""
    sections = sections_of(request.user)
    return redirect(next(name for name in ("desk", "requests") if name in sections))


@require_safe
@for_people
def desk(request: PersonRequest) -> HttpResponse:
    closed = _for_the_desk(request).filter(state__in=TERMINAL_STATES).select_related("requester")
    context = {
        "here": "desk",
        "live": _waiting(request),
        "closed": newest_first(closed, request.GET.get("before", "")),
        "now": now(),
    }
    return render(request, "approvals/desk.html", context)


@require_safe
@for_people
@poll
def desk_live(request: PersonRequest) -> HttpResponse:
    return answer(request, _waiting(request))


@require_safe
@for_people
def requests(request: PersonRequest) -> HttpResponse:
    # A list has no use for what opens a wait.
    holds = Prefetch("holds", Hold.objects.defer("url_encrypted"))
    own = LaunchRequest.objects.listed().for_requester(request.user).prefetch_related(holds)
    page = newest_first(own, request.GET.get("before", ""))
    return render(request, "approvals/requests.html", {"here": "requests", "page": page, "now": now()})


def _for_the_desk(request: PersonRequest) -> Any:
    """Approvers see the requests of their teams, auditors and administrators all; nobody else has a desk."""
    if "desk" not in sections_of(request.user):
        raise Http404
    if request.user.is_auditor or request.user.is_administrator:
        return LaunchRequest.objects.listed().visible_to(request.user)
    return LaunchRequest.objects.listed().routed_to(request.user)


def _waiting(request: PersonRequest) -> Live:
    asked = {name: request.GET[name] for name in ("after", "asked_after") if name in request.GET}
    unusable = Hold.objects.filter(request=OuterRef("pk"), status=HoldStatus.UNUSABLE)
    waiting = _for_the_desk(request).select_related("requester").annotate(is_unusable=Exists(unusable))
    context = {
        "pending": soonest_first(waiting.filter(state=State.PENDING), asked.get("after", ""), "after"),
        "needs_info": soonest_first(
            waiting.filter(state=State.NEEDS_INFO), asked.get("asked_after", ""), "asked_after"
        ),
        "now": now(),
    }
    return live(request, {"waiting": "approvals/parts/waiting.html"}, context, reverse("desk_live"), **asked)
