"""The status badge: a picture for wikis that says a request's number and state, and nothing else.

Invariant: whoever has a badge's address sees number and state and can do nothing; the address comes from no id that
opens anything (a MAC over the number, keyed with SECRET_KEY), and a wrong one is told from no other wrong one.
"""

from __future__ import annotations

import base64
import hmac
import re
import unicodedata
from dataclasses import dataclass
from hashlib import sha256

from django.conf import settings
from django.urls import reverse

from approvals.choices import Look
from approvals.models import LaunchRequest

_TOKEN = re.compile(r"([1-9][0-9]{0,17})-([A-Za-z0-9_-]{22})", re.ASCII)
_COLOURS = {
    Look.WAIT: "#8a5600",
    Look.ASK: "#2450b8",
    Look.GOOD: "#146c40",
    Look.BAD: "#b3262f",
    Look.QUIET: "#4d5666",
    Look.ALARM: "#a3154d",
}
_EDGE = 8


@dataclass(frozen=True, slots=True)
class Label:
    """A field of the badge: its text, where it begins and how wide it is, in pixels."""

    text: str
    start: int
    width: int
    colour: str

    @property
    def middle(self) -> float:
        return self.start + self.width / 2

    @property
    def text_width(self) -> int:
        return self.width - 2 * _EDGE


def token_of(launch: LaunchRequest) -> str:
    return f"{launch.pk}-{_mac(launch.pk, settings.SECRET_KEY)}"


def url_of(launch: LaunchRequest) -> str:
    """Absolute: it is read from elsewhere."""
    return settings.GATEHOUSE_DESK_URL + reverse("badge", args=[token_of(launch)])


def number_in(token: str) -> int | None:
    """The request's number; None for a token that no key of ours made."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        return None
    number = int(found[1])
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    good = [hmac.compare_digest(found[2], _mac(number, key)) for key in keys]
    return number if any(good) else None


def _mac(number: int, key: str) -> str:
    """128 bits, in 22 characters."""
    derived = sha256(f"gatehouse.badge:{key}".encode()).digest()
    mac = hmac.new(derived, str(number).encode(), sha256).digest()
    return base64.urlsafe_b64encode(mac[:16]).decode().rstrip("=")


def labels(name: str, state: str, look: Look) -> list[Label]:
    """The two fields side by side."""
    first = Label(name, 0, _width(name) + 2 * _EDGE, "#2b3445")
    return [first, Label(state, first.width, _width(state) + 2 * _EDGE, _COLOURS[look])]


def _width(text: str) -> int:
    """As common sans-serif faces at 11 pixels draw it; the picture stretches its text to fit."""
    return round(sum(_char_width(char) for char in text))


def _char_width(char: str) -> float:
    if unicodedata.east_asian_width(char) in "WF":
        return 11.5
    if char in "iljtfrI.,:-' ":
        return 4.2
    return 7.6 if char.isupper() or char in "mw" else 6.4
