"""What a provider said about a person, the same for both kinds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

_LONGEST = 254


@dataclass(frozen=True, slots=True)
class Claims:
    """`address` is lowercase, and empty unless it is known to be theirs. `groups` is None where nobody can know:
    the provider was not asked, or did not tell. `proved_at`: when they last proved themselves to the provider."""

    address: str
    name: str
    groups: frozenset[str] | None = None
    proved_at: float = 0


def address_of(value: Any) -> str:
    """Lowercase; empty for what is no address, and for one with letters that only look like others."""
    found = value.strip() if isinstance(value, str) else ""
    if not found.isascii() or len(found) > _LONGEST:
        return ""
    try:
        validate_email(found)
    except ValidationError:
        return ""
    return found.lower()


def name_of(value: Any) -> str:
    """Without what no database keeps and no page shows."""
    return "".join(one for one in str(value or "") if one.isprintable())[:150]


def uid(issuer: str, subject: str) -> str:
    """Who it is, for all time: a subject means nothing without its issuer, whatever number it has in our settings."""
    return hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()


def listed(value: Any) -> frozenset[str]:
    """Groups come as a list, as one string, or not at all."""
    if isinstance(value, str):
        return frozenset({value})
    return frozenset(one for one in value if isinstance(one, str)) if isinstance(value, list | tuple) else frozenset()
