"""What counts as somebody's name, wherever one comes from: providers, administrators, the command line.

Invariant: a name can be seen, or is empty; then the person is called by their address.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from portal.unseen import is_unseen

_LONGEST = 150


def name_of(value: Any) -> str:
    """In one spelling (NFKC), with single spaces, without what no database keeps and no page shows."""
    words = unicodedata.normalize("NFKC", str(value or "")).split()
    shown = ("".join(one for one in word if one.isprintable() and not is_unseen(one)) for word in words)
    name = " ".join(word for word in shown if word)[:_LONGEST].strip()
    # Accents and other marks alone are no name: letters, digits, punctuation or symbols are.
    return name if any(unicodedata.category(one)[0] in "LNPS" for one in name) else ""
