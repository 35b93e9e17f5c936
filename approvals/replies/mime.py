"""What a mail's body says: its first plain text, else its first HTML as text, and how many files came with it.

Invariant: it is read in a process of its own (`apart`), so this module and what it needs know neither Django nor the
desk. Attachments and pictures are not even decoded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from itertools import islice

from approvals.replies.html import as_text

# More of a mail are its attachments: they come after its text, and are not taken.
LARGEST = 2 * 1024 * 1024
MOST_LINES = 50_000
# Every line is compared with the boundary of every part it stands in.
MOST_BOUNDARIES, MOST_DIVIDERS = 20, 2000
# What the parser needs for a header grows with the square of its length: 20,000 semicolons take half a minute.
LONGEST_HEADER = 1000
LONGEST_DESCRIPTIONS = 16 * 1024
LARGEST_TEXT = 256 * 1024
_MOST_PARTS = 200
_BOUNDARY = re.compile(rb"(?i)\bboundary[*0-9]{0,4}[ \t]{0,9}=")
_DESCRIPTION = re.compile(rb"(?im)^(?:content-[a-z-]{1,40}|mime-version)[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*")
# What parsers of strangers' mails have been seen to raise; each means that nobody can say what the mail is.
TROUBLE = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError)


@dataclass(frozen=True, slots=True)
class Body:
    """`files`: how many were attached, as far as the mail was read."""

    text: str
    files: int = 0


class Broken(Exception):
    """It cannot be told what this mail says or who sent it."""


class TooCostly(Exception):
    """Reading it takes longer than any honest mail."""


def read(raw: bytes) -> Body:
    """Raises Broken and TooCostly."""
    raw = re.sub(rb"\r\n?", b"\n", raw[:LARGEST])
    _check_cost(raw)
    try:
        message = BytesParser(EmailMessage, policy=default).parsebytes(raw)
        return Body(_text(message), sum(part.is_attachment() for part in islice(message.walk(), _MOST_PARTS)))
    except TROUBLE:
        raise Broken from None


def _check_cost(raw: bytes) -> None:
    """Raises TooCostly for what the parser would work on for longer than any honest mail."""
    if raw.count(b"\n") > MOST_LINES or raw.count(b"\n--") > MOST_DIVIDERS:
        raise TooCostly
    if sum(1 for _ in _BOUNDARY.finditer(raw)) > MOST_BOUNDARIES:
        raise TooCostly
    descriptions = [len(found[0]) for found in _DESCRIPTION.finditer(raw)]
    if max(descriptions, default=0) > LONGEST_HEADER or sum(descriptions) > LONGEST_DESCRIPTIONS:
        raise TooCostly


def _text(message: EmailMessage) -> str:
    html = ""
    for part in islice(message.walk(), _MOST_PARTS):
        if part.is_multipart() or part.is_attachment():
            continue
        if part.get_content_type() == "text/plain" and (plain := _decoded(part)).strip():
            return plain
        if part.get_content_type() == "text/html" and not html:
            html = _decoded(part)
    return as_text(html)


def _decoded(part: EmailMessage) -> str:
    """In its charset as far as that is one; letters that cannot be are replaced."""
    said = part.get_payload(decode=True)
    payload = said if isinstance(said, bytes) else b""
    try:
        # Where nothing is said it would be ASCII; today it is UTF-8.
        decoded = payload.decode(part.get_content_charset("utf-8"), errors="replace")
    except (LookupError, UnicodeError):
        decoded = payload.decode(errors="replace")
    # Half a letter, as UTF-7 can write it, is nothing a database takes.
    whole = decoded[:LARGEST_TEXT].encode(errors="replace").decode()
    return re.sub(r"\r\n?", "\n", whole)
