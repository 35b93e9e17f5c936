"""What publishing changes in a template, line by line, with the secrets in it covered."""

from __future__ import annotations

import json
from difflib import unified_diff
from functools import lru_cache

from catalog.reading.masking import masked
from catalog.templates import BadTemplate, read

# Beyond this nobody reads on, and the page would be slow.
MOST = 2000
# JSON with such lines was written for machines: it is laid out anew, or all of it would be one changed line.
_LONG = 1000
_KINDS = {"+": "added", "-": "removed", "@": "place"}


@lru_cache(maxsize=16)
def kept_lines(old: str, new: str) -> tuple[tuple[str, str], ...]:
    """As `lines`, worked out once: large templates take seconds, and a page is looked at again and again."""
    return tuple(lines(old, new))


def lines(old: str, new: str) -> list[tuple[str, str]]:
    """(kind, line) with kind added, removed, place or empty; at most MOST, then one of kind cut.

    Nothing for what is no template.
    """
    if any(len(line) > _LONG for text in (old, new) for line in text.splitlines()):
        old, new = _laid_out(old), _laid_out(new)
    try:
        before, after = (masked(read(text.encode())).splitlines() for text in (old, new))
    except BadTemplate:
        return []
    found: list[tuple[str, str]] = []
    for line in unified_diff(before, after, lineterm="", n=2):
        if line.startswith(("---", "+++")) and not found:
            continue
        if len(found) == MOST:
            found.append(("cut", "…"))
            break
        found.append((_KINDS.get(line[:1], ""), line))
    return found


def _laid_out(text: str) -> str:
    """JSON with a line for each value, anything else as it is."""
    try:
        return json.dumps(json.loads(text.lstrip("\ufeff")), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
