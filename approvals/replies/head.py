"""The headers of a mail: who sent it, and whether a machine did. Nothing of its body is looked at.

Invariant: any bytes lead to a `Head` or to `Broken`, in bounded time; no header of a stranger ends the worker.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import default
from typing import Any

from anymail.exceptions import AnymailError
from anymail.inbound import AnymailInboundMessage
from django.conf import settings

from approvals.replies.mime import LONGEST_HEADER, TROUBLE, Broken

LARGEST = 128 * 1024
# Of the headers that are read, together: what the parser needs for each grows with the square of its length.
_LARGEST_READ = 8 * 1024
_HEADER = re.compile(rb"(?im)^([a-z][a-z-]{0,40})[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*")
_MACHINES = ("X-Autoreply", "X-Autorespond", "X-Auto-Reply", "X-Vacation", "List-Id", "List-Unsubscribe", "X-Loop")
_READ = frozenset(
    {"from", "auto-submitted", "precedence", "return-path", "message-id", "content-type"} | {*map(str.lower, _MACHINES)}
)
_PRECEDENCE = frozenset({"bulk", "junk", "list", "auto_reply", "auto-reply"})
_DAEMONS = re.compile(r"(?i)\A(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply)(?:[+.]|@)")
_OURS = re.compile(r"(?i)<delivery-\d+\.")


@dataclass(frozen=True, slots=True)
class Head:
    """`sender`: the one address in From, in small letters; empty where there is not exactly one."""

    sender: str
    is_automatic: bool


def read(raw: bytes) -> Head:
    """Raises Broken."""
    # The blank line ends the headers; of a mail without one no more is looked at than headers may be long.
    head, _, _ = re.sub(rb"\r\n?", b"\n", raw[: 2 * LARGEST]).partition(b"\n\n")
    _check_cost(head)
    try:
        message = BytesParser(AnymailInboundMessage, policy=default).parsebytes(head, headersonly=True)
        sender = _sender(message)
        return Head(sender, _is_automatic(message, sender))
    except (AnymailError, *TROUBLE):
        raise Broken from None


def _check_cost(head: bytes) -> None:
    """Raises Broken for headers the parser would work on for longer than any honest mail's."""
    if len(head) > LARGEST:
        raise Broken
    lengths = [len(found[0]) for found in _HEADER.finditer(head) if found[1].decode().lower() in _READ]
    if any(length > LONGEST_HEADER for length in lengths) or sum(lengths) > _LARGEST_READ:
        raise Broken


def _sender(message: Any) -> str:
    senders = message.get_all("From") or []
    found = message.get_address_header("From") if len(senders) == 1 else []
    return str(found[0].addr_spec).strip().lower() if len(found) == 1 else ""


def _is_automatic(message: Any, sender: str) -> bool:
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
