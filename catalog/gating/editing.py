"""Edits of a template's text. The invariant: what `Editor` puts in, `Remover` takes out again to the byte.

Nothing is written anew: entries are insertions, in blocks as whole lines behind the end of another line, in braces as
`entry,` before another entry or `, entry` behind one. So comments, order, quoting and line ends stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from catalog.gating import layout, writing
from catalog.gating.layout import Style, begins_line, end_of_previous_line, indent_at, line_end, line_start, next_line
from catalog.gating.resources import entry
from catalog.templates import BadTemplate, Document, Node
from portal.phrases import Phrase

# What a plain text may be made of in brackets.
_IN_BRACKETS = re.compile(r"^[\w.$-]+$")
# Between a key and its value: the colon, then at most comments.
_TO_VALUE = re.compile(r"""["']?\s*:(?:\s|#[^\r\n]*(?=[\r\n]))*\Z""")


class Editor:
    """Collects edits of one document; places are those of the document as it was read."""

    def __init__(self, doc: Document) -> None:
        self.doc = doc
        self._edits: list[tuple[int, int, str]] = []
        self._lines: list[tuple[int, int]] = []
        self.step = _step(doc)

    def insert(self, at: int, text: str) -> None:
        self._edits.append((at, at, text))

    def delete(self, start: int, end: int) -> None:
        self._edits.append((start, end, ""))

    def delete_lines(self, start: int, end: int) -> None:
        """Delete the lines from the one of `start` to the one of `end`."""
        self._lines.append((line_start(self.doc.text, start), next_line(self.doc.text, end)))

    def text(self) -> str:
        """The document with all edits made. Raises ValueError where two of them overlap."""
        parts, position = list[str](), 0
        for start, end, new in sorted([*self._edits, *self._line_edits()], key=lambda edit: edit[:2]):
            if start < position:
                raise ValueError("Two edits overlap.")
            parts += [self.doc.text[position:start], new]
            position = end
        return "".join([*parts, self.doc.text[position:]])

    def _line_edits(self) -> Iterator[tuple[int, int, str]]:
        text, merged = self.doc.text, list[tuple[int, int]]()
        for start, end in sorted(self._lines):
            if merged and start <= merged[-1][1]:
                start, end = merged[-1][0], max(end, merged.pop()[1])
            merged.append((start, end))
        for start, end in merged:
            # The last line has no line break to go with it: the one before it goes.
            above = end_of_previous_line(text, start) if end == len(text) and text[-1] not in "\r\n" else None
            yield (start if above is None else above), end, ""

    def style_in(self, node: Node) -> Style:
        return layout.own_style(self.doc, node, step=self.step)

    def add_first(self, key: Node, node: Node, entries: dict[str, Any]) -> None:
        """Put entries at the top of a map that stands behind `key`. Raises BadTemplate."""
        text, style = self.doc.text, self.style_in(node)
        self._check_place(key, node)
        if node.flow:
            first = node.items[0][0].start if node.items else node.end - 1
            indent = indent_at(text, first) if style.multiline else ""
            gap = style.newline + indent if style.multiline else style.comma[1:]
            written = [writing.entry(name, value, style, indent=indent) for name, value in entries.items()]
            self.insert(first, f",{gap}".join(written) + (f",{gap}" if node.items else ""))
            return
        at, indent = line_end(text, key.end), indent_at(text, key.start) + self.step
        if node.items:
            first = node.items[0][0].start
            if line_start(text, first) <= at or not begins_line(text, first):
                what = Phrase(
                    "%(name)s is written in a way that cannot be added to. Use one line an entry.", name=key.value
                )
                raise self.doc.fixed(key, what)
            indent = layout.column(text, first)
        for name, value in entries.items():
            self.insert(at, style.newline + indent + writing.entry(name, value, style, indent=indent))

    def add_section(self, name: str, value: Any) -> None:
        """Put a new section before Resources, above the comment that stands there."""
        doc, root = self.doc, self.doc.root
        key, _resources = entry(doc, "Resources")
        style = self.style_in(root)
        if root.flow:
            indent = indent_at(doc.text, key.start) if style.multiline else ""
            gap = style.newline + indent if style.multiline else style.comma[1:]
            self.insert(key.start, writing.entry(name, value, style, indent=indent) + f",{gap}")
            return
        at, indent = self._above(key), layout.column(doc.text, key.start)
        written = indent + writing.entry(name, value, style, indent=indent)
        if at is None:
            self.insert(0, written + style.newline)
        else:
            is_blank = not doc.text[line_start(doc.text, at) : at].strip()
            self.insert(at, style.newline + written + (style.newline if is_blank else ""))

    def _above(self, key: Node) -> int | None:
        """The end of the line above a section and its comment; None at the top."""
        text = self.doc.text
        at, comment = end_of_previous_line(text, key.start), layout.column(text, key.start) + "#"
        while at is not None and text[line_start(text, at) : at].startswith(comment):
            at = end_of_previous_line(text, at)
        return at

    def add_after(self, body: Node, key: Node, node: Node, name: str, value: str) -> None:
        """Put an entry behind this one of a map, which is a scalar of one line. Raises BadTemplate."""
        text = self.doc.text
        self._check_place(key, node)
        if body.flow:
            style = self._neighbour_style(key)
            gap = style.newline + indent_at(text, key.start) if style.multiline else style.comma[1:]
            self.insert(node.end, f",{gap}{style.quoted(name)}{style.colon}{style.quoted(value)}")
        else:
            indent = layout.column(text, key.start)
            self.insert(line_end(text, node.end), f"{self.doc.newline}{indent}{name}: {value}")

    def make_list(self, body: Node, key: Node, node: Node, first: str) -> None:
        """Turn a text into a list of `first` and that text. Raises BadTemplate."""
        self._check_place(key, node)
        if self.doc.text[node.start : node.start + 1] in ("&", "!", "|", ">"):
            what = Phrase("%(name)s is written in a way that cannot be added to. Write it plainly.", name=key.value)
            raise self.doc.fixed(node, what)
        if not body.flow and node.plain and not _IN_BRACKETS.search(node.value):
            self._make_block_list(key, node, first)
            return
        self.insert(node.start, f"[{self._neighbour_style(key).quoted(first) if body.flow else first}, ")
        self.insert(node.end, "]")

    def _make_block_list(self, key: Node, node: Node, last: str) -> None:
        """For a text that means something else in brackets, e.g. Bucket${Name}."""
        lead = self.doc.newline + layout.column(self.doc.text, key.start) + self.step + "- "
        self.insert(node.start, lead)
        self.insert(line_end(self.doc.text, node.end), lead + last)

    def add_to_list(self, key: Node, node: Node, name: str) -> None:
        """Put a name into a list: last in brackets, first in a block. Raises BadTemplate."""
        text, style = self.doc.text, self.style_in(node)
        self._check_place(key, node)
        if not node.flow:
            self._add_item(node, name)
        elif not node.children:
            self.insert(node.end - 1, style.quoted(name))
        else:
            last = node.children[-1]
            own_line = begins_line(text, last.start)
            gap = style.newline + indent_at(text, last.start) if own_line else style.comma[1:]
            self.insert(last.end, f",{gap}{style.quoted(name)}")

    def add_first_item(self, node: Node, value: dict[str, Any]) -> None:
        """Put a mapping at the top of a list that has items. Raises BadTemplate."""
        text, style = self.doc.text, self.style_in(node)
        if not node.flow:
            self._add_item(node, value)
            return
        first = node.children[0].start
        indent = indent_at(text, first) if style.multiline else ""
        gap = style.newline + indent if style.multiline else style.comma[1:]
        self.insert(first, writing.item(value, style, indent=indent) + f",{gap}")

    def _add_item(self, node: Node, value: Any) -> None:
        text = self.doc.text
        dash = dash_of(text, node.children[0])
        at = end_of_previous_line(text, dash) if dash is not None else None
        if dash is None or at is None or not begins_line(text, dash):
            what = Phrase("A list is written in a way that cannot be added to. Use one line an item.")
            raise self.doc.fixed(node, what)
        indent = layout.column(text, dash)
        style = self.style_in(node)
        written = f"- {value}" if isinstance(value, str) else writing.item(value, style, indent=indent)
        self.insert(at, style.newline + indent + written)

    def _neighbour_style(self, key: Node) -> Style:
        text = self.doc.text
        quoted = text[key.start : key.start + 1] == '"'
        spaced = not (self.doc.is_json and re.match(r":\S", text[key.end : key.end + 2]))
        return Style(True, self.doc.newline, self.step, begins_line(text, key.start), spaced, quoted)

    def _check_place(self, key: Node, node: Node) -> None:
        """Refuse an alias: what it stands for is written elsewhere. Raises BadTemplate."""
        if node.start < key.end or not _TO_VALUE.match(self.doc.text, key.end, node.start):
            raise alias(self.doc, key, key.value)


def alias(doc: Document, key: Node, name: str) -> BadTemplate:
    return doc.fixed(key, Phrase("%(name)s is an alias of something written elsewhere. Write it out there.", name=name))


def dash_of(text: str, child: Node) -> int | None:
    """Where the dash of a block list's item stands, directly before it."""
    before = text[: child.start].rstrip()
    return len(before) - 1 if before.endswith("-") else None


def _step(doc: Document) -> str:
    """One level of indentation, told by the first resource."""
    key, found = doc.root.key("Resources"), doc.root.get("Resources")
    if key is None or found is None or not found.items:
        return "  "
    outer, inner = indent_at(doc.text, key.start), indent_at(doc.text, found.items[0][0].start)
    step = inner.removeprefix(outer) if inner.startswith(outer) else ""
    return step if step and (doc.root.flow or not step.strip(" ")) else "  "
