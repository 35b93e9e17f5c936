"""What counts as somebody's e-mail address, wherever one comes from: providers, AWS, administrators.

Invariant: two addresses are the same person's only if they are equal here. Letters that merely look like others, or
become them in another case (dotless i, long s, the Kelvin sign, full-width ones), make no address.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

_LONGEST = 254


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
