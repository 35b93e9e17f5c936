"""What a provider said about a person, the same for both kinds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Claims:
    """`address` is lowercase, and empty unless it is known to be theirs. `groups` is None where nobody can know:
    the provider was not asked, or did not tell. `proved_at`: when they last proved themselves to the provider."""

    address: str
    name: str
    groups: frozenset[str] | None = None
    proved_at: float = 0


def uid(issuer: str, *subject: str) -> str:
    """Who it is, for all time: a subject means nothing without its issuer, whatever number it has in our settings,
    and where there is more than one kind of them nothing without its kind."""
    return hashlib.sha256("\n".join((issuer, *subject)).encode()).hexdigest()


def listed(value: Any) -> frozenset[str]:
    """Groups come as a list, as one string, or not at all."""
    if isinstance(value, str):
        return frozenset({value})
    return frozenset(one for one in value if isinstance(one, str)) if isinstance(value, list | tuple) else frozenset()
