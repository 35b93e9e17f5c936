"""A mail as it was stored, read with anymail's parser: who sent it, whether a machine did, and its text.

Invariant: any bytes lead to a `Mail` or to `Broken`, in bounded time; no header or charset of a stranger ends the
worker. Attachments and pictures are not even decoded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from anymail.exceptions import AnymailError
from anymail.inbound import AnymailInboundMessage
from django.conf import settings

from approvals.replies.html import as_text

LARGEST_HEADERS = 128 * 1024
# What the parser needs for a header grows with the square of its length: 20,000 semicolons take half a minute.
LONGEST_HEADER = 1000
LONGEST_DESCRIPTIONS = 16 * 1024
MOST_BOUNDARIES = 2000
LARGEST_TEXT = 1024 * 1024
_MOST_PARTS = 200
_HEADER = re.compile(rb"(?im)^([a-z][a-z-]{0,40})[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*")
_DESCRIPTION = re.compile(rb"(?im)^(?:content-[a-z-]{1,40}|mime-version)[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*")
_MACHINES = ("X-Autoreply", "X-Autorespond", "X-Auto-Reply", "X-Vacation", "List-Id", "List-Unsubscribe", "X-Loop")
_READ = frozenset({"from", "auto-submitted", "precedence", "return-path", "message-id", *map(str.lower, _MACHINES)})
_PRECEDENCE = frozenset({"bulk", "junk", "list", "auto_reply", "auto-reply"})
_DAEMONS = re.compile(r"(?i)\A(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply)(?:[+.]|@)")
_OURS = re.compile(r"(?i)<delivery-\d+\.")
# What parsers of strangers' headers have been seen to raise; each means that nobody can say what the mail is.
_TROUBLE = (AnymailError, ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError)


class Broken(Exception):
    """It cannot be told what this mail says or who sent it."""


@dataclass(frozen=True, slots=True)
class Mail:
    """`sender`: the one address in From, in small letters; empty where there is not exactly one."""

    sender: str
    is_automatic: bool
    text: str


def parse(raw: bytes) -> Mail:
    """Raises Broken."""
    _check_cost(re.sub(rb"\r\n?", b"\n", raw))
    try:
        message = AnymailInboundMessage.parse_raw_mime_bytes(raw)  # type: ignore[no-untyped-call]
        sender = _sender(message)
        return Mail(sender, _is_automatic(message, sender), _text(message))
    except _TROUBLE:
        raise Broken from None


def _check_cost(raw: bytes) -> None:
    """Raises Broken for what the parser would work on for longer than any honest mail."""
    headers, _, _ = raw.partition(b"\n\n")
    if len(headers) > LARGEST_HEADERS or raw.count(b"\n--") > MOST_BOUNDARIES:
        raise Broken
    read = [found[0] for found in _HEADER.finditer(headers) if found[1].decode().lower() in _READ]
    descriptions = [found[0] for found in _DESCRIPTION.finditer(raw)]
    if any(len(header) > LONGEST_HEADER for header in read + descriptions):
        raise Broken
    if sum(map(len, descriptions)) > LONGEST_DESCRIPTIONS:
        raise Broken


def _sender(message: AnymailInboundMessage) -> str:
    senders = message.get_all("From") or []
    found = message.get_address_header("From") if len(senders) == 1 else []  # type: ignore[no-untyped-call]
    return str(found[0].addr_spec).strip().lower() if len(found) == 1 else ""


def _is_automatic(message: AnymailInboundMessage, sender: str) -> bool:
    def said(name: str) -> str:
        return str(message.get(name, "") or "").strip().lower()

    own_domain = settings.GATEHOUSE_FROM_EMAIL.rpartition("@")[2].lower()
    own_id = bool(_OURS.match(said("Message-ID"))) and said("Message-ID").endswith(f"@{own_domain}>")
    return (
        said("Auto-Submitted").partition(";")[0].strip() not in ("", "no")
        or said("Precedence") in _PRECEDENCE
        or said("Return-Path") == "<>"
        or any(message.get(name) is not None for name in _MACHINES)
        or message.get_content_type() == "multipart/report"
        or bool(_DAEMONS.match(sender))
        or own_id
        or sender == settings.GATEHOUSE_FROM_EMAIL.lower()
    )


def _text(message: AnymailInboundMessage) -> str:
    """Its first plain text, else its first HTML as text."""
    html = ""
    for number, part in enumerate(message.walk()):
        if number > _MOST_PARTS:
            break
        if part.is_multipart() or part.is_attachment():
            continue
        if part.get_content_type() == "text/plain" and (text := _decoded(part)).strip():
            return text
        if part.get_content_type() == "text/html" and not html:
            html = _decoded(part)
    return as_text(html)


def _decoded(part: AnymailInboundMessage) -> str:
    """In its charset as far as that is one; letters that cannot be are replaced."""
    # Where nothing is said it would be ASCII; today it is UTF-8.
    charset = part.get_content_charset("utf-8")
    try:
        text = part.get_content_text(charset=charset)  # type: ignore[no-untyped-call]
    except (LookupError, UnicodeError):
        text = part.get_content_text(charset="utf-8")  # type: ignore[no-untyped-call]
    return str(text or "")[:LARGEST_TEXT]
