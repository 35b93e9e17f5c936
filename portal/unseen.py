"""Characters that show as nothing, or change how others are shown: in texts of strangers they hide something.

What Unicode calls default-ignorable (DerivedCoreProperties.txt), controls, and the empty Braille pattern.
"""

from __future__ import annotations

import unicodedata

_RANGES = (
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180B, 0x180F),  # Mongolian variation selectors
    (0x2065, 0x2065),
    (0x2800, 0x2800),  # Braille without a dot
    (0x3164, 0x3164),  # Hangul filler
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFFA0, 0xFFA0),  # halfwidth Hangul filler
    (0xFFF0, 0xFFF8),
    (0xE0000, 0xE0FFF),  # tags and more variation selectors
)
_MORE = frozenset(chr(one) for first, last in _RANGES for one in range(first, last + 1))


def is_unseen(char: str) -> bool:
    return char in _MORE or unicodedata.category(char) in ("Cc", "Cf")
