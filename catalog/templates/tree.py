"""A template's values as data, in the long form of the functions."""

from __future__ import annotations

import re
from math import isinf
from typing import Any

from catalog.templates.nodes import MERGE, Node

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)\Z")
_REAL = re.compile(r"[-+]?(?:[0-9][0-9_]*)?\.[0-9]+(?:[eE][-+]?[0-9]+)?\Z|[-+]?[0-9][0-9_]*\.?(?:[eE][-+]?[0-9]+)\Z")
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")
# These short tags have no `Fn::` in their long form.
_BARE = ("Ref", "Condition")
# Python reads no longer integer from a text.
_MOST_DIGITS = 4000
# What one reader of YAML takes for a text and another for something else: 0o17, 12:30:45, 2020-01-01, y.
_DOUBTFUL = re.compile(r"[-+.0-9].*|[yn]", re.IGNORECASE | re.DOTALL)


class Verbatim(str):
    """The text of an unquoted scalar, to be written as it is: 3.10, 1e3, on."""

    __slots__ = ()


def plain(node: Node) -> Any:
    """Maps, lists, texts, numbers and booleans. `!GetAtt A.B` is {"Fn::GetAtt": ["A", "B"]}, as is every form of it.

    Dates stay texts, as CloudFormation takes them, and so do numbers with leading zeros. A value that aliases share is
    one object: do not change what this returns.
    """
    return Reader().value(node)


def verbatim(node: Node) -> Any:
    """As `plain`, with `Verbatim` for unquoted scalars that may be no text: to copy into another template."""
    return Reader(verbatim=True).value(node)


class Reader:
    """Reads nodes of one document, each once."""

    def __init__(self, *, verbatim: bool = False) -> None:
        self._known: dict[int, Any] = {}
        self._scalar = _as_written if verbatim else _scalar

    def value(self, node: Node) -> Any:
        if id(node) not in self._known:
            self._known[id(node)] = self._tagged(node)
        return self._known[id(node)]

    def _tagged(self, node: Node) -> Any:
        value = self._bare(node)
        if not node.tag:
            return _long(value) if node.kind == "map" else value
        name = node.tag.removeprefix("!")
        function = name if name in _BARE else f"Fn::{name}"
        return _long({function: node.value if node.kind == "scalar" else value})

    def _bare(self, node: Node) -> Any:
        if node.kind == "scalar":
            return self._scalar(node)
        if node.kind == "seq":
            return [self.value(child) for child in node.children]
        made: dict[str, Any] = {}
        for key, value in node.items:
            if key.value == MERGE and key.plain:
                for base in value.children if value.kind == "seq" else [value]:
                    inherited = self.value(base)
                    made = {**inherited, **made} if isinstance(inherited, dict) else made
        own = {key.value: self.value(value) for key, value in node.items if not (key.value == MERGE and key.plain)}
        return {**made, **own}


def _long(value: dict[str, Any]) -> dict[str, Any]:
    """One way to write Fn::GetAtt."""
    attribute = value.get("Fn::GetAtt")
    if len(value) == 1 and isinstance(attribute, str):
        return {"Fn::GetAtt": attribute.split(".", 1)}
    return value


def _scalar(node: Node) -> Any:
    text = node.value
    if not node.plain or node.tag:
        return text
    word = text.lower()
    if word in ("", "~", "null"):
        return None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    if len(text) > _MOST_DIGITS:
        return text
    if _INTEGER.match(text):
        return int(text.replace("_", ""))
    number = float(text.replace("_", "")) if _REAL.match(text) else text
    return text if isinstance(number, float) and isinf(number) else number


def _as_written(node: Node) -> Any:
    value, text = _scalar(node), node.value
    if value is None or not node.plain or node.tag:
        return value
    return Verbatim(text) if not isinstance(value, str) or _DOUBTFUL.fullmatch(text) else text
