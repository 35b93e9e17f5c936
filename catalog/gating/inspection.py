"""What is known about a template's gates, as data that can be stored: see `inspect`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

from portal.phrases import Phrase, recalled


class Why(StrEnum):
    """Why a resource can be made before anybody approved."""

    NO_GATE = "no_gate"
    NOT_WAITING = "not_waiting"
    CONDITION = "condition"
    NO_RECEIPT = "no_receipt"
    COUNT = "count"
    MACRO = "macro"
    NEEDED = "needed"

    @property
    def phrase(self) -> Phrase:
        return _WHY[self]


_WHY = {
    Why.NO_GATE: Phrase("The template has no gate."),
    Why.NOT_WAITING: Phrase("It waits for no gate."),
    Why.CONDITION: Phrase("What it waits for is not there under every condition."),
    Why.NO_RECEIPT: Phrase(
        "It waits for the wait condition alone, which the requester can end themselves; nobody checked a receipt."
    ),
    Why.COUNT: Phrase("The gate's wait condition may count to nothing."),
    Why.MACRO: Phrase("A macro makes resources of it that wait for nothing."),
    Why.NEEDED: Phrase("The gate itself waits for it, so it is made before anybody is asked."),
}


class Part(StrEnum):
    """What of a gate a launch parameter can change."""

    TOKEN = "token"  # noqa: S105 - a word
    COUNT = "count"
    CONDITION = "condition"
    PROOF = "proof"
    UPDATES = "updates"
    SIGNAL = "signal"


_PARTS = {
    Part.TOKEN: Phrase("token"),
    Part.COUNT: Phrase("count"),
    Part.CONDITION: Phrase("condition"),
    Part.PROOF: Phrase("proof"),
    Part.UPDATES: Phrase("updates"),
}


@dataclass(frozen=True, slots=True)
class Opening:
    """A way by which who launches can change the gate. `parameters` may be empty where a condition does it.

    SIGNAL: a resource beside the gate that is given the URL which ends the wait.
    """

    part: Part
    logical_id: str
    parameters: list[str] = field(default_factory=list)

    @property
    def phrase(self) -> Phrase:
        if self.part is Part.SIGNAL:
            return Phrase(
                "%(resource)s is given the URL of the gate's handle, and can end the wait itself.",
                resource=self.logical_id,
            )
        if self.parameters:
            return Phrase(
                "Who launches can change the %(part)s of %(resource)s by %(parameters)s.",
                part=_PARTS[self.part],
                resource=self.logical_id,
                parameters=self.parameters,
            )
        return Phrase(
            "Who launches can change the %(part)s of %(resource)s.", part=_PARTS[self.part], resource=self.logical_id
        )


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate. Expressions are data in the long form; a literal is itself. `tokens`: logical id → ServiceToken.

    `gate_updates`: whether updates of parameters alone wait too. `stale`: whether a gate of ours no longer fits its
    template, None for one that is not ours.
    """

    kind: str
    handle: str
    request: str
    wait: str
    receipt: str = ""
    version: str = ""
    tokens: dict[str, Any] = field(default_factory=dict)
    openings: list[Opening] = field(default_factory=list)
    timeout: Any = None
    service_timeout: Any = None
    email: Any = None
    gate_updates: bool = False
    stale: bool | None = None

    @property
    def is_ours(self) -> bool:
        return bool(self.version)

    @property
    def release(self) -> str:
        """What a resource has to be made after."""
        return self.receipt or self.wait

    @property
    def ids(self) -> list[str]:
        return [name for name in (self.handle, self.request, self.wait, self.receipt) if name]


@dataclass(frozen=True, slots=True)
class Leak:
    """A resource that can be made before approval."""

    logical_id: str
    type: str
    line: int
    why: Why


@dataclass(frozen=True, slots=True)
class Child:
    """A nested stack. `pinned`: its template cannot be exchanged behind the URL; `why` says what is missing."""

    logical_id: str
    url: Any
    pinned: bool
    why: Phrase | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """`cannot`: why no gate can be written into this template, None if one can. `needed_by_gate`: what cannot wait as
    the gate needs it. `no_echo`, `not_fed`: parameters whose change alone the gate does not see. `wraps`: the sha256
    of the template inside, where this one wraps it."""

    gates: list[Gate] = field(default_factory=list)
    leaks: list[Leak] = field(default_factory=list)
    children: list[Child] = field(default_factory=list)
    needed_by_gate: list[str] = field(default_factory=list)
    no_echo: list[str] = field(default_factory=list)
    not_fed: list[str] = field(default_factory=list)
    resource_types: dict[str, int] = field(default_factory=dict)
    cannot: Phrase | None = None
    wraps: str = ""

    @property
    def is_gated(self) -> bool:
        """Whether nothing can be made before approval, and no parameter changes that."""
        return bool(self.gates) and not self.leaks and not self.openings

    @property
    def is_stale(self) -> bool:
        return any(gate.stale for gate in self.gates)

    @property
    def openings(self) -> list[Opening]:
        return [one for gate in self.gates for one in gate.openings]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Inspection:
        """Reads what `to_json` gave; unknown fields of a later version are left out."""
        return cls(
            **{
                **_known(cls, data),
                "gates": [_gate(one) for one in data.get("gates", [])],
                "leaks": [Leak(**{**_known(Leak, one), "why": Why(one["why"])}) for one in data.get("leaks", [])],
                "children": [
                    Child(**{**_known(Child, one), "why": recalled(one.get("why"))}) for one in data.get("children", [])
                ],
                "cannot": recalled(data.get("cannot")),
            }
        )


def _known(kind: Any, data: dict[str, Any]) -> dict[str, Any]:
    names = {one.name for one in fields(kind)}
    return {name: value for name, value in data.items() if name in names}


def _gate(data: dict[str, Any]) -> Gate:
    openings = [Opening(**{**_known(Opening, one), "part": Part(one["part"])}) for one in data.get("openings", [])]
    return Gate(**{**_known(Gate, data), "openings": openings})
