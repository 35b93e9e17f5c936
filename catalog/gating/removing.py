"""Takes entries out of a template's text: the inverse of `Editor`'s insertions, to the byte."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.gating.editing import Editor, dash_of
from catalog.gating.layout import end_of_previous_line, line_end, line_start, next_line
from catalog.gating.resources import entry
from catalog.templates import Node


def remove_entries(editor: Editor, node: Node, names: set[str], *, behind: bool = False) -> None:
    """Take entries out of a map. `behind`: in braces they were put behind another entry, else before one."""
    gone = {at for at, (key, _value) in enumerate(node.items) if key.value in names}
    if node.flow:
        spans = [(key.start, max(key.end, value.end)) for key, value in node.items]
        _cut(editor, spans, gone, behind=behind)
        return
    for at in gone:
        key, value = node.items[at]
        editor.delete_lines(key.start, max(key.end, value.end))


def remove_items(editor: Editor, node: Node, gone: set[int], *, behind: bool = False) -> None:
    """Take items out of a list, given by their places; `behind` as for entries."""
    if node.flow:
        _cut(editor, [(child.start, child.end) for child in node.children], gone, behind=behind)
        return
    for at in gone:
        child = node.children[at]
        dash = dash_of(editor.doc.text, child)
        editor.delete_lines(child.start if dash is None else dash, child.end)


def remove_section(editor: Editor, name: str) -> None:
    """Take a section out that `Editor.add_section` put in."""
    text, root = editor.doc.text, editor.doc.root
    key, value = entry(editor.doc, name)
    above, below = end_of_previous_line(text, key.start), next_line(text, value.end)
    if root.flow or above is None:
        remove_entries(editor, root, {name})
    elif _is_blank(text, above) and below < len(text) and _is_blank(text, below):
        editor.delete_lines(key.start, below)
    else:
        editor.delete_lines(key.start, value.end)


def was_text(editor: Editor, node: Node) -> bool:
    """Whether a block list of a text and the gate was that text: then a space is left behind the colon."""
    above = end_of_previous_line(editor.doc.text, node.children[0].start)
    return above is not None and editor.doc.text[:above].endswith(": ")


def unlist_block(editor: Editor, node: Node) -> None:
    """Turn a block list of a text and the gate back into the text."""
    first, last = node.children
    above = end_of_previous_line(editor.doc.text, first.start)
    editor.delete(first.start if above is None else above, first.start)
    editor.delete_lines(last.start, last.end)


def unlist(editor: Editor, node: Node) -> None:
    """Turn `[first, text]` back into the text."""
    editor.delete(node.start, node.children[1].start)
    editor.delete(node.children[1].end, node.end)


def _cut(editor: Editor, spans: Sequence[tuple[int, int]], gone: set[int], *, behind: bool) -> None:
    """Cut neighbours out together, each run with the comma on one side."""
    for first in sorted(at for at in gone if at - 1 not in gone):
        last = first
        while last + 1 in gone:
            last += 1
        has_next = last + 1 < len(spans)
        if first > 0 and (behind or not has_next):
            editor.delete(spans[first - 1][1], spans[last][1])
        else:
            editor.delete(spans[first][0], spans[last + 1][0] if has_next else spans[last][1])


def _is_blank(text: str, at: int) -> bool:
    return not text[line_start(text, at) : line_end(text, at)].strip()
