"""Puts nodes together, for both notations: bounds of depth and size, and no key twice."""

from __future__ import annotations

from catalog.templates.errors import BadTemplate
from catalog.templates.nodes import MERGE, Node
from portal.phrases import Phrase

DEEPEST = 100
# With its aliases written out. Real templates of 1 MB have a third of it.
HEAVIEST = 250_000


class Builder:
    """Takes values in the order of the text. Raises BadTemplate."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._open: list[Node] = []
        self._keys: list[Node | None] = []
        self._seen: list[dict[str, int]] = []
        self._count = 0
        self.root: Node | None = None

    @property
    def depth(self) -> int:
        return len(self._open)

    @property
    def wants_key(self) -> bool:
        """Whether the next value is a key of the open map."""
        return bool(self._open) and self._open[-1].kind == "map" and self._keys[-1] is None

    def begin(self, node: Node) -> None:
        """Open a map or a sequence."""
        if self.wants_key:
            raise BadTemplate(self._name, node.line, _no_text())
        if len(self._open) >= DEEPEST:
            what = Phrase("It is nested deeper than %(most)d levels.", most=DEEPEST)
            raise BadTemplate(self._name, node.line, what)
        self._open.append(node)
        self._keys.append(None)
        self._seen.append({})

    def finish(self) -> Node:
        """Close what was opened last."""
        node = self._open.pop()
        self._keys.pop()
        self._seen.pop()
        values = [value for _, value in node.items] or node.children
        node.weight = 1 + sum(value.weight for value in values)
        if node.weight > HEAVIEST:
            raise self._too_many(node.line)
        self.add(node)
        return node

    def add(self, node: Node) -> None:
        """Put a finished value where it belongs."""
        self._count += 1
        if self._count > HEAVIEST:
            raise self._too_many(node.line)
        if not self._open:
            if self.root is not None:
                what = Phrase("A second document begins there. A template is one document.")
                raise BadTemplate(self._name, node.line, what)
            self.root = node
            return
        parent = self._open[-1]
        if parent.kind == "seq":
            parent.children.append(node)
        elif (key := self._keys[-1]) is None:
            self._begin_entry(node)
        else:
            parent.items.append((key, node))
            self._keys[-1] = None

    def _too_many(self, line: int) -> BadTemplate:
        what = Phrase("It has more than %(most)s values, its aliases written out. Split it.", most=f"{HEAVIEST:,}")
        return BadTemplate(self._name, line, what)

    def _begin_entry(self, key: Node) -> None:
        if key.kind != "scalar":
            raise BadTemplate(self._name, key.line, _no_text())
        if key.tag:
            what = Phrase("The key %(key)s has the tag %(tag)s. Take it away.", key=repr(key.value), tag=key.tag)
            raise BadTemplate(self._name, key.line, what)
        first = self._seen[-1].get(key.value)
        if first is not None and key.value != MERGE:
            what = Phrase(
                "The key %(key)s is there a second time, first in line %(line)d. Keep one.",
                key=repr(key.value),
                line=first,
            )
            raise BadTemplate(self._name, key.line, what)
        self._seen[-1][key.value] = key.line
        self._keys[-1] = key


def _no_text() -> Phrase:
    return Phrase("A key there is not a text. CloudFormation's keys are names.")
