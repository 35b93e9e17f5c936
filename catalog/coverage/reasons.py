"""Why a verdict is what it is: codes with names, kept with the version, and their sentences per reader."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_noop as _

from catalog.gating import Why
from catalog.models import Version
from catalog.sync import problems
from portal.phrases import Phrase, fact_of, shortened

MOST_NAMES = 12


class Because(StrEnum):
    NO_STACK = "no_stack"
    NOT_READ = "not_read"
    NOT_ANALYSED = "not_analysed"
    NOT_UNDERSTOOD = "not_understood"
    NO_GATE = "no_gate"
    CANNOT = "cannot"
    LEAK = "leak"
    CALL_OPEN = "call_open"
    COUNT_OPEN = "count_open"
    CONDITION_OPEN = "condition_open"
    GATE_OPEN = "gate_open"
    SIGNAL_OPEN = "signal_open"
    CALL_MISSING = "call_missing"
    CALL_FOREIGN = "call_foreign"
    CHILD = "child"
    STALE = "stale"
    SAME_GATE = "same_gate"
    UPDATES_OFF = "updates_off"
    NOT_FED = "not_fed"
    CLASSIC = "classic"
    CALL_UNKNOWN = "call_unknown"
    NEEDED = "needed"
    NO_ECHO = "no_echo"


_SENTENCES = {
    Because.NO_STACK: _("It launches no CloudFormation stack, so no gate can hold it."),
    Because.NOT_READ: _("Its template has not been read yet."),
    Because.NOT_ANALYSED: _("Its template has been read and not been looked at yet."),
    Because.NOT_UNDERSTOOD: _("Its template cannot be understood: %(about)s"),
    Because.NO_GATE: _("It has no gate: everything in it is created without asking anybody."),
    Because.CANNOT: _("It has no gate, and none can be written into it: %(about)s"),
    Because.LEAK: _("Created before anybody approves: %(names)s. %(about)s"),
    Because.CALL_OPEN: _("Who launches can choose the function that %(about)s calls, by the parameters %(names)s."),
    Because.COUNT_OPEN: _("Who launches may have %(about)s wait for nothing. Parameters: %(names)s."),
    Because.CONDITION_OPEN: _("Who launches may leave %(about)s out, by a condition. Parameters: %(names)s."),
    Because.GATE_OPEN: _("Who launches can change what %(about)s, a part of the gate, does. Parameters: %(names)s."),
    Because.SIGNAL_OPEN: _("%(names)s is given the URL of the gate's handle, and can end the wait itself."),
    Because.CALL_MISSING: _("%(names)s names no function here."),
    Because.CALL_FOREIGN: _(
        "%(names)s calls %(about)s, which is not the function of Gatehouse in this account and region."
    ),
    Because.CHILD: _(
        "The templates of these nested stacks can be exchanged after they were looked at, as their URLs name no fixed "
        "version of the object: %(names)s."
    ),
    Because.STALE: _(
        "The template was changed after its gate was written: an update to it from the version before may ask nobody."
    ),
    Because.SAME_GATE: _(
        "Its gate has the same names as that of %(names)s, though the templates differ: an update from one to the "
        "other may ask nobody."
    ),
    Because.UPDATES_OFF: _("Changes of parameters after the launch are not held: GateUpdates is off."),
    Because.NOT_FED: _("Changes of these parameters alone are not held, as the gate does not carry them: %(names)s."),
    Because.CLASSIC: _(
        "Its gate has no receipt: whoever may read the stack's events can end the wait, and only an alarm would tell. "
        "Changes of parameters after the launch are not held."
    ),
    Because.CALL_UNKNOWN: _("Which function is called is only known when it is launched: %(names)s."),
    Because.NEEDED: _("Created before anybody approves, as the gate itself needs them: %(names)s."),
    Because.NO_ECHO: _("No gate can see when only hidden parameters (NoEcho) change: %(names)s."),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """`names`: of resources, parameters or versions, at most MOST_NAMES; `more`: how many are left out. `about`: a
    name, a code or, of what the gate or a reader of templates says, its sentence."""

    because: Because
    names: list[str] = field(default_factory=list)
    about: str | Phrase = ""
    more: int = 0

    @classmethod
    def naming(cls, because: Because, names: Iterable[str], about: str = "") -> Reason:
        every = list(names)
        return cls(because, every[:MOST_NAMES], about, max(len(every) - MOST_NAMES, 0))

    @property
    def sentence(self) -> str:
        """In the reader's language."""
        if self.because is Because.NOT_READ and self.about:
            return problems.of_template(str(self.about))
        return str(self.phrase())

    def phrase(self, most: int = MOST_NAMES) -> Phrase:
        """With at most that many names."""
        about = Why(str(self.about)).phrase if self.because is Because.LEAK else self.about
        names = shortened(self.names[:most], len(self.names[most:]) + self.more) or "–"
        return Phrase(_SENTENCES[self.because], names=names, about=about)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Reason:
        known = {"because": Because(data["because"]), "about": fact_of(data.get("about", ""))}
        return cls(**{**data, **known})


def reasons_of(version: Version) -> list[Reason]:
    """What is kept with a version. Codes that this release does not know are left out."""
    return [Reason.from_json(one) for one in version.reasons if one.get("because") in set(Because)]
