"""Whether what the desk says can be read in Chinese."""

from __future__ import annotations

import re
from typing import Any

from django.utils import translation

from portal.phrases import Phrase

# Said as it is in every language.
_SAME = {"token"}
# A sentence, or a good part of one; names, types and options are shorter.
_ENGLISH = re.compile(r"\b[A-Za-z]+ [a-z]+ [a-z]+\b")


def is_chinese(said: Any) -> bool:
    """Of a phrase and of those among its facts."""
    if isinstance(said, list | tuple):
        return all(map(is_chinese, said))
    if not isinstance(said, Phrase):
        return True
    with translation.override("zh-hans"):
        known = translation.gettext(said.text) != said.text or said.text in _SAME
    return known and all(map(is_chinese, said.facts.values()))


def english_in(text: str) -> list[str]:
    """What looks like a part of an English sentence."""
    return _ENGLISH.findall(text)
