"""What people read about a happening: `lead` (what happened), `next` (what they can do) and rows of facts.

One folder of three plain templates per code; `base.txt` and `base.html` make mails of them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.template.loader import render_to_string
from django.utils import translation

from approvals.choices import NoticeCode
from approvals.models import Notice
from approvals.notifications.facts import Facts, facts
from approvals.notifications.rows import rows
from approvals.notifications.wishes import is_always
from approvals.notifications.wording import cut, header, quoted, sentences
from portal.accounts.models import User
from portal.accounts.reading import as_read_by

SUBJECT_LENGTH = 150
# What a phone shows of a subject; the names of people and of the product give way, the number does not.
VISIBLE = 60
SHORTEST_TITLE = 16
SHORTEST_NAME, LONGEST_NAME = 8, 24
_FOLDER = "approvals/mail"


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    text: str
    html: str


def render(notice: Notice, reader: User) -> Rendered:
    """Subject, text and HTML in the reader's language and time zone."""
    with as_read_by(reader):
        return written(NoticeCode(notice.code), facts(notice, reader), always=is_always(notice, reader))


def written(code: NoticeCode, said: Facts, *, always: bool = False) -> Rendered:
    """In the active language and zone. `always`: no wish keeps this mail from its reader."""
    context = asdict(said) | {"near": said.near}
    letter = context | {
        "lead": sentences(_words(code, "lead", context)),
        "next": sentences(_words(code, "next", context)),
        "rows": rows(code, said),
        "code": code.value,
        "always": always,
        "subject": subject(code, said),
        "language": translation.get_language(),
    }
    return Rendered(
        subject=letter["subject"],
        text=render_to_string(f"{_FOLDER}/base.txt", letter | {"text": quoted(said.text)}).strip() + "\n",
        html=render_to_string(f"{_FOLDER}/base.html", letter),
    )


def subject(code: NoticeCode, said: Facts) -> str:
    """In the active language and zone: what is wanted, of which product, under which number."""
    context = asdict(said) | {"near": said.near}
    blank = {"title": "", "team": ""}
    bare = _words(code, "subject", context | blank | {"requester": said.requester[:1]})
    room = min(VISIBLE - len(bare) - SHORTEST_TITLE, LONGEST_NAME)
    context |= {"requester": cut(said.requester, max(room, SHORTEST_NAME))}
    bare = _words(code, "subject", context | blank)
    room = max(VISIBLE - len(bare) - 1, SHORTEST_TITLE)
    names = {"title": cut(said.title, room), "team": cut(said.team, room)}
    return header(_words(code, "subject", context | names), SUBJECT_LENGTH)


def _words(code: NoticeCode, part: str, context: dict[str, object]) -> str:
    return " ".join(render_to_string(f"{_FOLDER}/{code}/{part}.txt", context).split())
