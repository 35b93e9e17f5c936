"""Names of files that strangers gave: what is left of one is safe to show, to store and to save under."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 120
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")
_UNWANTED = re.compile(r'[<>:"|?*%]')
# Control, format (zero-width and direction marks), surrogates, private use, and what ends a line.
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def cleaned(name: str) -> str:
    """The last part of the path without characters that hide, reorder or mean something to a system; never empty."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    seen = "".join(char for char in last if unicodedata.category(char) not in _INVISIBLE)
    tidy = " ".join(_UNWANTED.sub("_", seen).split()).strip(". ")
    stem, dot, ending = tidy.rpartition(".")
    if not dot:
        stem, ending = tidy, ""
    stem = stem.strip(". ")[:LONGEST] or "file"
    kept = f"{stem}{dot}{ending.lower()[:20]}"
    return f"_{kept}" if _RESERVED.match(kept) else kept


def ending(name: str) -> str:
    """What stands after the last point, in small letters; the empty string where there is none."""
    return name.rpartition(".")[2].lower() if "." in name else ""
