"""The resources of a template, those in `Fn::ForEach` loops included (aws-facts §7.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from catalog.templates import BadTemplate, Document, Node
from catalog.templates.nodes import MERGE
from portal.phrases import Phrase

LOOP = "Fn::ForEach::"
# A macro writes what stands in its place when the stack is made.
MACRO = "Fn::Transform"
_TAG = "!Transform"
# What a merge key brings into these, and sections it brings, would not be seen here.
_SECTIONS = {
    "Parameters": Phrase("parameters"),
    "Rules": Phrase("rules"),
    "Mappings": Phrase("mappings"),
    "Conditions": Phrase("conditions"),
    "Outputs": Phrase("outputs"),
}
_ID = re.compile(r"[A-Za-z0-9]+\Z")


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """One entry of Resources. `id` of one in a loop is as written, e.g. "Bucket${Name}"; such a one is `looped`."""

    id: str
    key: Node
    node: Node
    data: dict[str, Any]
    looped: bool = False

    @property
    def kind(self) -> str:
        return str(self.data.get("Type", ""))

    @property
    def condition(self) -> str:
        found = self.data.get("Condition")
        return "" if found is None else str(found)

    @property
    def properties(self) -> dict[str, Any]:
        found = self.data.get("Properties")
        return found if isinstance(found, dict) else {}

    @property
    def depends_on(self) -> list[str]:
        found = self.data.get("DependsOn")
        names = found if isinstance(found, list) else [found]
        return [name for name in names if isinstance(name, str)]


def section(doc: Document, name: str) -> Node | None:
    """A section that is a mapping; None for anything else."""
    found = doc.root.get(name)
    return found if found is not None and found.kind == "map" and not found.tag else None


def entry(doc: Document, name: str) -> tuple[Node, Node]:
    """The key and the value of a section. Raises BadTemplate where there is none."""
    key, node = doc.root.key(name), doc.root.get(name)
    if key is None or node is None:
        raise doc.bad(None, Phrase("There is no section %(name)s.", name=name))
    return key, node


def resources(doc: Document) -> list[Resource]:
    """All of them, in the order of the text; what macros stand for is left out. Raises BadTemplate."""
    if "resources" not in doc.known:
        doc.known["resources"] = _all(doc)
    found: list[Resource] = doc.known["resources"]
    return found


def _all(doc: Document) -> list[Resource]:
    _check_merges(doc)
    key, found = entry(doc, "Resources")
    if found.tag == _TAG or (found.kind != "map" and doc.transform is not None):
        return []
    if found.kind != "map" or found.tag:
        raise doc.bad(key, Phrase("Its Resources section is not a mapping that can be read."))
    return list(_in(doc, found, looped=False))


def _check_merges(doc: Document) -> None:
    sections = ((section(doc, name), what) for name, what in _SECTIONS.items())
    for node, what in [(doc.root, Phrase("sections")), *sections]:
        for key in [key for key, _value in node.items if _is_merge(key)] if node else ():
            raise _merge(doc, key, what)


def _merge(doc: Document, key: Node, what: Phrase) -> BadTemplate:
    said = Phrase("A merge key (<<) brings %(what)s there. Write them out: CloudFormation has no merge.", what=what)
    return doc.bad(key, said)


def _is_merge(key: Node) -> bool:
    return key.value == MERGE and key.plain


def _in(doc: Document, where: Node, *, looped: bool) -> Iterator[Resource]:
    for key, node in where.items:
        if key.value.startswith(LOOP):
            yield from _in_loop(doc, key, node)
        elif _is_merge(key):
            raise _merge(doc, key, Phrase("resources"))
        elif not is_macro(key, node):
            yield _resource(doc, key, node, looped=looped)


def is_macro(key: Node, node: Node) -> bool:
    """Whether a macro writes this entry of Resources, or adds to it, when the stack is made."""
    return key.value == MACRO or node.tag == _TAG or node.key(MACRO) is not None


def _in_loop(doc: Document, key: Node, node: Node) -> Iterator[Resource]:
    # [identifier, collection, {key: body}]; what is in the collection is only known to CloudFormation.
    if node.kind != "seq" or len(node.children) != 3 or node.children[2].kind != "map":
        what = Phrase(
            "%(name)s is not a list of an identifier, a collection and a mapping of resources.", name=key.value
        )
        raise doc.bad(key, what)
    yield from _in(doc, node.children[2], looped=True)


def _resource(doc: Document, key: Node, node: Node, *, looped: bool) -> Resource:
    if not looped and not _ID.match(key.value):
        what = Phrase("%(name)s is no logical id: letters and digits only.", name=repr(key.value))
        raise doc.bad(key, what)
    kind = node.get("Type")
    if node.tag or node.kind != "map":
        raise doc.bad(key, Phrase("The resource %(name)s is not a mapping.", name=key.value))
    data = doc.data(node)
    if not isinstance(data.get("Type"), str) or not data["Type"]:
        raise doc.bad(kind or key, Phrase("The resource %(name)s has no Type.", name=key.value))
    if MACRO in data:
        # It does not stand in the resource itself, see is_macro.
        what = Phrase(
            "A merge key (<<) brings %(name)s a macro. Write them out: CloudFormation has no merge.", name=key.value
        )
        raise doc.bad(key, what)
    return Resource(key.value, key, node, data, looped)
