"""Loops of AWS::LanguageExtensions, written out where their list is known, and no further than a page needs.

CloudFormation makes 500 resources at most; loops in loops over large bodies could make any number, of any size.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from catalog.reading.functions import Resolver
from catalog.reading.values import Unknown, is_known, text_of

LOOP = "Fn::ForEach::"
_MOST_RESOURCES = 2000
# Values written out, a tenth of what a whole template may have; a long text counts as several.
_MOST_VALUES = 25_000
_TEXT = 256


class Loops:
    """Writes the loops of one template out. `cut` names the first that was not written out to its end."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._left = _MOST_VALUES
        self.cut = ""

    def written_out(self, resources: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each resource with its name, those of loops last: no loop hides what stands there by itself."""
        single = {name: raw for name, raw in resources.items() if not name.startswith(LOOP)}
        loops = {name: raw for name, raw in resources.items() if name.startswith(LOOP)}
        left: list[tuple[str, Iterator[tuple[str, Any]]]] = [("Resources", iter({**single, **loops}.items()))]
        count = 0
        while left:
            where, entries = left[-1]
            found = next(entries, None)
            if found is None:
                left.pop()
                continue
            count += 1
            name, raw = found
            if self._left < 0 or count > _MOST_RESOURCES:
                self.cut = name if where == "Resources" else where
                return
            match raw:
                case [str(variable), collection, dict(body)] if name.startswith(LOOP):
                    left.append((name, self._rounds(variable, self._resolver.value(collection), body)))
                case dict():
                    yield name, raw

    def _rounds(self, variable: str, items: Any, body: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """The loop's body for each item; once, with a hole in it, where the items are not known."""
        listed = items if isinstance(items, list) else []
        known = [text_of(one) for one in listed if is_known(one) and not isinstance(one, dict | list)]
        for item in known or [Unknown(f"${{{variable}}}")]:
            self._left -= 1
            if self._left < 0:
                # Whoever asks for more stops here.
                yield "", None
            for name, raw in body.items():
                yield self._filled(name, variable, item), self._filled(raw, variable, item)

    def _filled(self, value: Any, variable: str, item: str) -> Any:
        """With the item in it; nothing once too much is written."""
        self._left -= 1
        if self._left < 0:
            return "" if isinstance(value, str) else None
        if isinstance(value, str):
            return self._filled_text(value, variable, item)
        if isinstance(value, list):
            return [self._filled(one, variable, item) for one in value if self._left >= 0]
        if isinstance(value, dict):
            if value == {"Ref": variable}:
                self._left -= len(item) // _TEXT
                return item
            return {
                self._filled(key, variable, item): self._filled(one, variable, item)
                for key, one in value.items()
                if self._left >= 0
            }
        return value

    def _filled_text(self, value: str, variable: str, item: str) -> str:
        # &{…} is for logical ids: letters and digits only.
        whole, id_only = f"${{{variable}}}", f"&{{{variable}}}"
        self._left -= (len(value) + (value.count(whole) + value.count(id_only)) * len(item)) // _TEXT
        if self._left < 0:
            return ""
        return value.replace(whole, item).replace(id_only, re.sub(r"\W", "", item))
