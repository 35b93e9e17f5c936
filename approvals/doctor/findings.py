"""What a check found, in words that every reader gets in their own language.

A finding holds the sentence's msgid and its values, so it can be kept and shown later to anybody. Values go
through `portal.logs.redact`: no signature, session token or receipt gets into one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Self

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from approvals.choices import Look
from portal.logs import redact
from portal.phrases import Fact, Phrase, fact_of, filled, headed


class Severity(models.TextChoices):
    """From the lightest to the gravest."""

    OK = "ok", _("In order")
    INFO = "info", _("To know")
    WARNING = "warning", _("Warning")
    CRITICAL = "critical", _("Critical")

    @property
    def rank(self) -> int:
        return list(Severity).index(self)

    @property
    def exit_code(self) -> int:
        return {"warning": 1, "critical": 2}.get(self.value, 0)

    @property
    def look(self) -> Look:
        return _LOOKS[self]

    @property
    def icon(self) -> str:
        return _ICONS[self]


_LOOKS = {
    Severity.OK: Look.GOOD,
    Severity.INFO: Look.QUIET,
    Severity.WARNING: Look.WAIT,
    Severity.CRITICAL: Look.BAD,
}
_ICONS = {Severity.OK: "check", Severity.INFO: "info", Severity.WARNING: "question", Severity.CRITICAL: "alarm"}

Facts = dict[str, Fact]


@dataclass(frozen=True, slots=True)
class Problem:
    """What a check yields. `severity` and `remedy` (a msgid) stand in for the check's own where given."""

    seen: str
    facts: Facts = field(default_factory=dict)
    about: str = ""
    severity: Severity | None = None
    remedy: str = ""


def problem(
    seen: str, /, *, about: str = "", severity: Severity | None = None, remedy: str = "", **facts: Any
) -> Problem:
    """`seen` is a msgid with %(names)s of the facts."""
    return Problem(seen, {name: safe(value) for name, value in facts.items()}, redact(about), severity, remedy)


def safe(value: Any) -> Fact:
    """Without signatures, session tokens and receipts."""
    if isinstance(value, int):
        return value
    if isinstance(value, list):
        items: list[Any] = [safe(one) for one in value]
        return items
    if isinstance(value, Phrase):
        return Phrase(value.text, **{name: safe(one) for name, one in value.facts.items()})
    return redact(str(value))


@dataclass(frozen=True, slots=True)
class Finding:
    """`title`, `why`, `remedy` and `sentence` are msgids; `about` names account, region or ARN.

    The fact `whose` stands before a sentence that does not say of what it speaks.
    """

    code: str
    severity: Severity
    title: str
    sentence: str
    why: str
    remedy: str
    facts: Facts = field(default_factory=dict)
    about: str = ""

    @property
    def seen(self) -> str:
        words = filled(self.sentence, self.facts)
        return headed(self.facts["whose"], words) if "whose" in self.facts else words

    @property
    def advice(self) -> str:
        return filled(self.remedy, self.facts)

    @property
    def heading(self) -> str:
        return gettext(self.title)

    @property
    def reason(self) -> str:
        return gettext(self.why)

    @property
    def is_trouble(self) -> bool:
        return self.severity is not Severity.OK

    def kept(self) -> dict[str, Any]:
        """As the cache keeps it, so that the next release can read it."""
        return asdict(self) | {"severity": self.severity.value}

    @classmethod
    def from_kept(cls, kept: dict[str, Any]) -> Self:
        facts = {name: fact_of(one) for name, one in kept["facts"].items()}
        return cls(**kept | {"severity": Severity(kept["severity"]), "facts": facts})

    def spoken(self) -> dict[str, str]:
        """The machine form, in the language that is active: `manage.py doctor --json`."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "title": self.heading,
            "seen": self.seen,
            "why": self.reason if self.is_trouble else "",
            "remedy": self.advice if self.is_trouble else "",
            "about": self.about,
        }
