"""What people should know about a gate, as sentences."""

from __future__ import annotations

from catalog.gating.building import Written
from catalog.gating.checks import gate_notes
from catalog.gating.inspection import Inspection
from catalog.gating.resources import resources
from catalog.templates import Document, references

_SHOWN = 10


def already(found: Inspection) -> str:
    """Why a template with a gate of another hand was left as it is."""
    if found.leaks or found.openings or found.cannot:
        return "It has a gate written by hand, which does not hold everything: see the notes, or upgrade it."
    return "It has a gate written by hand; upgrade replaces it by ours."


def notes_of(doc: Document, found: Inspection, written: Written | None) -> list[str]:
    """`found`: what was inspected in the end; `written`: what was added, None where nothing was."""
    needed = found.needed_by_gate if found.gates else []
    return [
        *(_added(written) if written else []),
        *([f"The gate needs these, so they do not wait for it: {', '.join(needed)}."] if needed else []),
        *_leaks(found),
        *(one.sentence for one in found.openings),
        *_unseen(found),
        *_children(found),
        *_others(doc, found),
    ]


def _added(written: Written) -> list[str]:
    notes = [f"The other resources wait for {written.ids.release}, which is made only after an approval."]
    if written.added.parameter:
        notes.append(f"The parameter {written.added.parameter} was added for the requester's e-mail address.")
    elif not written.added.email:
        notes.append("There is no room for a parameter with the requester's e-mail address: the desk is not told it.")
    return notes


def _leaks(found: Inspection) -> list[str]:
    if not found.gates:
        return []
    return [f"{one.logical_id} ({one.type}, line {one.line}) is not held: {one.why.sentence}" for one in found.leaks]


def _unseen(found: Inspection) -> list[str]:
    notes = []
    if found.gates and found.no_echo:
        notes.append(f"A change of these parameters alone asks nobody, as they are NoEcho: {_list(found.no_echo)}.")
    return [*notes, *(gate_notes(found) if found.gates else [])]


def _children(found: Inspection) -> list[str]:
    loose = [one for one in found.children if not one.pinned]
    return [
        f"The nested stack {one.logical_id} may bring another template than the one looked at. {one.why}"
        for one in loose
    ]


def _others(doc: Document, found: Inspection) -> list[str]:
    """Waits of the product itself that another desk may answer."""
    ours = {name for gate in found.gates for name in gate.ids}
    everything = resources(doc)
    handles = {one.id for one in everything if one.kind.endswith("::WaitConditionHandle")} - ours
    asking = [
        one.id
        for one in everything
        if one.kind.startswith("Custom::") and one.id not in ours and references(one.properties) & handles
    ]
    return [f"{name} seems to ask somebody else for an approval too: the launch waits for both." for name in asking]


def _list(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
