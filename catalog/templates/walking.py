"""Goes through a value (`catalog.templates.plain`) to its depths. With lists, not recursion: values may be nested a
hundred levels deep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def entries(value: Any) -> Iterator[tuple[str, Any]]:
    """Key and value of every map in it."""
    for one in _values(value):
        if isinstance(one, dict):
            yield from one.items()


def texts(value: Any) -> Iterator[str]:
    """Every text in it; keys are none."""
    return (one for one in _values(value) if isinstance(one, str))


def _values(value: Any) -> Iterator[Any]:
    left = [value]
    while left:
        one = left.pop()
        yield one
        if isinstance(one, dict):
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)
