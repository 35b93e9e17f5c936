"""A template's text as pages may show it: secrets that stand in it are covered. In doubt a text is covered, too."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.gating.email import is_hidden
from catalog.reading.rules.secrets import SECRETS
from catalog.templates import Document, Node, plain
from catalog.templates.nodes import MERGE

COVER = "•••••"
_COVERED = frozenset((*SECRETS, "Password", "TemporaryPassword"))
# Who is named here is no secret.
_NAMING = ("Ref", "Fn::GetAtt")
_NAMING_TAGS = ("!Ref", "!GetAtt")
# Keys in there are parameters' names; what stands below them are labels.
_INTERFACE = "AWS::CloudFormation::Interface"


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
    for _name, parameters in _entries(root, "Parameters"):
        for _name, about in _entries(parameters):
            hides = any(is_hidden({"NoEcho": plain(value)}) for _name, value in _entries(about, "NoEcho"))
            for name in ("Default", "AllowedValues") if hides else ():
                yield from _scalars([value for _name, value in _entries(about, name)])
    yield from _scalars(_below_secret_keys(root))


def _below_secret_keys(root: Node) -> list[Node]:
    """The values of secret keys, wherever they stand. The names of sections, resources and parameters are no keys."""
    found: list[Node] = []
    seen: set[int] = set()
    left = [one for _name, section in _entries(root) for _name, one in _entries(section)]
    left += [section for _name, section in _entries(root) if section.kind == "seq"]
    while left:
        node = left.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        left += node.children
        for name, value in node.entries():
            if name in _COVERED:
                found.append(value)
            if name != _INTERFACE:
                left.append(value)
    return found


def _scalars(nodes: list[Node]) -> Iterator[Node]:
    """Every scalar in there but functions' names, and what Ref and Fn::GetAtt name."""
    seen: set[int] = set()
    left = list(nodes)
    while left:
        node = left.pop()
        if id(node) in seen or node.is_null or (node.tag in _NAMING_TAGS and not node.items):
            continue
        seen.add(id(node))
        if node.kind == "scalar":
            yield node
        named = len(node.items) == 1 and node.items[0][0].value in _NAMING
        left += node.children if named else [*node.children, *(value for _name, value in node.items)]


def _entries(node: Node, wanted: str = "") -> Iterator[tuple[str, Node]]:
    """The entries of a map, those that merge keys bring included; all of them or those of one name."""
    left, seen = [node], set[int]()
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        for key, value in one.items:
            if key.value == MERGE and key.plain:
                left += value.children or [value]
            elif not wanted or key.value == wanted:
                yield key.value, value
