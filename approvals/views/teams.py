"""The page of teams: who is in which, and which one is the default."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.db.models import Prefetch
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from approvals.actions import teams
from approvals.errors import Refused, Why
from approvals.forms.people import MemberForm, TeamForm
from approvals.models import Membership, Team
from approvals.views.base import PersonRequest, at_the_desk, for_people, log_refusal, may_act, may_see, prove_again
from portal.accounts import stepup
from portal.accounts.addresses import address_of
from portal.accounts.models import User
from portal.clock import now

_MOST = 200


@require_safe
@for_people
def page(request: PersonRequest) -> HttpResponse:
    may_see(request)
    return _render(request, TeamForm())


@require_POST
@for_people
def add(request: PersonRequest) -> HttpResponse:
    may_act(request)
    form = TeamForm(request.POST)
    if not form.is_valid():
        return _render(request, form, 422)
    try:
        is_fresh = stepup.is_fresh(request)
        team = teams.add_team(form.cleaned_data["name"], is_fresh=is_fresh, actor=at_the_desk(request.user), now=now())
    except Refused as refused:
        if proof := prove_again(request, refused, reverse("teams")):
            return proof
        form.add_error("name", refused.sentence)
        return _render(request, form, refused.http_status)
    messages.success(request, _("The team %(team)s is there.") % {"team": team})
    return redirect("teams")


@require_POST
@for_people
def act(request: PersonRequest, pk: int, verb: str) -> HttpResponse:
    may_act(request)
    if verb not in _VERBS:
        raise Http404
    try:
        _VERBS[verb](request, pk)
    except Refused as refused:
        log_refusal(request.user, f"teams/{pk}", verb, refused)
        if refused.why is Why.NOT_FOUND:
            raise Http404 from None
        if proof := prove_again(request, refused, reverse("teams")):
            return proof
        messages.warning(request, refused.sentence)
    else:
        messages.success(request, _("Saved."))
    return redirect("teams")


def _rename(request: PersonRequest, pk: int) -> None:
    name, is_fresh = request.POST.get("name", ""), stepup.is_fresh(request)
    teams.rename_team(pk, name, is_fresh=is_fresh, actor=at_the_desk(request.user), now=now())


def _default(request: PersonRequest, pk: int) -> None:
    teams.make_default(pk, is_fresh=stepup.is_fresh(request), actor=at_the_desk(request.user), now=now())


def _join(request: PersonRequest, pk: int) -> None:
    form = MemberForm(request.POST)
    address = address_of(form.cleaned_data["address"]) if form.is_valid() else ""
    person = User.objects.filter(email=address).first() if address else None
    if person is None:
        raise Refused(Why.NOT_HERE)
    teams.put_into_team(
        person.pk,
        pk,
        may_decide=form.cleaned_data["may_decide"],
        is_notified=form.cleaned_data["is_notified"],
        is_fresh=stepup.is_fresh(request),
        actor=at_the_desk(request.user),
        now=now(),
    )


_VERBS: dict[str, Callable[[PersonRequest, int], None]] = {"rename": _rename, "default": _default, "join": _join}


def _render(request: PersonRequest, form: TeamForm, status: int = 200) -> HttpResponse:
    members = Membership.objects.select_related("person").order_by("person__email")
    found = Team.objects.order_by("-is_default", "name").prefetch_related(Prefetch("memberships", queryset=members))
    context = {"here": "people", "acts": request.user.is_administrator, "form": form, "teams": found[:_MOST]}
    return render(request, "approvals/teams.html", context, status=status)
