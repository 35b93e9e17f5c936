"""Talking before deciding: questions, answers, comments and internal notes."""

from __future__ import annotations

from datetime import datetime

from approvals import audit, outbox
from approvals.actions.base import clean_text, locked, move, permit
from approvals.actor import Actor
from approvals.choices import MessageKind, NoticeCode
from approvals.errors import Refused, Why
from approvals.lifecycle import Action
from approvals.models import Message

_SAYS: dict[Action, tuple[MessageKind, audit.Event, NoticeCode | None]] = {
    Action.ASK: (MessageKind.QUESTION, audit.Event.ASKED, NoticeCode.ASKED),
    Action.ANSWER: (MessageKind.ANSWER, audit.Event.ANSWERED, NoticeCode.ANSWERED),
    Action.COMMENT: (MessageKind.COMMENT, audit.Event.COMMENTED, NoticeCode.COMMENTED),
    Action.NOTE: (MessageKind.NOTE, audit.Event.NOTED, None),
}


def ask(pk: int, *, actor: Actor, now: datetime, text: str) -> Message:
    """Ask the requester for information. CloudFormation's clock keeps running."""
    return _say(pk, Action.ASK, actor=actor, now=now, text=text)


def answer(pk: int, *, actor: Actor, now: datetime, text: str) -> Message:
    return _say(pk, Action.ANSWER, actor=actor, now=now, text=text)


def comment(pk: int, *, actor: Actor, now: datetime, text: str) -> Message:
    return _say(pk, Action.COMMENT, actor=actor, now=now, text=text)


def note(pk: int, *, actor: Actor, now: datetime, text: str) -> Message:
    """A note among approvers; the requester never sees it."""
    return _say(pk, Action.NOTE, actor=actor, now=now, text=text)


def _say(pk: int, action: Action, *, actor: Actor, now: datetime, text: str) -> Message:
    kind, event, notice = _SAYS[action]
    if actor.person is None:
        raise Refused(Why.NOT_ALLOWED)
    with locked(pk) as request:
        target = permit(actor, request, action, now)
        message = Message.objects.create(
            request=request,
            kind=kind,
            author=actor.person,
            channel=actor.channel,
            text=clean_text(text, required=True),
            written_at=now,
        )
        if target != request.state:
            move(request, target, now)
        written = audit.record(request, event, actor=actor, now=now, params={"message": message.pk})
        if notice is not None:
            outbox.owe_notice(written, notice, request, now)
        return message
