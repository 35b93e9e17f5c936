"""The desk: the inbox with its tabs, and what a person keeps of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from approvals.inbox import listing, offering, searching
from approvals.inbox.filters import Filters, of, read
from approvals.inbox.listing import Listing
from approvals.inbox.saved import MOST as MOST_VIEWS
from approvals.inbox.saved import TooMany, ViewForm, save
from approvals.inbox.tabs import Tab
from approvals.models import LaunchRequest, Membership, SavedView
from approvals.models.requests import LaunchRequestQuerySet
from approvals.views import way
from approvals.views.base import PersonRequest, for_people
from approvals.views.live import Live, poll
from portal.accounts.models import User
from portal.clock import now

_CURSORS = ("before", "after", "asked_after")


@require_safe
@for_people
def page(request: PersonRequest) -> HttpResponse:
    (seen, decides), filters = for_the_desk(request.user), read(request.GET)
    if (tidy := _without_empty(request)) is not None:
        return redirect(tidy)
    way.remember(request, filters)
    found = _found(request, seen, filters)
    offered = offering.choices(seen, filters)
    context = {
        "here": "desk",
        "filters": filters,
        "choices": [choice for choice in offered if choice.options],
        "chips": offering.chips(filters, offered),
        "views": SavedView.objects.filter(person=request.user)[:MOST_VIEWS],
        "query": filters.query(),
        "decides": decides and filters.tab is Tab.WAITING,
        "elsewhere": _elsewhere(seen, found),
        "bare": found.is_empty and not filters.values and filters.tab is Tab.WAITING,
        "live": _live(request, found, decides=decides),
    }
    return render(request, "approvals/desk.html", context)


@require_safe
@for_people
@poll
def page_live(request: PersonRequest) -> HttpResponse:
    seen, decides = for_the_desk(request.user)
    found = _found(request, seen, read(request.GET))
    if found.token == request.GET.get("seen"):
        return HttpResponse(status=204)
    return render(request, "elements/live.html", {"live": _live(request, found, decides=decides)})


@require_POST
@for_people
def keep_view(request: PersonRequest) -> HttpResponse:
    """Name the filters of the list the person looks at."""
    for_the_desk(request.user)
    form = ViewForm(request.POST)
    if not form.is_valid():
        messages.error(request, _unsaved(form))
        return _back(request.POST.get("query", ""))
    try:
        view = save(request.user, form.cleaned_data["name"], form.cleaned_data["query"])
    except TooMany:
        messages.error(request, str(TooMany.sentence) % {"most": MOST_VIEWS})
    else:
        messages.success(request, _("The view “%(name)s” is saved.") % {"name": view.name})
    return _back(form.cleaned_data["query"])


@require_POST
@for_people
def drop_view(request: PersonRequest, pk: int) -> HttpResponse:
    view = get_object_or_404(SavedView, pk=pk, person=request.user)
    view.delete()
    messages.success(request, _("The view “%(name)s” is deleted.") % {"name": view.name})
    return _back(request.POST.get("query", ""))


def for_the_desk(person: User) -> tuple[LaunchRequestQuerySet, bool]:
    """What the person's desk holds, and whether they are an approver. Approvers see the requests of their teams,
    auditors and administrators all; nobody else has a desk."""
    teams = list(Membership.objects.filter(person=person, may_decide=True).values_list("team_id", flat=True))
    if person.is_auditor or person.is_administrator:
        return LaunchRequest.objects.visible_to(person), bool(teams)
    if not (person.is_active and teams):
        raise Http404
    return LaunchRequest.objects.of_teams(teams), True


def _without_empty(request: PersonRequest) -> str | None:
    """The address without what the filters' form sends for every filter that is not set; None where it is so."""
    said = [(name, value) for name, values in request.GET.lists() for value in values]
    kept = [(name, value) for name, value in said if value.strip()]
    if len(kept) == len(said):
        return None
    return f"{reverse('desk')}?{urlencode(kept)}" if kept else reverse("desk")


def _elsewhere(seen: LaunchRequestQuerySet, found: Listing) -> tuple[LaunchRequest, Tab] | None:
    """The request whose number was searched for and which this list does not show, with the tab it stands in."""
    pk = searching.number(found.filters.values.get("q", ""))
    if pk is None or any(row.pk == pk for page in found.pages for row in page.rows):
        return None
    launch = seen.listed().filter(pk=pk).first()
    return (launch, next(tab for tab in Tab if launch.state in tab.states)) if launch else None


def _found(request: PersonRequest, seen: LaunchRequestQuerySet, filters: Filters) -> Listing:
    cursors = {name: request.GET[name] for name in _CURSORS if request.GET.get(name)}
    return listing.listing(request.user, seen, filters, cursors, now())


def _live(request: PersonRequest, found: Listing, *, decides: bool) -> Live:
    """The list and the counts on its tabs."""
    filters, waits = found.filters, found.filters.tab is Tab.WAITING
    context = {
        "list": found,
        "tabs": [_tab(found, tab) for tab in Tab],
        "filters": filters,
        "query": filters.query(),
        "everywhere": filters.on(Tab.ALL).query(),
        "now": found.at,
        "waits": waits,
        "decides": decides and waits,
    }
    names = {"inbox": "approvals/parts/inbox_list.html", "tabs": "approvals/parts/inbox_tabs.html"}
    parts = {name: render_to_string(template, context, request) for name, template in names.items()}
    return Live(parts, f"{reverse('desk_live')}?{filters.query(**found.cursors, seen=found.token)}")


def _tab(found: Listing, tab: Tab) -> dict[str, Any]:
    here = tab is found.filters.tab
    return {"label": tab.label, "query": found.filters.on(tab).query(), "count": found.counts[tab], "here": here}


def _back(query: str) -> HttpResponse:
    """To the list; only what the inbox understands comes into the address."""
    known = of(query).query()
    return redirect(f"{reverse('desk')}?{known}" if known else "desk")


def _unsaved(form: ViewForm) -> str:
    if "query" in form.errors:
        return _("These filters are too long to be kept. Take some words out; nothing was saved.")
    return _("A view needs a name of at most 60 characters. Nothing was saved.")
