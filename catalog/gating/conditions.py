"""The conditions of a template."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from catalog.gating.resources import section
from catalog.templates import Document, Node, plain
from catalog.templates.walking import entries


def conditions_in(value: Any) -> Iterator[str]:
    """The conditions a value names, as {"Condition": name} or in an Fn::If."""
    for key, inner in entries(value):
        if key == "Condition" and isinstance(inner, str):
            yield inner
        elif key == "Fn::If" and isinstance(inner, list) and inner and isinstance(inner[0], str):
            yield inner[0]


def with_needed(doc: Document, names: list[str], read: Callable[[Node], Any] = plain) -> dict[str, Any]:
    """These conditions and those they are made of, by name, as data; unknown ones are left out."""
    conditions = section(doc, "Conditions")
    found, left = dict[str, Any](), list(names)
    while left:
        one = left.pop()
        node = conditions.get(one) if conditions else None
        if one not in found and node is not None:
            found[one] = read(node)
            left.extend(conditions_in(found[one]))
    return found
