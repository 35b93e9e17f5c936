"""The conversation on the page of a request: saying something, looking at it first, changing it, and its files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from approvals import actions, rules
from approvals.actions.base import clean_text
from approvals.actions.talking import is_said
from approvals.errors import Refused, Why
from approvals.lifecycle import Action
from approvals.models import Attachment, LaunchRequest, Message
from approvals.talk import editing, files, limits, thread
from approvals.talk.markdown import render as as_html
from approvals.views import naming, request_page
from approvals.views.base import PersonRequest, at_the_desk, for_people, log_refusal, visible
from portal.bodies import takes
from portal.clock import now

SAYS: dict[str, Callable[..., Message]] = {
    Action.ASK: actions.ask,
    Action.ANSWER: actions.answer,
    Action.COMMENT: actions.comment,
    Action.NOTE: actions.note,
}
DONE = {
    Action.ASK: _("Your question is on its way to the requester. It is their turn now."),
    Action.ANSWER: _("Your answer is on its way to the approvers."),
    Action.COMMENT: _("Your comment is in the conversation."),
    Action.NOTE: _("Your note is in the conversation; the requester does not see it."),
}
LARGEST_TEXT = 2 * 1024 * 1024
# A file is saved, never shown, wherever a browser would like to show it.
_INERT = "sandbox; default-src 'none'; frame-ancestors 'none'"


@takes(files.LARGEST_FORM)
@require_POST
@for_people
def say(request: PersonRequest, uuid: UUID, verb: str) -> HttpResponse:
    """Ask, answer, comment or note. Rights, text and limits are looked at before a file is stored, and again by the
    verb."""
    launch, text, at = visible(request.user, uuid), _text(request), now()
    uploads = request.FILES.getlist("files")
    sizes = [one.size or 0 for one in uploads]
    try:
        rules.check(request.user, launch, Action(verb), at)
        clean_text(text, required=True)
        limits.demand_for_message(launch, request.user, at, sum(sizes))
        with files.stored(uploads, at) as attached:
            SAYS[verb](launch.pk, actor=at_the_desk(request.user), now=at, text=text, attached=attached)
    except Refused as refused:
        if is_said(launch.pk, Action(verb), person=request.user, now=at, text=text, sizes=sizes):
            return redirect(launch)
        log_refusal(request.user, launch.number, verb, refused)
        again = {"refused": refused.sentence, "refused_verb": verb, "files_again": bool(uploads)}
        return _page(request, uuid, text, refused.http_status, **again)
    messages.success(request, str(DONE[Action(verb)]))
    naming.tell(request, launch, text, note=verb == Action.NOTE)
    return redirect(launch)


@takes(files.LARGEST_FORM)
@require_POST
@for_people
def preview(request: PersonRequest, uuid: UUID) -> HttpResponse:
    """How the text would look: alone for a script, on the page of its request without one."""
    launch, text = visible(request.user, uuid), _text(request)
    try:
        said: dict[str, Any] = {"preview": as_html(clean_text(text, required=True))}
        said["nobody"] = naming.nobody(launch, request.user, text, note=request.POST.get("form") == "note")
    except Refused as refused:
        said = {"not_preview": refused.sentence}
    if request.htmx:
        return render(request, "approvals/parts/preview.html", said)
    return _page(request, launch.uuid, text, 200, **said, files_again=bool(request.FILES))


@require_safe
@for_people
def edit(request: PersonRequest, uuid: UUID, pk: int) -> HttpResponse:
    """The form to change a message of one's own."""
    launch, message = _own(request, uuid, pk)
    if why := editing.why_not(message, launch, request.user, now()):
        return _edit_page(request, launch, message, message.text, rules.refusal(why, launch))
    return _edit_page(request, launch, message, message.text)


@takes(LARGEST_TEXT)
@require_POST
@for_people
def save(request: PersonRequest, uuid: UUID, pk: int) -> HttpResponse:
    """Change it, or show how it would look."""
    launch, message = _own(request, uuid, pk)
    text = request.POST.get("text", "")
    try:
        if "preview" in request.POST:
            preview = as_html(clean_text(text, required=True))
            return _edit_page(request, launch, message, text, preview=preview)
        actions.edit(pk, actor=at_the_desk(request.user), now=now(), text=text)
    except Refused as refused:
        log_refusal(request.user, launch.number, "edit", refused)
        return _edit_page(request, launch, message, text, refused)
    messages.success(request, str(_("Your message is changed; what it said before is kept.")))
    return redirect(launch)


@require_safe
@for_people
def older(request: PersonRequest, uuid: UUID) -> HttpResponse:
    """The conversation before what the page of the request shows."""
    launch, before = visible(request.user, uuid), request.GET.get("before", "")
    if not (before.isascii() and before.isdigit() and len(before) < 19):
        raise Http404
    page = thread.page(launch, request.user, now(), int(before))
    return render(request, "approvals/talk_older.html", {"launch": launch, "page": page})


@require_safe
@for_people
def file(request: PersonRequest, uuid: UUID) -> HttpResponseBase:
    """A file of a message, to whoever may see the message."""
    attachment = get_object_or_404(Attachment.objects.select_related("message__request"), uuid=uuid)
    launch = attachment.message.request
    seen = LaunchRequest.objects.visible_to(request.user).filter(pk=launch.pk).exists()
    if not seen or not thread.visible(launch, request.user).filter(pk=attachment.message_id).exists():
        raise Http404
    try:
        content = files.opened(attachment)
    except files.Unreadable:
        messages.error(request, str(_("The file cannot be read at the moment. Please try again.")))
        return redirect(launch)
    answer = FileResponse(content, as_attachment=True, filename=attachment.name, content_type=attachment.content_type)
    answer.headers["Content-Length"] = str(attachment.size)
    answer.headers["Content-Security-Policy"] = _INERT
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _text(request: PersonRequest) -> str:
    """What was typed; somebody chosen from the list of names is named in it."""
    text, named = request.POST.get("text", ""), request.POST.get("named", "").strip()[:300]
    if text.strip() and named.startswith("@") and named.casefold() not in text.casefold():
        return f"{text.rstrip()}\n\n{named}"
    return text


def _page(request: PersonRequest, uuid: UUID, typed: str, status: int, **context: Any) -> HttpResponse:
    """The page of the request with what was typed, in the form it was typed into."""
    form = "note" if request.POST.get("form") == "note" else "message"
    context |= {"typed": typed, "talk_form": form}
    return request_page.show(request, visible(request.user, uuid), context, status=status)


def _own(request: PersonRequest, uuid: UUID, pk: int) -> tuple[LaunchRequest, Message]:
    launch = visible(request.user, uuid)
    return launch, get_object_or_404(thread.visible(launch, request.user), pk=pk, author=request.user)


def _edit_page(
    request: PersonRequest,
    launch: LaunchRequest,
    message: Message,
    typed: str,
    refused: Refused | None = None,
    preview: str = "",
) -> HttpResponse:
    context = {
        "launch": launch,
        "message": message,
        "typed": typed,
        "preview": preview,
        "refused": refused.sentence if refused else "",
        "over": refused is not None and refused.why is Why.EDITING_OVER,
    }
    status = refused.http_status if refused else 200
    return render(request, "approvals/talk_edit.html", context, status=status)
