"""Accounts and regions: where the catalogue is mirrored, how the last reading went, and an administrator's verbs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from approvals.actions import watching
from approvals.actor import Actor
from approvals.errors import Refused, Why
from approvals.forms.catalogue import PlaceForm
from approvals.hints import Hint, publish
from approvals.views.base import PersonRequest, at_the_desk, for_people, log_refusal, may_act, may_see
from approvals.views.live import Live, answer, gathered, poll
from catalog import places
from catalog.models import Place, SyncRun
from catalog.models.places import Result
from catalog.sync import problems
from portal.clock import now

# After this long no worker has begun; the beat comes every minute.
PATIENCE = timedelta(minutes=3)
_PHASES = {
    "products": gettext_lazy("listing products"),
    "portfolios": gettext_lazy("listing portfolios"),
    "contents": gettext_lazy("looking into portfolios"),
    "removals": gettext_lazy("looking for what is gone"),
    "versions": gettext_lazy("listing versions"),
    "constraints": gettext_lazy("reading constraints"),
    "templates": gettext_lazy("reading templates"),
}


_COUNTED: dict[str, Callable[[int], str]] = {
    "products": lambda n: ngettext("%(n)d product", "%(n)d products", n) % {"n": n},
    "versions": lambda n: ngettext("%(n)d version", "%(n)d versions", n) % {"n": n},
    "portfolios": lambda n: ngettext("%(n)d portfolio", "%(n)d portfolios", n) % {"n": n},
    "constraints": lambda n: ngettext("%(n)d constraint", "%(n)d constraints", n) % {"n": n},
    "templates": lambda n: ngettext("%(n)d new template", "%(n)d new templates", n) % {"n": n},
    "unread": lambda n: ngettext("%(n)d template unread", "%(n)d templates unread", n) % {"n": n},
    "left_out": lambda n: ngettext("%(n)d left out", "%(n)d left out", n) % {"n": n},
    "removed": lambda n: ngettext("%(n)d gone", "%(n)d gone", n) % {"n": n},
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A place and how it is with it. `run` is the newest, `whole` the newest that was read to its end."""

    place: Place
    run: SyncRun | None
    whole: SyncRun | None
    at: datetime

    @property
    def part(self) -> str:
        """Its part of the page."""
        return f"place-{self.place.pk}"

    @property
    def running(self) -> bool:
        return self.run is not None and self.run.finished_at is None

    @property
    def waits(self) -> bool:
        """For a worker to begin."""
        return not self.running and self.place.enabled and self.place.next_at <= self.at

    @property
    def in_vain(self) -> bool:
        return self.waits and self.at - self.place.next_at > PATIENCE

    @property
    def role(self) -> str:
        return places.role_of(self.place)

    @property
    def phase(self) -> str:
        return str(_PHASES.get(self.run.phase, "")) if self.run else ""

    @property
    def problem(self) -> str:
        return problems.of_run(self.run.error) if self.run else ""

    @property
    def failed(self) -> bool:
        return self.run is not None and self.run.result == Result.FAILED

    @property
    def counted(self) -> list[str]:
        """What the newest whole reading found, in words."""
        counts = self.whole.counts if self.whole else {}
        return [words(counts[name]) for name, words in _COUNTED.items() if counts.get(name)]


@require_safe
@for_people
def page(request: PersonRequest) -> HttpResponse:
    may_see(request)
    return _render(request, PlaceForm())


@require_safe
@for_people
@poll
def page_live(request: PersonRequest) -> HttpResponse:
    may_see(request)
    return answer(request, _live(request, _standings()))


@require_POST
@for_people
def add(request: PersonRequest) -> HttpResponse:
    may_act(request)
    form = PlaceForm(request.POST)
    if not form.is_valid():
        return _render(request, form, 422)
    try:
        watching.watch(form.place(), actor=at_the_desk(request.user), now=now())
    except watching.AlreadyWatched:
        form.add_error(None, _("This account and region are watched already."))
        return _render(request, form, 409)
    publish(Hint.CATALOGUE)
    messages.success(request, _("The place is watched from now on and is being read."))
    return redirect("places")


@require_POST
@for_people
def act(request: PersonRequest, pk: int, verb: str) -> HttpResponse:
    may_act(request)
    if verb not in _VERBS:
        raise Http404
    try:
        sentence = _VERBS[verb](pk, at_the_desk(request.user), now())
    except Refused as refused:
        log_refusal(request.user, f"places/{pk}", verb, refused)
        if refused.why is Why.NOT_FOUND:
            raise Http404 from None
        raise
    publish(Hint.CATALOGUE)
    messages.success(request, sentence)
    return redirect("places")


def _read(pk: int, actor: Actor, at: datetime) -> str:
    watching.ask_for_sync(pk, actor=actor, now=at)
    return _("The place is being read. How far it is appears here.")


def _on(pk: int, actor: Actor, at: datetime) -> str:
    watching.switch_place(pk, on=True, actor=actor, now=at)
    return _("The place is watched again and is being read.")


def _off(pk: int, actor: Actor, at: datetime) -> str:
    watching.switch_place(pk, on=False, actor=actor, now=at)
    return _("The place is no longer read. What was read stays.")


_VERBS: dict[str, Callable[[int, Actor, datetime], str]] = {"read": _read, "on": _on, "off": _off}


def _standings() -> list[Standing]:
    newest = SyncRun.objects.order_by("place", "-pk").distinct("place")
    runs = {run.place_id: run for run in newest}
    whole = {run.place_id: run for run in newest.filter(result=Result.DONE)}
    at = now()
    found = Place.objects.order_by("-enabled", "account", "region")
    return [Standing(place, runs.get(place.pk), whole.get(place.pk), at) for place in found]


def _live(request: PersonRequest, standings: list[Standing]) -> Live:
    """A part for each place. Asks again only while something is being read, or will be."""
    parts = {one.part: render_to_string("approvals/parts/place.html", {"one": one}, request) for one in standings}
    moves = any(one.running or (one.waits and not one.in_vain) for one in standings)
    return gathered(parts or {"places": ""}, reverse("places_live") if moves else "")


def _render(request: PersonRequest, form: PlaceForm, status: int = 200) -> HttpResponse:
    standings = _standings()
    context = {
        "here": "catalogue",
        "acts": request.user.is_administrator,
        "form": form,
        "standings": standings,
        "live": _live(request, standings),
        "minutes": settings.GATEHOUSE_SYNC_MINUTES,
    }
    return render(request, "approvals/places.html", context, status=status)
