"""What people should know about a gate, as sentences for any language."""

from __future__ import annotations

from catalog.gating.building import Written
from catalog.gating.checks import gate_notes
from catalog.gating.inspection import Inspection
from catalog.gating.resources import resources
from catalog.templates import Document, references
from portal.phrases import Phrase, listed

_SHOWN = 10


def already(found: Inspection) -> Phrase:
    """Why a template with a gate of another hand was left as it is."""
    if found.leaks or found.openings or found.cannot:
        return Phrase("It has a gate written by hand, which does not hold everything: see the notes, or upgrade it.")
    return Phrase("It has a gate written by hand; upgrade replaces it by ours.")


def notes_of(doc: Document, found: Inspection, written: Written | None) -> list[Phrase]:
    """`found`: what was inspected in the end; `written`: what was added, None where nothing was."""
    needed = found.needed_by_gate if found.gates else []
    return [
        *(_added(written) if written else []),
        *([Phrase("The gate needs these, so they do not wait for it: %(names)s.", names=needed)] if needed else []),
        *_leaks(found),
        *(one.phrase for one in found.openings),
        *_unseen(found),
        *_children(found),
        *_others(doc, found),
    ]


def _added(written: Written) -> list[Phrase]:
    release, parameter = written.ids.release, written.added.parameter
    notes = [Phrase("The other resources wait for %(name)s, which is made only after an approval.", name=release)]
    if parameter:
        notes.append(Phrase("The parameter %(name)s was added for the requester's e-mail address.", name=parameter))
    elif not written.added.email:
        said = Phrase("There is no room for a parameter with the requester's e-mail address: the desk is not told it.")
        notes.append(said)
    return notes


def _leaks(found: Inspection) -> list[Phrase]:
    if not found.gates:
        return []
    return [
        Phrase(
            "%(name)s (%(type)s, line %(line)d) is not held: %(why)s",
            name=one.logical_id,
            type=one.type,
            line=one.line,
            why=one.why.phrase,
        )
        for one in found.leaks
    ]


def _unseen(found: Inspection) -> list[Phrase]:
    notes = []
    if found.gates and found.no_echo:
        said = Phrase(
            "A change of these parameters alone asks nobody, as they are NoEcho: %(names)s.",
            names=listed(found.no_echo, _SHOWN),
        )
        notes.append(said)
    return [*notes, *(gate_notes(found) if found.gates else [])]


def _children(found: Inspection) -> list[Phrase]:
    return [
        Phrase(
            "The nested stack %(name)s may bring another template than the one looked at. %(why)s",
            name=one.logical_id,
            why=one.why,
        )
        for one in found.children
        if one.why is not None
    ]


def _others(doc: Document, found: Inspection) -> list[Phrase]:
    """Waits of the product itself that another desk may answer."""
    ours = {name for gate in found.gates for name in gate.ids}
    everything = resources(doc)
    handles = {one.id for one in everything if one.kind.endswith("::WaitConditionHandle")} - ours
    asking = [
        one.id
        for one in everything
        if one.kind.startswith("Custom::") and one.id not in ours and references(one.properties) & handles
    ]
    return [
        Phrase("%(name)s seems to ask somebody else for an approval too: the launch waits for both.", name=name)
        for name in asking
    ]
