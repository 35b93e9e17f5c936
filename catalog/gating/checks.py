"""What `--check` says about a template, as lines of "file:line: sentence"; the command line speaks English."""

from __future__ import annotations

from catalog.gating.inspection import Inspection
from portal.phrases import Phrase


def found_in(found: Inspection, name: str) -> list[str]:
    """What has to be mended: resources that can be made before approval, gates that a launch can change, stale ones."""
    return [
        *(f"{name}:{leak.line}: {leak.logical_id} ({leak.type}): {leak.why.phrase}" for leak in found.leaks),
        *(f"{name}:1: {one.phrase}" for one in found.openings),
        *(
            f"{name}:1: The gate {gate.version} is stale: the template or the gate was changed after it. Gate it again."
            for gate in found.gates
            if gate.stale
        ),
    ]


def gate_notes(found: Inspection) -> list[Phrase]:
    """What the kind of the gate leaves open: forged signals, and changes of visible parameters that ask nobody."""
    classic = [gate.wait for gate in found.gates if gate.kind == "classic"]
    return [
        *(
            Phrase(
                "%(wait)s takes any signal: whoever may read the stack's events can end the wait themselves.", wait=wait
            )
            for wait in classic
        ),
        *_updates_notes(found),
    ]


def _updates_notes(found: Inspection) -> list[Phrase]:
    if not any(gate.gate_updates for gate in found.gates):
        return [Phrase("A change of parameters alone asks nobody: the gate does not hold updates.")]
    if not found.not_fed:
        return []
    return [Phrase("A change of these parameters alone is not told to the gate: %(names)s.", names=found.not_fed)]


def notes_in(found: Inspection, name: str) -> list[str]:
    """What cannot be mended here, or is for a person to judge."""
    if not found.gates:
        return [str(found.cannot)] if found.cannot else []
    needed = found.needed_by_gate
    return [
        *(f"{name}:1: note: {one} does not wait: the function that the gate calls is made of it." for one in needed),
        *(f"{name}:1: note: A change of {one} alone asks nobody, as it is NoEcho." for one in found.no_echo),
        *(f"{name}:1: note: {one}" for one in gate_notes(found)),
        *(f"{name}:1: note: {one.logical_id}: {one.why}" for one in found.children if not one.pinned),
    ]
