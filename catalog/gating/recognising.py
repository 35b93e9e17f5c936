"""Recognises gates in a template, ours and those written by hand: a request that gets a handle's URL, and a wait
condition on that handle; with a receipt that is made from the wait's data, or without (design §2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from catalog.gating.graph import firm
from catalog.gating.names import HANDLE, RECEIPT, REQUEST, WAIT
from catalog.gating.resources import Resource

_POSITIVE = re.compile(r"0*[1-9][0-9]*\Z")


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

    @property
    def calls(self) -> tuple[Resource, ...]:
        """Its custom resources, which call a function."""
        return (self.request, self.receipt) if self.receipt else (self.request,)


def gates_in(known: dict[str, Resource]) -> list[Found]:
    """Every whole gate. `known`: the template's resources outside of loops."""
    on_handle, receipts, seen, found = _waits(known), _receipts(known), set[str](), list[Found]()
    for request in known.values():
        handle = _referred(request.properties.get("WaitUrl"), known)
        if request.kind == REQUEST and handle is not None and handle.kind == HANDLE:
            waits = on_handle.get(handle.id, [])
            # Each wait once, and each request once: of many on one handle not every pair.
            waits = waits if handle.id not in seen else waits[:1]
            seen.add(handle.id)
            found += [Found(handle, request, wait, receipts.get(wait.id)) for wait in waits]
    return found


def counts(wait: Resource) -> bool:
    """Whether a wait condition surely waits for a signal. An absent Count is 1; what a CreationPolicy makes of it
    beside a handle is not documented."""
    count: Any = wait.properties.get("Count", 1)
    return "CreationPolicy" not in wait.data and bool(_POSITIVE.match(str(count)))


def _waits(known: dict[str, Resource]) -> dict[str, list[Resource]]:
    """handle → the wait conditions on it."""
    made: dict[str, list[Resource]] = {}
    for one in known.values():
        handle = _referred(one.properties.get("Handle"), known) if one.kind == WAIT else None
        if handle is not None:
            made.setdefault(handle.id, []).append(one)
    return made


def _receipts(known: dict[str, Resource]) -> dict[str, Resource]:
    """wait condition → the first receipt that is made from its data."""
    made: dict[str, Resource] = {}
    for one in known.values():
        if one.kind == RECEIPT:
            for name in firm(one.properties.get("Data")):
                made.setdefault(name, one)
    return made


def _referred(value: Any, known: dict[str, Resource]) -> Resource | None:
    name = value.get("Ref") if isinstance(value, dict) and len(value) == 1 else None
    return known.get(name) if isinstance(name, str) else None
