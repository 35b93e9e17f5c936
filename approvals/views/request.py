"""The page of one request, and the verbs people use there. Each POST calls one verb of approvals.actions; those of
the conversation are in approvals.views.talking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_list_or_404, redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from approvals import actions
from approvals.actions.deciding import is_repeated
from approvals.actor import Actor
from approvals.errors import Refused, Why
from approvals.lifecycle import Action
from approvals.models import LaunchRequest
from approvals.review import reasons, seen
from approvals.review.seen import Consent
from approvals.views import drafts, naming, request_page
from approvals.views.base import PersonRequest, at_the_desk, for_people, log_refusal, visible
from approvals.views.live import answer, poll
from portal.accounts import stepup
from portal.clock import now


@dataclass(frozen=True, slots=True)
class Given:
    """What a form brought: the text, and what a decision needs beside it."""

    text: str
    consent: Consent


Verb = Callable[[int, Actor, datetime, Given], object]
VERBS: dict[str, Verb] = {
    Action.APPROVE: lambda pk, who, at, it: actions.approve(pk, actor=who, now=at, reason=it.text, consent=it.consent),
    Action.REJECT: lambda pk, who, at, it: actions.reject(pk, actor=who, now=at, reason=it.text, consent=it.consent),
    Action.WITHDRAW: lambda pk, who, at, it: actions.withdraw(pk, actor=who, now=at, reason=it.text),
    "claim": lambda pk, who, at, _: actions.claim(pk, actor=who, now=at),
    "unclaim": lambda pk, who, at, _: actions.unclaim(pk, actor=who, now=at),
}
DONE = {
    Action.APPROVE: _("Your approval is recorded."),
    Action.REJECT: _("Your rejection is recorded; the requester reads your reason."),
    Action.WITHDRAW: _("The request is withdrawn."),
    "claim": _("You have taken this request. The others see it for half an hour."),
    "unclaim": _("You have given this request back."),
}


@require_safe
@for_people
def page(request: PersonRequest, uuid: UUID) -> HttpResponse:
    return request_page.show(request, visible(request.user, uuid), drafts.take(request, str(uuid)))


@require_safe
@for_people
@poll
def page_live(request: PersonRequest, uuid: UUID) -> HttpResponse:
    return answer(request, request_page.renewed(request, visible(request.user, uuid)))


@require_POST
@for_people
def act(request: PersonRequest, uuid: UUID, verb: str) -> HttpResponse:
    launch = visible(request.user, uuid)
    if verb not in VERBS:
        raise Http404
    given = _given(request, verb)
    try:
        VERBS[verb](launch.pk, at_the_desk(request.user), now(), given)
    except Refused as refused:
        if refused.why is Why.ALREADY_DECIDED and is_repeated(launch.pk, verb, request.user):
            return redirect(launch)
        log_refusal(request.user, launch.number, verb, refused)
        return _refused(request, launch, verb, given, refused)
    messages.success(request, str(DONE[verb]))
    naming.tell_of_reason(request, given.text)
    return redirect(launch)


@require_safe
@for_people
def by_fingerprint(request: PersonRequest, fingerprint: str) -> HttpResponse:
    """The link in mails that `notify` writes: it knows the fingerprint, not our uuid."""
    visible = LaunchRequest.objects.visible_to(request.user).filter(fingerprint=fingerprint)
    return redirect(get_list_or_404(visible.order_by("-is_complete", "pk"))[0])


def _given(request: PersonRequest, verb: str) -> Given:
    text = request.POST.get("text", "")
    if verb == Action.REJECT and not text.strip():
        text = reasons.text_of(request.POST.get("canned", ""))
    consent = Consent(
        request.POST.get("seen", ""), request.POST.get("typed_name", "")[:200], is_fresh=stepup.is_fresh(request)
    )
    return Given(text, consent)


def _refused(request: PersonRequest, launch: LaunchRequest, verb: str, given: Given, refused: Refused) -> HttpResponse:
    """The page as it is now, with what was typed; or the way to prove who is typing, which leads back to it."""
    if refused.why is Why.NOT_PROVEN:
        drafts.keep(request, str(launch.uuid), verb, given.text, given.consent.typed_name)
        return stepup.prove_again(request, f"{launch.get_absolute_url()}#decide")
    context: dict[str, Any] = {
        "refused": refused.sentence,
        "refused_why": refused.why.value,
        "refused_verb": verb,
        "typed": given.text,
        "typed_name": given.consent.typed_name,
    }
    launch = visible(request.user, launch.uuid)
    if refused.why is Why.PAGE_IS_STALE:
        context["changed"] = seen.changes(launch, given.consent.seen)
    return request_page.show(request, launch, context, status=refused.http_status)
