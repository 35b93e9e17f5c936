"""What one template says about its gate, wherever it is launched. Kept with the template, as JSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from catalog.coverage.tokens import Settled, settled
from catalog.gating import Gate, Inspection, inspect
from catalog.gating.names import RECEIPT, REQUEST
from catalog.gating.resources import section
from catalog.templates import BadTemplate, Document, plain, read

# One more whenever an analysis says more than before, or something else: stored ones are made again then.
VERSION = 1
_FUNCTIONS = {REQUEST: "gatehouse-notify", RECEIPT: "gatehouse-verify"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """A custom resource of a gate, and the function it calls."""

    logical_id: str
    kind: str
    token: Settled

    @property
    def function(self) -> str:
        """The function of ours it has to call."""
        return _FUNCTIONS[self.kind]


@dataclass(frozen=True, slots=True)
class Analysis:
    """`waits`: wait condition → seconds, None where only CloudFormation knows. `bad`: why it cannot be understood."""

    inspection: Inspection = field(default_factory=Inspection)
    calls: list[Call] = field(default_factory=list)
    waits: dict[str, int | None] = field(default_factory=dict)
    bad: str = ""

    def to_json(self) -> dict[str, Any]:
        """The inspection's own JSON, with the rest beside it, as PostgreSQL takes it: no NUL, no half characters."""
        calls = [asdict(call) for call in self.calls]
        data = {**self.inspection.to_json(), "calls": calls, "waits": self.waits, "bad": self.bad}
        text = json.dumps(data, ensure_ascii=False).replace("\\u0000", "\\ufffd")
        storable: dict[str, Any] = json.loads(text.encode("utf-8", "replace"))
        return storable

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Analysis:
        calls = [Call(**one) for one in data.get("calls", [])]
        return cls(Inspection.from_json(data), calls, data.get("waits", {}), data.get("bad", ""))


def analyse(text: str) -> Analysis:
    """Never raises: what cannot be understood says so."""
    try:
        document = read(text.encode())
        return _analysed(document, inspect(document))
    except BadTemplate as error:
        return Analysis(bad=str(error))
    except Exception as error:  # noqa: BLE001 - one strange template must not keep the others from being looked at
        # An error's words may quote the template.
        _log.error("a template could not be analysed", extra={"error": type(error).__name__})
        return Analysis(bad=type(error).__name__)


def analysis_of(data: dict[str, Any], version: int) -> Analysis | None:
    """What is kept of a template (`Template.analysis`, `.analysis_version`); None if it was not analysed yet."""
    return Analysis.from_json(data) if version else None


def _analysed(document: Document, inspection: Inspection) -> Analysis:
    parameters, mappings = _data(document, "Parameters"), _data(document, "Mappings")
    defaults = {
        name: str(one["Default"]) for name, one in parameters.items() if isinstance(one, dict) and "Default" in one
    }
    calls = [
        Call(logical_id, kind, settled(gate.tokens.get(logical_id), defaults, mappings))
        for gate in inspection.gates
        for logical_id, kind in _custom_resources(gate)
    ]
    waits = {gate.wait: _seconds(settled(gate.timeout, defaults, mappings)) for gate in inspection.gates}
    return Analysis(inspection, calls, waits)


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
