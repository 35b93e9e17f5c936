"""Recognises gates in a template, ours and those written by hand: a request that gets a handle's URL, and a wait
condition on that handle; with a receipt that is made from the wait's data, or without (design §2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from catalog.gating.graph import firm
from catalog.gating.names import HANDLE, RECEIPT, REQUEST, WAIT
from catalog.gating.resources import Resource


@dataclass(frozen=True, slots=True)
class Found:
    """The resources of one gate."""

    handle: Resource
    request: Resource
    wait: Resource
    receipt: Resource | None

    @property
    def release(self) -> Resource:
        """What a resource has to be made after."""
        return self.receipt or self.wait

    @property
    def all(self) -> tuple[Resource, ...]:
        three = (self.handle, self.request, self.wait)
        return (*three, self.receipt) if self.receipt else three


def gates_in(known: dict[str, Resource]) -> list[Found]:
    """Every whole gate. `known`: the template's resources outside of loops."""
    found = []
    for request in known.values():
        handle = _referred(request.properties.get("WaitUrl"), known)
        if request.kind == REQUEST and handle is not None and handle.kind == HANDLE:
            waits = (one for one in known.values() if one.kind == WAIT and _is_on(one, handle))
            found += [Found(handle, request, wait, _receipt_of(wait, known)) for wait in waits]
    return found


def counts(wait: Resource) -> bool:
    """Whether a wait condition surely waits for a signal. An absent Count is 1."""
    count: Any = wait.properties.get("Count", 1)
    return str(count).isdecimal() and int(count) >= 1


def _is_on(wait: Resource, handle: Resource) -> bool:
    return bool(wait.properties.get("Handle") == {"Ref": handle.id})


def _receipt_of(wait: Resource, known: dict[str, Resource]) -> Resource | None:
    return next(
        (one for one in known.values() if one.kind == RECEIPT and wait.id in firm(one.properties.get("Data"))),
        None,
    )


def _referred(value: Any, known: dict[str, Resource]) -> Resource | None:
    name = value.get("Ref") if isinstance(value, dict) and len(value) == 1 else None
    return known.get(name) if isinstance(name, str) else None
