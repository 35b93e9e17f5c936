"""Reads a template's bytes into a tree that remembers where everything stands.

Edits are made in the text itself, so that what nobody touches stays as it was written; hence no YAML library's
own writer is used. What is read is anybody's: size, depth and aliases are bounded, and nothing recurses.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from typing import Any

from catalog.templates.errors import BadTemplate, CannotEdit
from catalog.templates.json_text import NotJSON, parse_json
from catalog.templates.nodes import Node
from catalog.templates.tree import Reader
from catalog.templates.yaml_text import parse_yaml
from portal.phrases import Phrase

__all__ = ["LARGEST", "BadTemplate", "Document", "read"]

# What CloudFormation takes from a bucket (CFN quotas).
LARGEST = 1_048_576
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Document:
    """A template's text and its tree. `text` is without the byte order mark; `encode` puts it back.

    `known`: what readers have made of it, by their own names, so that it is made once.
    """

    name: str
    text: str
    root: Node
    is_json: bool
    has_bom: bool = False
    known: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def newline(self) -> str:
        """How its lines end, told by the first one."""
        if "newline" not in self.known:
            feed = self.text.find("\n")
            back = self.text.find("\r", 0, feed if feed >= 0 else len(self.text))
            self.known["newline"] = "\n" if back < 0 else "\r\n" if back + 1 == feed else "\r"
        found: str = self.known["newline"]
        return found

    @property
    def transform(self) -> Node | None:
        """What makes further parts of it when it is launched; none where the section is there and empty."""
        found = self.root.get("Transform")
        return None if found is None or (found.is_null and not found.tag) else found

    def data(self, node: Node) -> Any:
        """`plain` of a node of this document, made once."""
        reader: Reader = self.known.setdefault("reader", Reader())
        return reader.value(node)

    def encode(self, text: str) -> bytes:
        """This or an edited text as bytes, with the byte order mark the original had."""
        return (codecs.BOM_UTF8 if self.has_bom else b"") + text.encode()

    def fixed(self, node: Node, what: Phrase) -> CannotEdit:
        """An error at a place where nothing can be put in."""
        return CannotEdit(self.name, node.line, what)

    def bad(self, node: Node | None, what: Phrase) -> BadTemplate:
        """An error at this place."""
        return BadTemplate(self.name, node.line if node else 1, what)


def read(data: bytes, name: str = "template") -> Document:
    """Read a template. `name` is what errors call it. Raises BadTemplate."""
    text, has_bom = _decoded(data, name)
    if text.lstrip().startswith("{"):
        try:
            return Document(name, text, _template(parse_json(text, name), name), is_json=True, has_bom=has_bom)
        except NotJSON as error:
            # Braces are YAML too, with comments and short tags in them.
            try:
                return Document(name, text, _template(parse_yaml(text, name), name), is_json=False, has_bom=has_bom)
            except BadTemplate:
                raise error.as_bad_template() from None
    return Document(name, text, _template(parse_yaml(text, name), name), is_json=False, has_bom=has_bom)


def _decoded(data: bytes, name: str) -> tuple[str, bool]:
    if len(data) > LARGEST:
        what = Phrase(
            "It has %(size)s bytes; CloudFormation takes %(most)s. Move parts of it out.",
            size=f"{len(data):,}",
            most=f"{LARGEST:,}",
        )
        raise BadTemplate(name, 1, what)
    if data.startswith(_WIDE) or b"\0" in data[:4]:
        raise BadTemplate(name, 1, Phrase("It is UTF-16 or UTF-32. Save it as UTF-8."))
    has_bom = data.startswith(codecs.BOM_UTF8)
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadTemplate(name, line, Phrase("A byte there is not UTF-8. Save the file as UTF-8.")) from None
    if not text.strip():
        raise BadTemplate(name, 1, Phrase("It is empty."))
    return text, has_bom


def _template(root: Node, name: str) -> Node:
    resources = root.get("Resources")
    if root.kind != "map" or resources is None:
        what = Phrase("It is no CloudFormation template: there is no Resources section.")
        raise BadTemplate(name, root.line, what)
    # A macro may make resources of anything.
    transform = root.get("Transform")
    has_macro = transform is not None and not transform.is_null
    if not (resources.kind == "map" and resources.items) and not (resources.tag or has_macro):
        what = Phrase("Its Resources section is not a mapping with at least one resource.")
        raise BadTemplate(name, resources.line, what)
    return root
