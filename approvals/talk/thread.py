"""The conversation as one person reads it: which messages, as HTML, with earlier texts, files and what may be done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.db.models import Prefetch, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils.safestring import SafeString

from approvals import rules
from approvals.choices import Channel, MessageKind
from approvals.models import Attachment, LaunchRequest, Message, Revision
from approvals.talk import editing, limits, mentions
from approvals.talk.markdown import render
from portal.accounts.models import User

SHOWN = 100


@dataclass(frozen=True, slots=True)
class Earlier:
    """A text before an edit. `until`: when another one took its place."""

    html: SafeString
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Said:
    message: Message
    kind: MessageKind
    html: SafeString
    earlier: list[Earlier]
    files: list[Attachment]
    editable: bool
    of_requester: bool

    ICONS: ClassVar[dict[MessageKind, str]] = {
        MessageKind.QUESTION: "question",
        MessageKind.ANSWER: "forward",
        MessageKind.COMMENT: "person",
        MessageKind.NOTE: "lock",
    }

    @property
    def icon(self) -> str:
        return self.ICONS[self.kind]

    @property
    def is_note(self) -> bool:
        return self.kind is MessageKind.NOTE

    @property
    def by_mail(self) -> bool:
        return self.message.channel == Channel.EMAIL


@dataclass(frozen=True, slots=True)
class Page:
    """Oldest first. `before`: the id to ask for older ones with; 0 where there are none."""

    said: list[Said]
    before: int


def visible(launch: LaunchRequest, person: User) -> QuerySet[Message]:
    """The messages of a request this person may see: internal notes are for those whose own launch it is not."""
    messages = launch.messages.all()
    return messages.exclude(kind=MessageKind.NOTE) if rules.is_own(person, launch) else messages


def page(launch: LaunchRequest, person: User, now: datetime, before: int = 0) -> Page:
    """The newest messages, or the newest before a certain one."""
    messages = visible(launch, person).order_by("-pk")
    if before:
        messages = messages.filter(pk__lt=before)
    rank = Window(RowNumber(), partition_by="message", order_by="-pk")
    newest = Prefetch("revisions", Revision.objects.annotate(rank=rank).filter(rank__lte=limits.PER_MESSAGE))
    found = list(messages.select_related("author").prefetch_related(newest, "attachments", "mentioned")[: SHOWN + 1])
    shown = found[:SHOWN][::-1]
    more = shown[0].pk if len(found) > SHOWN else 0
    return Page([_said(message, launch, person, now) for message in shown], more)


def _said(message: Message, launch: LaunchRequest, person: User, now: datetime) -> Said:
    named = [label for one in message.mentioned.all() for label in mentions.labels(one)]
    return Said(
        message=message,
        kind=MessageKind(message.kind),
        html=render(message.text, named),
        earlier=_earlier(message),
        files=list(message.attachments.all()),
        editable=editing.why_not(message, launch, person, now) is None,
        of_requester=rules.is_requester(message.author, launch),
    )


def _earlier(message: Message) -> list[Earlier]:
    revisions = list(message.revisions.all())
    ends = [*(one.written_at for one in revisions[1:]), message.edited_at or message.written_at]
    return [Earlier(render(one.text), one.written_at, end) for one, end in zip(revisions, ends, strict=False)]
