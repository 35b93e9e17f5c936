"""Reads what a template's gates hold, and what they do not. Nothing is guessed: what is not surely held leaks.

A resource is held if it is made after a gate's release point (the receipt if there is one, else the wait condition),
directly or through others, each of which is there under the same condition or under none. A reference inside an Fn::If
counts for nothing, as CloudFormation draws no edge for the branch that is not taken.

What the gate waits for leaks, as it is made before anybody is asked; but not what the functions are made of that the
gate calls, if their ServiceTokens name them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from catalog.gating.children import child_of, wrapped_sha256
from catalog.gating.email import is_hidden, parameters_of
from catalog.gating.graph import closure, plumbing, waits_for
from catalog.gating.inspection import Gate, Inspection, Leak, Why
from catalog.gating.names import NESTED
from catalog.gating.openings import openings
from catalog.gating.ours import Ours, is_stale, ours_in
from catalog.gating.recognising import Found, counts, gates_in
from catalog.gating.resources import Resource, resources
from catalog.gating.transforms import cannot_gate, hooks, transform_of
from catalog.templates import Document, read, references
from portal.phrases import Phrase


def inspect(source: bytes | Document, name: str = "template") -> Inspection:
    """What is gated in a template. Raises BadTemplate."""
    doc = source if isinstance(source, Document) else read(source, name)
    hook, reason = hooks(doc), cannot_gate(doc)
    if hook is not None:
        reason = hook, Phrase("A template with a Hooks section takes no gate.")
    macro = transform_of(doc)
    if reason and hook is None and macro is None and ours_in(doc):
        # It is too large for a second gate only.
        reason = None
    cannot = doc.bad(*reason).said if reason else None
    everything = resources(doc)
    known = {one.id: one for one in everything if not one.looped}
    found = gates_in(known)
    own = {one.id for gate in found for one in gate.all}
    needed = needed_by(found, known)
    leaks = list(_leaks(everything, known, found, own | needed))
    if macro is not None:
        leaks.append(Leak("Transform", "", macro.line, Why.MACRO))
    parameters = parameters_of(doc)
    return Inspection(
        gates=_gates(doc, found, known),
        leaks=leaks,
        children=[child_of(one) for one in everything if one.kind == NESTED],
        needed_by_gate=sorted(needed),
        no_echo=[name for name, one in parameters.items() if is_hidden(one)],
        not_fed=_not_fed(parameters, found),
        resource_types=dict(Counter(one.kind for one in everything)),
        cannot=cannot,
        wraps=wrapped_sha256(doc),
    )


def needed_by(gates: list[Found], known: dict[str, Resource]) -> set[str]:
    """What the functions that gates call are made of: it cannot wait for them."""
    own = {one.id for gate in gates for one in gate.all}
    tokens = [one.properties.get("ServiceToken") for gate in gates for one in gate.calls]
    return plumbing(references(tokens) - own, known) - own


def _leaks(
    everything: list[Resource], known: dict[str, Resource], gates: list[Found], exempt: set[str]
) -> Iterator[Leak]:
    releases = [gate.release for gate in gates if counts(gate.wait)]
    waits = {gate.wait.id for gate in gates}
    held = _held(known, releases)
    before = closure({one.id for gate in gates for one in gate.all}, known)
    for one in everything:
        if (one.id in exempt and not one.looped) or _is_held(one, known, held):
            continue
        after = waits_for(one)
        why = Why.NOT_WAITING
        if not gates:
            why = Why.NO_GATE
        elif one.id in before and not one.looped:
            why = Why.NEEDED
        elif not releases:
            why = Why.COUNT
        elif after & held:
            why = Why.CONDITION
        elif after & waits:
            why = Why.NO_RECEIPT
        yield Leak(one.id, one.kind, one.key.line, why)


def _held(known: dict[str, Resource], releases: list[Resource]) -> set[str]:
    """The release points and every resource that is surely made after one."""
    held = {one.id for one in releases}
    after: dict[str, list[Resource]] = {}
    for one in known.values():
        for name in waits_for(one):
            after.setdefault(name, []).append(one)
    left = list(held)
    while left:
        name = left.pop()
        for one in after.get(name, ()):
            if one.id not in held and _is_there_with(known[name], one):
                held.add(one.id)
                left.append(one.id)
    return held


def _is_held(one: Resource, known: dict[str, Resource], held: set[str]) -> bool:
    if not one.looped:
        return one.id in held
    return any(_is_there_with(known[name], one) for name in waits_for(one) & held)


def _is_there_with(first: Resource, one: Resource) -> bool:
    return not first.condition or first.condition == one.condition


def _gates(doc: Document, found: list[Found], known: dict[str, Resource]) -> list[Gate]:
    ours = {one.ids.handle: one for one in ours_in(doc)}
    given = _given(resources(doc), {gate.handle.id for gate in found})
    return [_gate(doc, gate, known, given, ours.get(gate.handle.id)) for gate in found]


def _given(everything: list[Resource], handles: set[str]) -> dict[str, list[str]]:
    """handle → the resources that refer to it."""
    made: dict[str, list[str]] = {}
    for one in everything if handles else ():
        for handle in references(one.data) & handles:
            made.setdefault(handle, []).append(one.id)
    return made


def _gate(
    doc: Document, found: Found, known: dict[str, Resource], given: dict[str, list[str]], ours: Ours | None
) -> Gate:
    asks, receipt = found.request.properties, found.receipt
    return Gate(
        kind="receipt" if receipt else "classic",
        handle=found.handle.id,
        request=found.request.id,
        wait=found.wait.id,
        receipt=receipt.id if receipt else "",
        version=ours.version if ours else "",
        tokens={one.id: one.properties.get("ServiceToken") for one in found.calls},
        openings=list(openings(doc, found, known, given.get(found.handle.id, []))),
        timeout=found.wait.properties.get("Timeout"),
        service_timeout=asks.get("ServiceTimeout"),
        email=asks.get("EmailID"),
        gate_updates=_gates_updates(asks.get("GateUpdates"), is_asked=receipt is not None),
        stale=is_stale(doc, ours) if ours else None,
    )


def _gates_updates(written: Any, *, is_asked: bool) -> bool:
    """As notify reads it: where nothing is written, a gate with a receipt holds updates."""
    if written is None:
        return is_asked
    return isinstance(written, dict) or str(written).lower() not in ("no", "false")


def _not_fed(parameters: dict[str, Any], found: list[Found]) -> list[str]:
    """Visible parameters whose change CloudFormation does not tell a gate."""
    fed = set[str]().union(*(references(gate.request.properties) for gate in found))
    return [name for name, one in parameters.items() if found and name not in fed and not is_hidden(one)]
