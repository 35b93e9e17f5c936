"""The page of one request, and the verbs people use there. Each POST calls one verb of approvals.actions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_list_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from approvals import actions
from approvals.actor import Actor
from approvals.errors import Refused
from approvals.lifecycle import Action
from approvals.models import LaunchRequest
from approvals.views import presenting
from approvals.views.base import PersonRequest, at_the_desk, for_people, log_refusal, visible
from approvals.views.live import Live, answer, live, poll
from portal.clock import now

Verb = Callable[[int, Actor, datetime, str], object]
VERBS: dict[str, Verb] = {
    Action.APPROVE: lambda pk, actor, at, text: actions.approve(pk, actor=actor, now=at, reason=text),
    Action.REJECT: lambda pk, actor, at, text: actions.reject(pk, actor=actor, now=at, reason=text),
    Action.WITHDRAW: lambda pk, actor, at, text: actions.withdraw(pk, actor=actor, now=at, reason=text),
    Action.ASK: lambda pk, actor, at, text: actions.ask(pk, actor=actor, now=at, text=text),
    Action.ANSWER: lambda pk, actor, at, text: actions.answer(pk, actor=actor, now=at, text=text),
    Action.COMMENT: lambda pk, actor, at, text: actions.comment(pk, actor=actor, now=at, text=text),
    Action.NOTE: lambda pk, actor, at, text: actions.note(pk, actor=actor, now=at, text=text),
}
DONE = {
    Action.APPROVE: _("Your approval is recorded."),
    Action.REJECT: _("Your rejection is recorded; the requester reads your reason."),
    Action.WITHDRAW: _("The request is withdrawn."),
    Action.ASK: _("Your question is on its way to the requester."),
    Action.ANSWER: _("Your answer is on its way to the approvers."),
    Action.COMMENT: _("Your comment is in the conversation."),
    Action.NOTE: _("Your note is in the conversation; the requester does not see it."),
}
PARTS = {
    "status": "approvals/parts/status.html",
    "read": "approvals/parts/read.html",
    "conversation": "approvals/parts/conversation.html",
    "history": "approvals/parts/history.html",
}


@require_safe
@for_people
def page(request: PersonRequest, uuid: UUID) -> HttpResponse:
    return _render(request, visible(request.user, uuid))


@require_safe
@for_people
@poll
def page_live(request: PersonRequest, uuid: UUID) -> HttpResponse:
    return answer(
        request, _live(request, visible(request.user, uuid), request.GET.get("was", ""), request.GET.get("stage"))
    )


@require_POST
@for_people
def act(request: PersonRequest, uuid: UUID, verb: str) -> HttpResponse:
    launch = visible(request.user, uuid)
    if verb not in VERBS:
        raise Http404
    text = request.POST.get("text", "")
    try:
        VERBS[verb](launch.pk, at_the_desk(request.user), now(), text)
    except Refused as refused:
        log_refusal(request.user, launch.number, verb, refused)
        context = {"refused": refused.sentence, "refused_verb": verb, "typed": text}
        return _render(request, visible(request.user, uuid), context, status=refused.http_status)
    messages.success(request, str(DONE[Action(verb)]))
    return redirect(launch)


@require_safe
@for_people
def by_fingerprint(request: PersonRequest, fingerprint: str) -> HttpResponse:
    """The link in mails that `notify` writes: it knows the fingerprint, not our uuid."""
    visible = LaunchRequest.objects.visible_to(request.user).filter(fingerprint=fingerprint)
    return redirect(get_list_or_404(visible.order_by("-is_complete", "pk"))[0])


def _render(
    request: PersonRequest, launch: LaunchRequest, context: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    parts = _live(request, launch, launch.state)
    facts = presenting.facts(launch, request.user, now())
    return render(request, "approvals/request.html", {**facts, "live": parts, **(context or {})}, status=status)


def _live(request: PersonRequest, launch: LaunchRequest, was: str, stage: str | None = None) -> Live:
    """`was` and `stage`: the state in which the person loaded the page, and how far its template was read by then;
    they are told when it is another by now."""
    url = "" if presenting.at_rest(launch) else reverse("request_live", args=[launch.uuid])
    moving = presenting.moving(launch, request.user, now(), was, stage)
    return live(request, PARTS, moving, url, was=was, stage=moving["stage_was"])
