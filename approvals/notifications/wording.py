"""How text of strangers comes into a mail: redacted as in the logs and cleaned as on pages.

It stays in its line, or is quoted line by line, so nobody can write a sentence or a link that looks like the
desk's own.
"""

from __future__ import annotations

import re

from django.utils import translation

from approvals.models import LaunchRequest
from portal.logs import redact
from portal.templatetags.elements import plain

LINE_LENGTH = 300
TEXT_LENGTH = 10_000
_CHINESE_STOP = re.compile(r"(?:(?<=[\u4e00-\u9fff”）])\.(?= |$)|。) *")
# What may be shown as an address in a mail. Stricter than the standard, whose quoted local parts hold anything.
_ADDRESS = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def line(text: str) -> str:
    """One line, bounded, with what is invisible made visible."""
    return plain(cut(" ".join(redact(text).split()), LINE_LENGTH))


def header(text: str, length: int) -> str:
    """No control character reaches a header, and a product's name may be thousands of characters long."""
    return cut("".join(char for char in " ".join(text.split()) if char.isprintable()), length)


def lines(text: str) -> str:
    return plain(cut("\n".join(redact(text).splitlines()), TEXT_LENGTH))


def sentences(text: str) -> str:
    """Sentences that stand one after the other, as the active language writes them: Chinese has a stop of its own,
    and no space behind it."""
    if not (translation.get_language() or "").startswith("zh"):
        return text
    return _CHINESE_STOP.sub("。", text)


def quoted(text: str) -> str:
    """In a text mail, what somebody wrote is marked in every line."""
    return "\n".join(f"> {one}" for one in text.splitlines())


def requester(request: LaunchRequest) -> str:
    """Who launched, or nothing where only something was typed that is no address."""
    label = request.requester_label
    typed = label.casefold() == request.typed_email.casefold()
    return "" if typed and not _ADDRESS.fullmatch(label) else line(label)
