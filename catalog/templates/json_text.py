"""JSON into nodes. The standard library's parser forgets where things stand and keeps the last of two equal keys."""

from __future__ import annotations

import json
import re

from catalog.templates.building import Builder
from catalog.templates.errors import BadTemplate
from catalog.templates.nodes import Node
from portal.phrases import Phrase

_TOKEN = re.compile(
    r"[ \t\r\n]*(?:"
    r'(?P<text>"(?:[^"\\\x00-\x1f]|\\.)*")'
    r"|(?P<mark>[{}\[\]:,])"
    r"|(?P<word>-?[0-9][0-9.eE+-]*|true|false|null))"
)


class NotJSON(Exception):
    """The text is no JSON; it may still be YAML."""

    def __init__(self, name: str, line: int, what: Phrase) -> None:
        super().__init__(name, line, what)
        self._bad = BadTemplate(name, line, what)

    def as_bad_template(self) -> BadTemplate:
        return self._bad


def parse_json(text: str, name: str) -> Node:
    """The document's root. Raises NotJSON, and BadTemplate for JSON that no template is."""
    builder, position, line, counted = Builder(name), 0, 1, 0
    expects = "value"
    while expects != "end" or builder.depth:
        found = _TOKEN.match(text, position)
        start = found.end() - len(found.group().lstrip(" \t\r\n")) if found else position
        line, counted = line + text.count("\n", counted, start), start
        if found is None:
            raise _wrong(text, name, line, position)
        expects = _take(builder, found, start, line, expects, name)
        position = found.end()
    if text[position:].strip(" \t\r\n"):
        line += text.count("\n", counted, position + len(text[position:]) - len(text[position:].lstrip(" \t\r\n")))
        raise NotJSON(name, line, Phrase("Something stands behind the end of the JSON document."))
    if builder.root is None:
        raise NotJSON(name, 1, Phrase("It is empty."))
    return builder.root


def _wrong(text: str, name: str, line: int, position: int) -> NotJSON:
    rest = text[position:].lstrip(" \t\r\n")
    line += text.count("\n", position, len(text) - len(rest))
    if not rest:
        return NotJSON(name, line, Phrase("It ends too early: a brace or a bracket is not closed."))
    return NotJSON(name, line, Phrase("JSON does not go on like this: %(text)s.", text=repr(rest[:20])))


def _take(builder: Builder, found: re.Match[str], start: int, line: int, expects: str, name: str) -> str:
    """Take one token; returns what may come next: value, key, colon, comma or end."""
    mark = found["mark"]
    token = found[found.lastgroup or 0]
    if mark in ("}", "]") and builder.depth and expects in ("comma", "first key", "first value"):
        node = builder.finish()
        if (node.kind == "map") != (mark == "}"):
            what = Phrase("A %(mark)s stands there, and what is open ends otherwise.", mark=mark)
            raise NotJSON(name, line, what)
        node.end = found.end()
    elif expects == "colon" or (expects == "comma" and mark == ","):
        if mark != (":" if expects == "colon" else ","):
            what = Phrase("JSON wants a colon where %(text)s stands.", text=repr(token[:20]))
            raise NotJSON(name, line, what)
        return "value" if expects == "colon" or not builder.wants_key else "key"
    elif mark in ("{", "[") and expects in ("value", "first value"):
        builder.begin(Node("map" if mark == "{" else "seq", start, line, flow=True))
        return "first key" if mark == "{" else "first value"
    elif mark is None and expects != "comma":
        if builder.wants_key and not found["text"]:
            what = Phrase("JSON wants a quoted key where %(text)s stands.", text=repr(token[:20]))
            raise NotJSON(name, line, what)
        builder.add(_scalar(token, start, found.end(), line, name))
        if builder.wants_key or not builder.depth:
            return "comma" if builder.depth else "end"
        return _after(builder, expects)
    else:
        raise NotJSON(name, line, Phrase("JSON does not go on like this: %(text)s.", text=repr(token[:20])))
    return "comma" if builder.depth else "end"


def _after(builder: Builder, expects: str) -> str:
    """What follows a scalar: a colon behind a key, else a comma."""
    return "colon" if expects in ("key", "first key") else "comma"


def _scalar(token: str, start: int, end: int, line: int, name: str) -> Node:
    if not token.startswith('"'):
        return Node("scalar", start, line, end, value=token, plain=True)
    try:
        value: str = json.loads(token)
    except ValueError:
        raise NotJSON(name, line, Phrase("A text there cannot be read: %(text)s.", text=token[:20])) from None
    return Node("scalar", start, line, end, value=value)
