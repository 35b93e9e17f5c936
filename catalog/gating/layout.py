"""How a template is laid out around a place, so that what is added looks as if its author had written it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from catalog.templates import Document, Node

_INDENT = re.compile(r"[ \t]*")


@dataclass(frozen=True, slots=True)
class Style:
    """`step`: the indentation of one level. `multiline`: entries in braces stand on lines of their own."""

    flow: bool
    newline: str
    step: str = "  "
    multiline: bool = True
    spaced: bool = True
    always_quoted: bool = True

    @property
    def comma(self) -> str:
        return ", " if self.spaced else ","

    @property
    def colon(self) -> str:
        return ": " if self.spaced else ":"

    def quoted(self, word: str) -> str:
        return f'"{word}"' if self.always_quoted or not word.isalnum() else word


def line_start(text: str, at: int) -> int:
    start = text.rfind("\n", 0, at) + 1
    # Only back to there: most texts have no other line break, and may be one long line.
    return max(start, text.rfind("\r", start, at) + 1)


def line_end(text: str, at: int) -> int:
    """Where the line's last character ends; its line break stands there."""
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    back = text.find("\r", at, end)
    return end if back < 0 else back


def next_line(text: str, at: int) -> int:
    """Where the next line starts, or the text ends."""
    end = line_end(text, at)
    return end + (2 if text[end : end + 2] == "\r\n" else 1 if end < len(text) else 0)


def end_of_previous_line(text: str, at: int) -> int | None:
    """Where the line before this place's line ends; None in the first line."""
    start = line_start(text, at)
    if start == 0:
        return None
    return start - (2 if text[start - 2 : start] == "\r\n" else 1)


def indent_at(text: str, at: int) -> str:
    """The white space that begins the line of this place."""
    found = _INDENT.match(text, line_start(text, at))
    return found[0] if found else ""


def column(text: str, at: int) -> str:
    """Spaces that reach as far as this place."""
    return " " * (at - line_start(text, at))


def begins_line(text: str, at: int) -> bool:
    return not text[line_start(text, at) : at].strip(" \t")


def own_style(doc: Document, node: Node, *, step: str = "  ") -> Style:
    """The style of what goes into this map or list."""
    if not node.flow:
        return Style(flow=False, newline=doc.newline, step=step)
    inside = node.items[0][0] if node.items else node.children[0] if node.children else None
    multiline = inside is not None and begins_line(doc.text, inside.start) and inside.start > node.start + 1
    spaced = doc.text[node.start : node.start + 4000].count(": ") > 0 or not doc.is_json
    quoted = doc.is_json or (inside is not None and doc.text[inside.start : inside.start + 1] == '"')
    return Style(True, doc.newline, step, multiline, spaced, quoted)
