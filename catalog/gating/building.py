"""Writes a gate into a template that has none: the resources, what they need, and a DependsOn on everything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from catalog.gating import email
from catalog.gating.adding import add, additions
from catalog.gating.editing import Editor
from catalog.gating.graph import circle, closure, plumbing
from catalog.gating.names import UNKNOWN, Ids
from catalog.gating.openings import open_in
from catalog.gating.options import Options
from catalog.gating.parts import Additions, output_data, parts, sha256_of, version_of
from catalog.gating.resources import Resource, entry, resources
from catalog.gating.tokens import open_parameters
from catalog.gating.waiting import wait
from catalog.templates import Document, references
from portal.phrases import Phrase


@dataclass(frozen=True, slots=True)
class Written:
    """A template with its gate. `exempt`: the resources that the gate itself needs and that do not wait."""

    text: str
    ids: Ids
    added: Additions
    exempt: tuple[str, ...]


def write(doc: Document, options: Options) -> Written:
    """`doc` has no gate of ours. Raises BadTemplate."""
    everything = resources(doc)
    known = {one.id: one for one in everything if not one.looped}
    _check_circles(doc, known)
    ids = _ids(doc, options)
    added = additions(doc, options, ids)
    gate = _parts(doc, options, ids, added)
    for name in ids.all:
        if name in known:
            what = Phrase("The logical id %(name)s is the gate's, and is taken. Rename that resource.", name=name)
            raise doc.bad(known[name].key, what)
    exempt = _exempt(doc, options, gate, known)
    editor = Editor(doc)
    key, node = entry(doc, "Resources")
    add(editor, added, ids)
    editor.add_first(key, node, gate)
    waiting = [one for one in everything if one.looped or one.id not in exempt]
    for one in {id(one.node): one for one in waiting}.values():
        wait(editor, one, ids.release)
    return Written(editor.text(), ids, added, tuple(sorted(exempt)))


def _ids(doc: Document, options: Options) -> Ids:
    left_open = Ids(UNKNOWN, options.classic)
    added = additions(doc, options, left_open)
    gate = _parts(doc, options, left_open, added)
    return Ids(version_of(doc.text, gate, _defined(added, left_open), left_open), options.classic)


def _parts(doc: Document, options: Options, ids: Ids, added: Additions) -> dict[str, Any]:
    parameters = email.parameters_of(doc)
    seen = [name for name, one in parameters.items() if not email.is_hidden(one)]
    fed = [added.parameter, *seen] if added.parameter else seen
    return parts(options, ids, added, fed, sha256_of(doc.text))


def _defined(added: Additions, ids: Ids) -> dict[str, Any]:
    entries: dict[str, tuple[str, Any]] = {
        "Parameters": (added.parameter, added.parameter_data),
        "Mappings": (added.mapping, added.mapping_data),
        "Outputs": (added.output, output_data(ids)),
    }
    return {f"{section}.{name}": data for section, (name, data) in entries.items() if name}


def _check_circles(doc: Document, known: dict[str, Resource]) -> None:
    if names := circle(known):
        what = Phrase(
            "Its resources wait for each other in a circle (%(circle)s; %(lines)s). Cut it at one of them.",
            circle=" → ".join(names),
            lines=[Phrase("%(name)s in line %(line)d", name=name, line=known[name].key.line) for name in names[:-1]],
        )
        raise doc.bad(known[names[0]].key, what)


def _exempt(doc: Document, options: Options, gate: dict[str, Any], known: dict[str, Resource]) -> set[str]:
    """What the gate needs, e.g. a function of the template that a token names. Raises BadTemplate."""
    for token in (options.notify, options.verify):
        _check_token(doc, token.value, known)
    exempt = plumbing(references(gate) - gate.keys(), known)
    for name in sorted(closure(exempt, known) - exempt):
        what = Phrase(
            "The function that the gate calls waits for %(name)s, which would be made before anybody is asked. "
            "Take the DependsOn on it away, or take another token.",
            name=name,
        )
        raise doc.bad(known[name].key, what)
    for name, taken in open_in(doc, exempt, known).items():
        what = Phrase(
            "The gate needs %(name)s, which takes the parameter %(parameter)s: by it a requester could change what the "
            "gate calls. Give the parameter AllowedValues, or take another token.",
            name=name,
            parameter=taken[0],
        )
        raise doc.bad(known[name].key, what)
    for name in sorted(exempt):
        if known[name].condition:
            what = Phrase(
                "The gate needs %(name)s, which has a Condition: without it nobody would be asked. Take another token.",
                name=name,
            )
            raise doc.bad(known[name].key, what)
    return exempt


def _check_token(doc: Document, value: Any, known: dict[str, Resource]) -> None:
    parameters = email.parameters_of(doc)
    if names := open_parameters(value, doc):
        what = Phrase(
            "The token takes the parameter %(parameter)s, by which a requester could name a function of their own. "
            "Give it AllowedValues, or take another token.",
            parameter=names[0],
        )
        raise doc.bad(doc.root.get("Parameters"), what)
    for name in sorted(references(value)):
        if not name.startswith("AWS::") and name not in parameters and name not in known:
            what = Phrase(
                "The token refers to %(name)s, and the template has no resource or parameter of that name.", name=name
            )
            raise doc.bad(None, what)
