"""YAML into nodes, through libyaml's events: it reads a megabyte in a fraction of a second and does not recurse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

import yaml

from catalog.templates.building import Builder
from catalog.templates.errors import BadTemplate
from catalog.templates.nodes import Node
from portal.phrases import Phrase

_LOADER: Any = getattr(yaml, "CLoader", yaml.SafeLoader)
_BLOCKS = ("|", ">")
# What may stand before a value: its tag and its anchor.
_PROPERTIES = re.compile(r"(?:[!&]\S*\s+)*")
_TAB = re.compile(r"^ *\t\s*\S", re.MULTILINE)


def parse_yaml(text: str, name: str) -> Node:
    """The document's root. Raises BadTemplate."""
    try:
        return _built(text, name)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 1
        raise BadTemplate(name, line, Phrase("A character there is not allowed in YAML. Remove it.")) from None
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(text, name, error) from None


def _not_yaml(text: str, name: str, error: yaml.MarkedYAMLError) -> BadTemplate:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    tab = _TAB.search(text)
    if tab and text.count("\n", 0, tab.start()) + 1 <= line:
        line = text.count("\n", 0, tab.start()) + 1
        return BadTemplate(name, line, Phrase("A tab indents that line. YAML wants spaces."))
    why = error.problem or error.context or ""
    return BadTemplate(name, line, Phrase("It is neither JSON nor YAML: %(why)s.", why=why))


def _built(text: str, name: str) -> Node:
    builder, anchors, anchored = Builder(name), dict[str, Node](), list[str]()
    for event in _events(text):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in anchors:
                what = Phrase(
                    "The alias *%(alias)s stands for nothing that was finished before it.", alias=event.anchor or ""
                )
                raise BadTemplate(name, line, what)
            builder.add(anchors[event.anchor])
        elif isinstance(event, yaml.ScalarEvent):
            node = _scalar(event, text)
            if event.anchor:
                anchors[event.anchor] = node
            builder.add(node)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            node = _collection(event, text)
            builder.begin(node)
            anchored.append(event.anchor or "")
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            _close(builder, event, anchors, anchored.pop())
    if builder.root is None:
        raise BadTemplate(name, 1, Phrase("It is empty."))
    return builder.root


def _events(text: str) -> Iterator[Any]:
    events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
    return events


def _close(builder: Builder, event: Any, anchors: dict[str, Node], anchor: str) -> None:
    node = builder.finish()
    if anchor:
        anchors[anchor] = node
    if node.flow:
        node.end = event.end_mark.index
        return
    # libyaml ends a block where the next thing begins, comments and empty lines included.
    last = max((one.end for pair in node.items for one in pair), default=node.start)
    node.end = max([last, *(child.end for child in node.children)])


def _collection(event: Any, text: str) -> Node:
    start = event.start_mark.index
    opened = _PROPERTIES.match(text, start)
    # `[Key: value]` holds a map without braces of its own, which the parser calls flow.
    first = opened.end() if opened else start
    flow = bool(event.flow_style) and text.startswith(("{", "["), first)
    kind: Literal["map", "seq"] = "map" if isinstance(event, yaml.MappingStartEvent) else "seq"
    return Node(kind, start, event.start_mark.line + 1, tag=_tag(event.tag), flow=flow)


def _scalar(event: Any, text: str) -> Node:
    start, end = event.start_mark.index, event.end_mark.index
    if event.style in _BLOCKS:
        end = start + len(text[start:end].rstrip())
    plain = event.style in (None, "") and bool(event.implicit[0])
    return Node("scalar", start, event.start_mark.line + 1, end, _tag(event.tag), event.value, plain=plain)


def _tag(tag: str | None) -> str:
    return tag if tag and tag.startswith("!") and tag != "!" else ""
