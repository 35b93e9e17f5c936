"""A template's text as pages may show it: secrets that stand in it are covered."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.reading.rules.secrets import SECRETS
from catalog.templates import Document, Node

COVER = "•••••"


def masked(document: Document) -> str:
    """The text with defaults of NoEcho parameters and literal passwords covered; line by line as it was."""
    parts, done = [], 0
    for node in sorted(_secrets(document.root), key=lambda one: one.start):
        if node.start < done:
            continue
        covered = document.text[node.start : node.end]
        parts += [document.text[done : node.start], COVER + "\n" * covered.count("\n")]
        done = node.end
    return "".join([*parts, document.text[done:]])


def _secrets(root: Node) -> Iterator[Node]:
    for about in _values(root.get("Parameters")):
        hidden = about.get("NoEcho")
        default = about.get("Default")
        if hidden is not None and hidden.value.lower() in ("true", "yes", "on") and default is not None:
            yield from [default] if default.kind == "scalar" else []
    seen: set[int] = set()
    left = [value for resource in _values(root.get("Resources")) if (value := resource.get("Properties")) is not None]
    while left:
        node = left.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        left += node.children
        for name, value in node.entries():
            if name in SECRETS and value.kind == "scalar" and value.tag in ("", "!Sub"):
                yield value
            else:
                left.append(value)


def _values(section: Node | None) -> list[Node]:
    return [value for _name, value in section.items] if section is not None else []
