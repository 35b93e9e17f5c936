"""What a digest says: one line for each happening that is still news, what waits for a decision first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from approvals.choices import NoticeCode
from approvals.models import Delivery
from approvals.notifications.content import SUBJECT_LENGTH, Rendered, subject
from approvals.notifications.facts import Facts, facts
from approvals.notifications.readers import Role
from approvals.notifications.wording import header
from portal.accounts.models import User
from portal.accounts.reading import as_read_by, when

LINES = 100
_FOLDER = "approvals/mail/digest"
_LAST = datetime.max.replace(tzinfo=UTC)

Happening = tuple[NoticeCode, Facts]


@dataclass(frozen=True, slots=True)
class Line:
    subject: str
    sentence: str
    when: str
    link: str


def render_digest(reader: User, deliveries: Sequence[Delivery], *, more: int = 0) -> Rendered:
    """In the reader's language and zone. `more`: how many there are beyond `deliveries`."""
    with as_read_by(reader):
        told = [(NoticeCode(one.notice.code), facts(one.notice, reader, brief=True)) for one in deliveries]
        return written_digest(told, more=more)


def written_digest(told: Sequence[Happening], *, more: int = 0) -> Rendered:
    """In the active language and zone."""
    ordered = sorted(told, key=_order)
    alarms = bool(told) and all(code == NoticeCode.ALARM for code, _said in told)
    context = {
        "lines": [_line(code, said) for code, said in ordered[:LINES]],
        "more": more + max(len(told) - LINES, 0),
        "total": len(told) + more,
        "open": len({said.number for _code, said in told if _waits(said)}),
        "alarms": alarms,
        "always": alarms,
        "link": settings.GATEHOUSE_DESK_URL + reverse("operations" if alarms else "home"),
        "lead": _("This happened at the approval desk, what waits for a decision first."),
        "language": translation.get_language(),
    }
    context["subject"] = header(render_to_string(f"{_FOLDER}/subject.txt", context), SUBJECT_LENGTH)
    return Rendered(
        subject=str(context["subject"]),
        text=render_to_string(f"{_FOLDER}/base.txt", context).strip() + "\n",
        html=render_to_string(f"{_FOLDER}/base.html", context),
    )


def _waits(said: Facts) -> bool:
    return bool(said.number) and said.is_open and said.role == Role.DESK


def _order(happening: Happening) -> tuple[bool, datetime, float]:
    """What waits by its deadline, everything else newest first."""
    _code, said = happening
    waits = _waits(said)
    return not waits, (said.deadline or _LAST) if waits else _LAST, -said.happened_at.timestamp()


def _line(code: NoticeCode, said: Facts) -> Line:
    return Line(subject(code, said), said.sentence, when(said.happened_at), said.link)
