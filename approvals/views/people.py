"""Pages about people: for administrators, and for auditors to read. For everybody else there are no such pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from approvals.actions import people as verbs
from approvals.actions import teams
from approvals.actions.inviting import invite_again
from approvals.errors import Refused, Why
from approvals.forms.people import InviteForm, MembershipForm, RolesForm
from approvals.models import Membership, Team
from approvals.people import SHOWS, find, invited_at, with_facts
from approvals.views.base import PersonRequest, at_the_desk, for_people, log_refusal, may_act, may_see, prove_again
from portal.accounts import stepup
from portal.accounts.models import User
from portal.clock import now


@require_safe
@for_people
def page(request: PersonRequest) -> HttpResponse:
    may_see(request)
    words, show = request.GET.get("q", "")[:200], request.GET.get("show", "")
    show = show if show in SHOWS else "all"
    found = find(words, show, request.GET.get("after", "")[:254].replace("\0", ""))
    invitations = invited_at(one.pk for one in found.people if one.last_login is None)
    following = QueryDict(mutable=True)
    following.update({"q": words, "show": show, "after": found.after})
    context = {
        "here": "people",
        "acts": request.user.is_administrator,
        "found": found,
        "invitations": invitations,
        "words": words,
        "show": show,
        "next_query": following.urlencode() if found.after else "",
    }
    return render(request, "approvals/people.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_people
def invite(request: PersonRequest) -> HttpResponse:
    may_act(request)
    # Asked before anything is typed, so that nothing typed is lost.
    if not stepup.is_fresh(request):
        return stepup.prove_again(request, reverse("people_invite"))
    form = InviteForm(request.POST or None)
    if not form.is_valid():
        context = {"here": "people", "form": form}
        return render(request, "approvals/people_invite.html", context, status=422 if form.errors else 200)
    return _invite(request, form)


def _invite(request: PersonRequest, form: InviteForm) -> HttpResponse:
    given = form.cleaned_data
    try:
        person = verbs.invite(
            given["address"],
            name=given["name"],
            roles=form.roles,
            team=given["team"],
            may_decide=given["may_decide"],
            is_notified=given["is_notified"],
            is_fresh=stepup.is_fresh(request),
            actor=at_the_desk(request.user),
            now=now(),
        )
    except Refused as refused:
        log_refusal(request.user, "people", "invite", refused)
        form.add_error("address", refused.sentence)
        return render(request, "approvals/people_invite.html", {"here": "people", "form": form}, status=409)
    messages.success(request, _("%(whom)s is invited; the mail is on its way.") % {"whom": person})
    return redirect("person", person.uuid)


@require_safe
@for_people
def person(request: PersonRequest, uuid: UUID) -> HttpResponse:
    may_see(request)
    whom = get_object_or_404(with_facts(User.objects.all()), uuid=uuid)
    given = {"administrator": whom.is_administrator, "auditor": whom.is_auditor}
    members = list(whom.memberships.all())
    context = {
        "here": "people",
        "acts": request.user.is_administrator,
        "whom": whom,
        "oneself": whom == request.user,
        "by_groups": {one.role for one in whom.group_roles.all()},
        "identities": whom.socialaccount_set.count(),
        "roles": RolesForm(initial=given),
        "members": members,
        "membership": MembershipForm(without=[one.team_id for one in members]),
        "others": len(members) < Team.objects.count(),
        "invited_at": invited_at([whom.pk]).get(whom.pk) if whom.last_login is None else None,
    }
    return render(request, "approvals/person.html", context)


@require_POST
@for_people
def act(request: PersonRequest, uuid: UUID, verb: str) -> HttpResponse:
    may_act(request)
    whom = get_object_or_404(User, uuid=uuid)
    if verb not in _VERBS:
        raise Http404
    here = reverse("person", args=[uuid])
    try:
        messages.success(request, _VERBS[verb](request, whom, now()))
    except Refused as refused:
        log_refusal(request.user, f"people/{whom.pk}", verb, refused)
        if refused.why is Why.NOT_FOUND:
            raise Http404 from None
        if proof := prove_again(request, refused, here):
            return proof
        messages.warning(request, refused.sentence)
    return redirect(here)


def _roles(request: PersonRequest, whom: User, at: datetime) -> str:
    form = RolesForm(request.POST)
    form.is_valid()
    verbs.change_roles(whom.pk, roles=form.roles, **_freshly(request, at))
    return _("Saved.")


def _join(request: PersonRequest, whom: User, at: datetime) -> str:
    form = MembershipForm(request.POST)
    if not form.is_valid():
        raise Refused(Why.NOT_FOUND)
    given = form.cleaned_data
    teams.put_into_team(
        whom.pk,
        given["team"].pk,
        may_decide=given["may_decide"],
        is_notified=given["is_notified"],
        **_freshly(request, at),
    )
    return _("Saved.")


def _leave(request: PersonRequest, whom: User, at: datetime) -> str:
    member = get_object_or_404(Membership, person=whom, team_id=_number(request.POST.get("team", "")))
    teams.take_out_of_team(whom.pk, member.team_id, **_freshly(request, at))
    return _("%(whom)s is no longer in this team.") % {"whom": whom}


def _invite_again(request: PersonRequest, whom: User, at: datetime) -> str:
    invite_again(whom.pk, **_by(request, at))
    return _("%(whom)s is invited; the mail is on its way.") % {"whom": whom}


def _deactivate(request: PersonRequest, whom: User, at: datetime) -> str:
    verbs.deactivate(whom.pk, **_freshly(request, at))
    return _("%(whom)s is deactivated and signed out everywhere.") % {"whom": whom}


def _reactivate(request: PersonRequest, whom: User, at: datetime) -> str:
    verbs.reactivate(whom.pk, **_freshly(request, at))
    return _("%(whom)s may sign in again.") % {"whom": whom}


def _forget(request: PersonRequest, whom: User, at: datetime) -> str:
    verbs.forget_identities(whom.pk, **_freshly(request, at))
    return _("The sign-in identities of %(whom)s are forgotten.") % {"whom": whom}


def _unlock(request: PersonRequest, whom: User, at: datetime) -> str:
    verbs.remove_second_factors(whom.pk, **_freshly(request, at))
    return _("The second factors of %(whom)s are removed.") % {"whom": whom}


_VERBS: dict[str, Callable[[PersonRequest, User, datetime], str]] = {
    "roles": _roles,
    "join": _join,
    "leave": _leave,
    "invite-again": _invite_again,
    "deactivate": _deactivate,
    "reactivate": _reactivate,
    "forget": _forget,
    "unlock": _unlock,
}


def _freshly(request: PersonRequest, at: datetime) -> dict[str, Any]:
    return {"is_fresh": stepup.is_fresh(request)} | _by(request, at)


def _by(request: PersonRequest, at: datetime) -> dict[str, Any]:
    return {"actor": at_the_desk(request.user), "now": at}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
