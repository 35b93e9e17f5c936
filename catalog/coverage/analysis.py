"""What one template says about its gate, wherever it is launched. Kept with the template, as JSON."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from catalog.coverage.tokens import Known, Settled, possible, settled
from catalog.gating import Gate, Inspection, inspect
from catalog.gating.children import child_of
from catalog.gating.names import RECEIPT, REQUEST
from catalog.gating.resources import resources, section
from catalog.templates import BadTemplate, Document, plain, read
from portal.phrases import Phrase, recalled
from portal.storable import storable

# One more whenever an analysis says more than before, or something else: stored ones are made again then.
VERSION = 5
_STACK_SET = "AWS::CloudFormation::StackSet"
_FUNCTIONS = {REQUEST: "gatehouse-notify", RECEIPT: "gatehouse-verify"}
# Of an SSM type the values are names, not what is stored there.
_TEXTS = ("String", "Number")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """A custom resource of a gate, and the function it calls. `others`: those it may call as well, by what parameters
    allow and conditions choose."""

    logical_id: str
    kind: str
    token: Settled
    others: list[Settled] = field(default_factory=list)

    @property
    def tokens(self) -> list[Settled]:
        return [self.token, *self.others]

    @property
    def function(self) -> str:
        """The function of ours it has to call."""
        return _FUNCTIONS[self.kind]


@dataclass(frozen=True, slots=True)
class Analysis:
    """`waits`: wait condition → seconds, None where only CloudFormation knows. `bad`: why it cannot be understood.

    `stack_sets`: those whose template can be exchanged behind its URL.
    """

    inspection: Inspection = field(default_factory=Inspection)
    calls: list[Call] = field(default_factory=list)
    waits: dict[str, int | None] = field(default_factory=dict)
    bad: Phrase | None = None
    stack_sets: list[str] = field(default_factory=list)

    @property
    def loose(self) -> list[str]:
        """Nested stacks and stack sets whose templates can be exchanged after they were looked at."""
        return [*(child.logical_id for child in self.inspection.children if not child.pinned), *self.stack_sets]

    @property
    def handles(self) -> list[str]:
        """What names its gates: an update to a version whose gates have the same names waits for nothing new."""
        return sorted(gate.handle for gate in self.inspection.gates)

    def to_json(self) -> dict[str, Any]:
        """The inspection's own JSON, with the rest beside it, as PostgreSQL takes it: no NUL, no half characters."""
        calls = [asdict(call) for call in self.calls]
        own = {"calls": calls, "waits": self.waits, "bad": self.bad and self.bad.kept(), "stack_sets": self.stack_sets}
        data: dict[str, Any] = storable({**self.inspection.to_json(), **own})
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Analysis:
        calls = [Call(**one) for one in data.get("calls", [])]
        inspection, stack_sets = Inspection.from_json(data), data.get("stack_sets", [])
        return cls(inspection, calls, data.get("waits", {}), recalled(data.get("bad")), stack_sets)


def analyse(text: str) -> Analysis:
    """Never raises: what cannot be understood says so."""
    try:
        document = read(text.encode())
        return _analysed(document, inspect(document))
    except BadTemplate as error:
        return Analysis(bad=error.said)
    except Exception as error:  # noqa: BLE001 - one strange template must not keep the others from being looked at
        # An error's words may quote the template.
        _log.error("a template could not be analysed", extra={"error": type(error).__name__})
        what = Phrase(
            "Looking at it failed by a mistake of ours (%(error)s). Please report it with the template.",
            error=type(error).__name__,
        )
        return Analysis(bad=what)


def analysis_of(data: dict[str, Any], version: int) -> Analysis | None:
    """What is kept of a template (`Template.analysis`, `.analysis_version`); None if it was not analysed yet."""
    return Analysis.from_json(data) if version else None


def _analysed(document: Document, inspection: Inspection) -> Analysis:
    known = _known(document)
    calls = []
    for gate in inspection.gates:
        for logical_id, kind in _custom_resources(gate):
            token, *others = possible(gate.tokens.get(logical_id), known)
            calls.append(Call(logical_id, kind, token, others))
    waits = {gate.wait: _seconds(settled(gate.timeout, known.defaults, known.mappings)) for gate in inspection.gates}
    return Analysis(inspection, calls, waits, stack_sets=list(_stack_sets(document)))


def _known(document: Document) -> Known:
    parameters = {name: one for name, one in _data(document, "Parameters").items() if isinstance(one, dict)}
    allowed = {name: one.get("AllowedValues") for name, one in parameters.items() if one.get("Type") in _TEXTS}
    return Known(
        {name: str(one["Default"]) for name, one in parameters.items() if "Default" in one},
        {name: [str(one) for one in values] for name, values in allowed.items() if isinstance(values, list) and values},
        frozenset(one.id for one in resources(document)),
        _data(document, "Mappings"),
    )


def _stack_sets(document: Document) -> Iterator[str]:
    """Made by a URL. One that brings its template along is as fixed as what is around it."""
    for one in resources(document):
        if one.kind == _STACK_SET and "TemplateBody" not in one.properties and not child_of(one).pinned:
            yield one.id


def _custom_resources(gate: Gate) -> Iterator[tuple[str, str]]:
    yield gate.request, REQUEST
    if gate.receipt:
        yield gate.receipt, RECEIPT


def _data(document: Document, name: str) -> dict[str, Any]:
    found = section(document, name)
    data = {} if found is None else plain(found)
    return data if isinstance(data, dict) else {}


def _seconds(value: Settled) -> int | None:
    return int(value) if isinstance(value, str) and value.isdecimal() else None
