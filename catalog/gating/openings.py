"""The ways by which who launches can change a gate, or open it themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from catalog.gating.conditions import conditions_in, with_needed
from catalog.gating.email import parameters_of
from catalog.gating.graph import plumbing
from catalog.gating.inspection import Opening, Part
from catalog.gating.recognising import Found, counts
from catalog.gating.resources import Resource
from catalog.gating.tokens import open_parameters
from catalog.templates import Document, references

_ON = ("yes", "true")


def openings(doc: Document, found: Found, known: dict[str, Resource], given: list[str]) -> Iterator[Opening]:
    """`given`: the resources that refer to the gate's handle."""
    own = {one.id for one in found.all}
    for one in found.calls:
        if names := _choosing(doc, one.properties.get("ServiceToken"), known, own):
            yield Opening(Part.TOKEN, one.id, names)
    if not counts(found.wait):
        yield Opening(Part.COUNT, found.wait.id, sorted(references(_counting(found.wait)) & parameters_of(doc).keys()))
    for one in found.all:
        if one.condition:
            yield Opening(Part.CONDITION, one.id, _parameters_of(doc, {"Condition": one.condition}))
    yield from _proofs(doc, found)
    if names := _switching(doc, found.request.properties.get("GateUpdates")):
        yield Opening(Part.UPDATES, found.request.id, names)
    yield from (Opening(Part.SIGNAL, name) for name in sorted({*given} - own))


def open_in(doc: Document, names: set[str], known: dict[str, Resource]) -> dict[str, list[str]]:
    """Resource → the launch parameters its properties take, for those of a function that a gate calls: its code, its
    role, the template that makes it. Which property decides what, only AWS knows: every one counts."""
    found = {name: open_parameters(known[name].properties, doc) for name in sorted(names)}
    return {name: taken for name, taken in found.items() if taken}


def _choosing(doc: Document, token: Any, known: dict[str, Resource], own: set[str]) -> list[str]:
    inside = open_in(doc, plumbing(references(token) - own, known) - own, known)
    return sorted({*open_parameters(token, doc), *(name for names in inside.values() for name in names)})


def _counting(wait: Resource) -> list[Any]:
    return [wait.properties.get("Count"), wait.data.get("CreationPolicy")]


def _proofs(doc: Document, found: Found) -> Iterator[Opening]:
    """What the receipt is checked against has to be what this gate's own request and wait brought."""
    if found.receipt is None:
        return
    properties, request = found.receipt.properties, found.request.id
    sources = {"Data": found.wait.id, "Fingerprint": request, "Receipt": request}
    wrong = [
        properties[name]
        for name, source in sources.items()
        if name in properties and properties[name] != {"Fn::GetAtt": [source, name]}
    ]
    if wrong:
        yield Opening(Part.PROOF, found.receipt.id, _parameters_of(doc, wrong))


def _switching(doc: Document, written: Any) -> list[str]:
    """The parameters that can switch the holding of updates off."""
    if not isinstance(written, dict):
        return []
    parameters = parameters_of(doc)
    return [name for name in _parameters_of(doc, written) if not _is_on(parameters[name])]


def _is_on(parameter: Any) -> bool:
    values = parameter.get("AllowedValues") if isinstance(parameter, dict) else None
    return isinstance(values, list) and bool(values) and all(str(value).lower() in _ON for value in values)


def _parameters_of(doc: Document, value: Any) -> list[str]:
    """The parameters a value takes, those of its conditions included."""
    needed = with_needed(doc, list(conditions_in(value)), doc.data)
    return sorted(references([value, *needed.values()]) & parameters_of(doc).keys())
