"""Which names a value refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from catalog.templates.walking import entries

_IN_TEXT = re.compile(r"\$\{([^!{}][^{}]*)\}")


def references(value: Any) -> set[str]:
    """The logical names that Ref, Fn::GetAtt and Fn::Sub name anywhere in a value (`catalog.templates.plain`): of
    parameters, pseudo parameters and resources alike."""
    return {name for key, inner in entries(value) for name in _named(key, inner)}


def _named(function: str, argument: Any) -> Iterator[str]:
    if function == "Ref" and isinstance(argument, str):
        yield argument
    elif function == "Fn::GetAtt" and isinstance(argument, list) and argument and isinstance(argument[0], str):
        yield argument[0].split(".", 1)[0]
    elif function == "Fn::Sub":
        text, given = (argument, {}) if isinstance(argument, str) else _text_and_given(argument)
        yield from (name for name in _in_text(text) if name not in given)


def _text_and_given(argument: Any) -> tuple[str, dict[str, Any]]:
    match argument:
        case [str(text), dict(given)]:
            return text, given
        case [str(text), *_]:
            return text, {}
    return "", {}


def _in_text(text: str) -> Iterator[str]:
    for found in _IN_TEXT.finditer(text):
        yield found[1].strip().split(".", 1)[0]
