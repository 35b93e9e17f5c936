"""The syntax tree of a template: every value knows where it stands in the text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

MERGE = "<<"


@dataclass(slots=True, eq=False)
class Node:
    """A value. `start` and `end` are offsets into the text, tag and quotes included, `line` counts from 1.

    `tag` is the short tag ("!Ref") or "". `flow`: written in braces or brackets. `plain`: a scalar without quotes,
    which YAML may read as something other than text. `weight`: how many values it is with its aliases written out.
    An alias is the very node it stands for.
    """

    kind: Literal["map", "seq", "scalar"]
    start: int
    line: int
    end: int = 0
    tag: str = ""
    value: str = ""
    flow: bool = False
    plain: bool = False
    items: list[tuple[Node, Node]] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)
    weight: int = 1

    def get(self, key: str) -> Node | None:
        """The value of this key of a map; None if there is none, also in what is no map."""
        return next((value for name, value in self.items if name.value == key), None)

    def key(self, key: str) -> Node | None:
        """The node of the key itself."""
        return next((name for name, _ in self.items if name.value == key), None)

    def entries(self) -> Iterator[tuple[str, Node]]:
        """Key and value of each entry of a map."""
        return ((name.value, value) for name, value in self.items)

    @property
    def is_null(self) -> bool:
        return self.kind == "scalar" and self.plain and self.value.lower() in ("", "~", "null")
