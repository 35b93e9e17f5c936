"""What a message about a happening says: plain strings, taken from the rows when the message is sent.

Templates get these strings and no model, so a template cannot reach a hold, a URL or a receipt. What people
and stacks wrote is redacted as in the logs and cleaned as on pages: it stays in its line, or is quoted line by
line, so nobody can write a sentence or a link that looks like the desk's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation

from approvals.choices import Kind, NoticeCode, Outcome, State
from approvals.models import Alarm, LaunchRequest, Message, Notice, Pass
from approvals.sentences import sentence
from portal.accounts.models import User
from portal.logs import redact
from portal.templatetags.elements import plain

SUBJECT_LENGTH = 150
LINE_LENGTH = 300
TEXT_LENGTH = 10_000
# What may be shown as an address in a mail. Stricter than the standard, whose quoted local parts hold anything.
_ADDRESS = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Facts:
    """The context of every mail template."""

    reader: str
    link: str
    sentence: str
    happened_at: datetime
    text: str = ""
    number: str = ""
    title: str = ""
    version: str = ""
    account: str = ""
    region: str = ""
    requester: str = ""
    state: str = ""
    approved: bool = False
    is_update: bool = False
    # Granted when CloudFormation waited no longer: it passes when it is tried again.
    pass_until: datetime | None = None
    deadline: datetime | None = None
    outcome: str = ""
    launched: bool = False
    stack_status: str = ""
    stack_reason: str = ""


def render(notice: Notice, reader: User) -> Rendered:
    """Subject, text and HTML in the reader's language and time zone."""
    with _as_read_by(reader):
        context = asdict(facts(notice, reader))
        folder = f"approvals/mail/{notice.code}"
        subject = render_to_string(f"{folder}/subject.txt", context)
        return Rendered(
            subject=_one_line(subject),
            text=render_to_string(f"{folder}/body.txt", context | {"text": _quoted(context["text"])}).strip() + "\n",
            html=render_to_string(f"{folder}/body.html", context | {"language": translation.get_language()}),
        )


def overtaken(notice: Notice) -> bool:
    """Whether it is no longer news: a call for a decision that was made meanwhile (think of an outage)."""
    request = notice.request
    return notice.code == NoticeCode.OPENED and request is not None and not request.is_open


def facts(notice: Notice, reader: User) -> Facts:
    request = notice.request
    said = plain(_cut("\n".join(redact(_text(notice)).splitlines()), TEXT_LENGTH))
    what = _line(sentence(notice.event))
    if request is None:
        return Facts(_line(str(reader)), settings.GATEHOUSE_DESK_URL + "/", what, notice.created_at, said)
    return Facts(
        reader=_line(str(reader)),
        link=settings.GATEHOUSE_DESK_URL + request.get_absolute_url(),
        sentence=what,
        happened_at=notice.created_at,
        text=said,
        number=request.number,
        title=_line(request.title),
        version=_line(request.coming_version),
        account=request.account,
        region=request.region,
        requester=_requester(request),
        state=str(State(request.state).label),
        approved=request.state == State.APPROVED,
        is_update=request.kind != Kind.LAUNCH,
        pass_until=_pass_until(request),
        deadline=request.deadline,
        outcome=str(Outcome(request.outcome).label),
        launched=request.outcome == Outcome.LAUNCHED,
        stack_status=request.stack_status,
        stack_reason=_line(redact(request.stack_reason)),
    )


def _pass_until(request: LaunchRequest) -> datetime | None:
    granted: Pass | None = getattr(request, "granted_pass", None)
    return granted.valid_until if granted and request.outcome == Outcome.ROLLED_BACK else None


def _text(notice: Notice) -> str:
    """What was written: a message of the conversation, the reason of a decision, the detail of an alarm."""
    params = notice.event.params
    if notice.code == NoticeCode.ALARM:
        return Alarm.objects.filter(pk=params.get("alarm")).values_list("detail", flat=True).first() or ""
    if isinstance(params.get("message"), int):
        return Message.objects.filter(pk=params["message"]).values_list("text", flat=True).first() or ""
    return notice.event.texts.filter(name="reason").values_list("text", flat=True).first() or ""


def thread(request: LaunchRequest | None) -> str:
    """What ties the mails about one request together."""
    return str(request.uuid) if request else "operations"


@contextmanager
def _as_read_by(reader: User) -> Iterator[None]:
    try:
        zone = ZoneInfo(reader.time_zone or settings.TIME_ZONE)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo(settings.TIME_ZONE)
    with translation.override(reader.language or settings.LANGUAGE_CODE), timezone.override(zone):
        yield


def _one_line(subject: str) -> str:
    """No control character reaches a header, and a product's name may be thousands of characters long."""
    return _cut("".join(char for char in " ".join(subject.split()) if char.isprintable()), SUBJECT_LENGTH)


def _requester(request: LaunchRequest) -> str:
    """Who launched, or nothing where only something was typed that is no address."""
    label = request.requester_label
    typed = label.casefold() == request.typed_email.casefold()
    return "" if typed and not _ADDRESS.fullmatch(label) else _line(label)


def _line(text: str) -> str:
    """One line, bounded, with what is invisible made visible."""
    return plain(_cut(" ".join(text.split()), LINE_LENGTH))


def _quoted(text: str) -> str:
    """In a text mail, what somebody wrote is marked in every line."""
    return "\n".join(f"> {line}" for line in text.splitlines())


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
