"""The last look at what was written, by other means than it was written with. What fails here is never handed out."""

from __future__ import annotations

from typing import Any

from catalog.gating.adding import MOST_OUTPUTS
from catalog.gating.building import Written
from catalog.gating.email import MOST_PARAMETERS, parameters_of
from catalog.gating.inspecting import inspect
from catalog.gating.inspection import Inspection
from catalog.gating.ours import without_ours
from catalog.gating.transforms import MOST_RESOURCES
from catalog.templates import BadTemplate, Document, read
from portal.phrases import Phrase


class CheckFailed(Exception):
    """The gated template is not what it should be. `found` says how."""

    def __init__(self, found: Phrase) -> None:
        super().__init__(found)
        self.found = found


def checked(doc: Document, written: Written) -> tuple[bytes, Inspection]:
    """The gated template's bytes and what is found in them; `doc` is the template before.

    Raises CheckFailed and, for what the template is too large for, BadTemplate.
    """
    data = doc.encode(written.text)
    try:
        after = read(data, doc.name)
        found = inspect(after)
    except BadTemplate as error:
        # Its line is one of what was written, which nobody has.
        raise CheckFailed(error.what) from None
    _check_limits(doc, after)
    if [gate.version for gate in found.gates if gate.is_ours] != [written.ids.version] or found.is_stale:
        raise CheckFailed(Phrase("the gate is not found again"))
    if found.leaks or found.openings:
        leak = Phrase("%(name)s is not held", name=found.leaks[0].logical_id) if found.leaks else None
        raise CheckFailed(leak or Phrase("the gate is not held"))
    if set(found.needed_by_gate) != set(written.exempt):
        raise CheckFailed(Phrase("other resources than were meant do not wait"))
    if without_ours(after) != doc.text:
        raise CheckFailed(Phrase("the gate cannot be taken out again"))
    if _rest(after, written) != _rest(doc, written):
        raise CheckFailed(Phrase("something beside the gate has changed"))
    return data, found


def _check_limits(doc: Document, after: Document) -> None:
    resources, outputs = after.root.get("Resources"), after.root.get("Outputs")
    if resources is not None and len(resources.items) > MOST_RESOURCES:
        what = Phrase("With the gate it would have more than %(most)d resources. Wrap it.", most=MOST_RESOURCES)
        raise doc.bad(doc.root.key("Resources"), what)
    if len(parameters_of(after)) > MOST_PARAMETERS:
        what = Phrase("It has more than %(most)d parameters, the limit.", most=MOST_PARAMETERS)
        raise doc.bad(doc.root.key("Parameters"), what)
    if outputs is not None and len(outputs.items) > MOST_OUTPUTS:
        what = Phrase("It has more than %(most)d outputs, the limit.", most=MOST_OUTPUTS)
        raise doc.bad(doc.root.key("Outputs"), what)


def _rest(doc: Document, written: Written) -> dict[str, Any]:
    """A template as data without this gate: a second way to the same. Empty sections are left out."""
    ids, added = set(written.ids.all), written.added
    data = {name: doc.data(node) for name, node in doc.root.entries()}
    data["Resources"] = {name: _freed(one, ids) for name, one in data["Resources"].items() if name not in ids}
    for section, name in (("Parameters", added.parameter), ("Mappings", added.mapping), ("Outputs", added.output)):
        if isinstance(data.get(section), dict):
            data[section] = {key: one for key, one in data[section].items() if key != name}
    if added.has_group or added.has_label:
        del data["Metadata"]
    return {name: value for name, value in data.items() if value}


def _freed(resource: Any, ids: set[str]) -> Any:
    if isinstance(resource, list):
        # A loop: identifier, collection, bodies.
        return [*resource[:2], {name: _freed(one, ids) for name, one in resource[2].items()}]
    names = resource.get("DependsOn", [])
    names = names if isinstance(names, list) else [names]
    left = [name for name in names if not (isinstance(name, str) and name in ids)]
    return {**resource, "DependsOn": left}
