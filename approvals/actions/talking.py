"""Talking before deciding: questions, answers, comments and internal notes, with files, and changing what was said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from approvals import audit, outbox
from approvals.actions.base import clean_text, locked, move, permit
from approvals.actor import Actor
from approvals.choices import MessageKind, NoticeCode
from approvals.errors import Refused, Why
from approvals.lifecycle import Action
from approvals.models import InboundMail, LaunchRequest, Message, Revision
from approvals.replies.results import Result
from approvals.rules import refusal
from approvals.talk import editing, files, limits, mentions, thread
from approvals.talk.repeats import repeated
from portal.accounts.models import User

_SAYS: dict[Action, tuple[MessageKind, audit.Event, NoticeCode | None]] = {
    Action.ASK: (MessageKind.QUESTION, audit.Event.ASKED, NoticeCode.ASKED),
    Action.ANSWER: (MessageKind.ANSWER, audit.Event.ANSWERED, NoticeCode.ANSWERED),
    Action.COMMENT: (MessageKind.COMMENT, audit.Event.COMMENTED, NoticeCode.COMMENTED),
    Action.NOTE: (MessageKind.NOTE, audit.Event.NOTED, None),
}
Files = Sequence[files.Stored]


def ask(pk: int, *, actor: Actor, now: datetime, text: str, attached: Files = ()) -> Message:
    """Ask the requester for information. CloudFormation's clock keeps running."""
    return _say(pk, Action.ASK, actor=actor, now=now, text=text, attached=attached)


def answer(
    pk: int, *, actor: Actor, now: datetime, text: str, attached: Files = (), mail: int | None = None
) -> Message:
    """`mail`: the InboundMail that says it; one that became a message already raises Refused."""
    return _say(pk, Action.ANSWER, actor=actor, now=now, text=text, attached=attached, mail=mail)


def comment(
    pk: int, *, actor: Actor, now: datetime, text: str, attached: Files = (), mail: int | None = None
) -> Message:
    """`mail`: the InboundMail that says it; one that became a message already raises Refused."""
    return _say(pk, Action.COMMENT, actor=actor, now=now, text=text, attached=attached, mail=mail)


def is_said(pk: int, action: Action, *, person: User, now: datetime, text: str, sizes: Sequence[int]) -> bool:
    """A form with this text and files of these sizes was sent a moment ago, and taken."""
    try:
        cleaned = clean_text(text, required=True)
    except Refused:
        return False
    request = LaunchRequest.objects.only("pk").get(pk=pk)
    return repeated(request, person, _SAYS[action][0], cleaned, sizes, now) is not None


def note(pk: int, *, actor: Actor, now: datetime, text: str, attached: Files = ()) -> Message:
    """A note among approvers; the requester never sees it."""
    return _say(pk, Action.NOTE, actor=actor, now=now, text=text, attached=attached)


def edit(pk: int, *, actor: Actor, now: datetime, text: str) -> Message:
    """Change message `pk`; what it said is kept and shown to whoever may see it. Tells nobody and names nobody new."""
    if actor.person is None:
        raise Refused(Why.NOT_ALLOWED)
    cleaned = clean_text(text, required=True)
    with locked(_request_of(pk)) as request:
        message = _editable(pk, request, actor.person, now)
        if cleaned == message.text:
            return message
        limits.demand_for_edit(message, actor.person, now)
        since = message.edited_at or message.written_at
        Revision.objects.create(message=message, text=message.text, written_at=since)
        message.text, message.edited_at = cleaned, now
        message.save(update_fields=["text", "edited_at"])
        kept = mentions.named(cleaned, message.mentioned.all())
        message.mentioned.set(kept)
        params: dict[str, str | int | bool | None] = {"message": message.pk, "kind": message.kind}
        audit.record(request, audit.Event.EDITED, actor=actor, now=now, params=params)
        return message


def _request_of(message_pk: int) -> int:
    request = Message.objects.filter(pk=message_pk).values_list("request", flat=True).first()
    if request is None:
        raise Refused(Why.NOT_FOUND)
    return request


def _editable(pk: int, request: LaunchRequest, person: User, now: datetime) -> Message:
    seen = LaunchRequest.objects.visible_to(person).filter(pk=request.pk).exists()
    message = thread.visible(request, person).filter(pk=pk).first() if seen else None
    if message is None:
        raise Refused(Why.NOT_FOUND)
    if why := editing.why_not(message, request, person, now):
        raise refusal(why, request)
    return message


def _say(
    pk: int, action: Action, *, actor: Actor, now: datetime, text: str, attached: Files, mail: int | None = None
) -> Message:
    kind, event, notice = _SAYS[action]
    if actor.person is None:
        raise Refused(Why.NOT_ALLOWED)
    cleaned = clean_text(text, required=True)
    with locked(pk) as request:
        sizes = [one.size for one in attached]
        if mail is None and (said := repeated(request, actor.person, kind, cleaned, sizes, now)):
            return said
        target = permit(actor, request, action, now)
        limits.demand_for_message(request, actor.person, now, sum(sizes))
        message = Message.objects.create(
            request=request,
            kind=kind,
            author=actor.person,
            channel=actor.channel,
            text=cleaned,
            written_at=now,
        )
        files.attach(message.pk, attached)
        if mail is not None:
            _settle_mail(mail, message)
        named = _name(message, request, actor.person)
        if target != request.state:
            move(request, target, now)
        params: dict[str, str | int | bool | None] = {"message": message.pk}
        if attached:
            params["files"] = len(attached)
        written = audit.record(request, event, actor=actor, now=now, params=params)
        if notice is not None:
            outbox.owe_notice(written, notice, request, now)
        if named:
            outbox.owe_notice(written, NoticeCode.MENTIONED, request, now)
        return message


def _settle_mail(pk: int, message: Message) -> None:
    waiting = InboundMail.objects.filter(pk=pk, result=Result.QUEUED)
    if not waiting.update(result=Result.TAKEN, message=message):
        raise Refused(Why.NOT_LEGAL, state=message.request.get_state_display())


def _name(message: Message, request: LaunchRequest, writer: User) -> list[User]:
    if "@" not in message.text:
        return []
    note = message.kind == MessageKind.NOTE
    named = mentions.named(message.text, mentions.nameable(request, writer, note=note))
    message.mentioned.set(named)
    return named
