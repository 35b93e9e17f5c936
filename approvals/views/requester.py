"""A person's own requests: what waits for them first, then what is open, then what is closed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef, Prefetch, Q, prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from approvals import paging
from approvals.choices import TERMINAL_STATES, MessageKind, Outcome, State
from approvals.inbox.searching import search
from approvals.models import Hold, LaunchRequest, Message, Vote
from approvals.models.requests import LaunchRequestQuerySet
from approvals.paging import Page, newest_first, soonest_first
from approvals.requester.deciders import Team, teams_of
from approvals.requester.journey import Step, journey
from approvals.views.base import PersonRequest, for_people
from approvals.views.live import Live, answer, live, poll
from portal.accounts.models import User
from portal.clock import now

OPEN, CLOSED = "open", "closed"
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Card:
    """One launch as its requester sees it. `question`: what they are asked, while it waits for their answer."""

    launch: LaunchRequest
    journey: list[Step]
    teams: list[Team]
    question: Message | None


@dataclass(frozen=True, slots=True)
class Section:
    """`older`, `first`: query strings of the next page and of the first."""

    name: str
    title: str | Promise
    cards: list[Card]
    older: str
    first: str
    newer: bool


_SECTIONS = {
    "asked": (_("Waiting for your answer"), OPEN, Q(state=State.NEEDS_INFO)),
    "open": (_("Waiting for a decision"), OPEN, Q(state=State.PENDING)),
    "closed": (_("Decided and closed"), CLOSED, Q(state__in=TERMINAL_STATES)),
}


@require_safe
@for_people
def mine(request: PersonRequest) -> HttpResponse:
    asked, at = _asked(request), now()
    sections = _sections(request.user, asked, at)
    context = {
        "here": "requests",
        "live": _live(request, asked, sections, at),
        "show": asked.get("show", ""),
        "q": asked.get("q", ""),
        "query": urlencode({"q": asked["q"]}) if "q" in asked else "",
        "bare": not sections and not asked,
    }
    return render(request, "approvals/requests.html", context)


@require_safe
@for_people
@poll
def mine_live(request: PersonRequest) -> HttpResponse:
    asked, at = _asked(request), now()
    return answer(request, _live(request, asked, _sections(request.user, asked, at), at))


def _asked(request: PersonRequest) -> dict[str, str]:
    """What the address asks for, as far as it makes sense; nothing empty."""
    show = request.GET.get("show", "")
    found = {
        "show": show if show in (OPEN, CLOSED) else "",
        "q": " ".join(request.GET.get("q", "").replace("\0", "").split())[:_LONGEST],
        **{name: request.GET.get(name, "") for name in _SECTIONS},
    }
    return {name: value for name, value in found.items() if value}


def _live(request: PersonRequest, asked: dict[str, str], sections: list[Section], at: datetime) -> Live:
    """Asks again while anything shown still moves, and where the first launch is awaited."""
    moves = not sections or any(_moves(card.launch) for section in sections for card in section.cards)
    context = {"sections": sections, "now": at, "filtered": bool(asked.keys() & {"show", "q"})}
    templates = {"mine": "approvals/requester/list.html"}
    return live(request, templates, context, reverse("requests_live") if moves else "", **asked)


def _moves(launch: LaunchRequest) -> bool:
    return launch.is_open or launch.outcome in (Outcome.WAITING, Outcome.RELEASED)


def _sections(person: User, asked: dict[str, str], at: datetime) -> list[Section]:
    """Those that have something to show. A page that is not the first shows its own section alone."""
    kept: dict[str, str] = {name: asked[name] for name in ("show", "q") if name in asked}
    own = _own(person, asked.get("q", ""))
    cursors = asked.keys() & _SECTIONS.keys()
    pages = {
        name: _page(own.filter(where), name, asked.get(name, ""), kept)
        for name, (_title, part, where) in _SECTIONS.items()
        if asked.get("show", part) == part and (not cursors or name in cursors)
    }
    cards = _cards(person, [row for page in pages.values() for row in page.rows], at)
    return [
        Section(name, _SECTIONS[name][0], [cards[row.pk] for row in page.rows], page.older, urlencode(kept), page.newer)
        for name, page in pages.items()
        if page.rows or page.newer
    ]


def _own(person: User, asked: str) -> LaunchRequestQuerySet:
    own: LaunchRequestQuerySet = LaunchRequest.objects.listed().for_requester(person)
    found = search(asked) if asked else None
    voted = Vote.objects.filter(group__stage__request=OuterRef("pk"))
    questioned = Message.objects.filter(request=OuterRef("pk"), kind=MessageKind.QUESTION)
    own = own.select_related("decision__decided_by").annotate(touched=Exists(voted) | Exists(questioned))
    return own.filter(found) if found is not None else own.none() if asked else own


def _page(rows: LaunchRequestQuerySet, name: str, cursor: str, kept: dict[str, str]) -> Page[LaunchRequest]:
    if name == "closed":
        return newest_first(rows, cursor, name, **kept)
    return soonest_first(rows, cursor, name, size=paging.SIZE, **kept)


def _cards(person: User, rows: list[LaunchRequest], at: datetime) -> dict[int, Card]:
    """What belongs to the rows, in as many queries for many as for one."""
    # A list has no use for what opens a wait.
    prefetch_related_objects(rows, Prefetch("holds", Hold.objects.defer("url_encrypted")))
    teams = teams_of([row for row in rows if row.is_open], person)
    questions = _questions(rows)
    return {row.pk: Card(row, _journey(row, at), teams.get(row.pk, []), questions.get(row.pk)) for row in rows}


def _journey(row: LaunchRequest, at: datetime) -> list[Step]:
    return journey(row, at, touched=bool(getattr(row, "touched", False)))


def _questions(rows: Iterable[LaunchRequest]) -> dict[int, Message]:
    """The newest question of each launch that waits for an answer."""
    waiting = [row.pk for row in rows if row.state == State.NEEDS_INFO]
    asked = Message.objects.filter(request__in=waiting, kind=MessageKind.QUESTION).select_related("author")
    return {message.request_id: message for message in asked.order_by("request", "-pk").distinct("request")}
