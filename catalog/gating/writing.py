"""Values as text, the way a template's neighbours are written: block YAML with short tags, or braces."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from catalog.gating.layout import Style
from catalog.templates import Verbatim

_NAME = re.compile(r"[A-Za-z][\w.:-]*\Z")
_PLAIN = re.compile(r"[A-Za-z](?:[\w./:${}+=,'()-]| (?![ #]|\Z))*\Z")
_TYPED = re.compile(r"(?:true|false|yes|no|on|off|null|[yn])\Z", re.IGNORECASE)
# What YAML does not take as it is, and JSON writes as it is.
_CONTROL = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
# A character of nobody's, before what is written without quotes. What is no bare word in brackets keeps them.
_MARK = "\ue0f7"
_MARKED = re.compile(rf'"{_MARK}([\w.+:-]+)"')
# Functions with one short text for their argument.
_TAGGED = {"Ref": "!Ref", "Fn::Sub": "!Sub", "Fn::ImportValue": "!ImportValue"}
_LONGEST_LINE = 110


def entry(key: str, value: Any, style: Style, *, indent: str) -> str:
    """`key: value` as one entry of a map, without the first line's indentation and without a last newline.

    `indent` is that of the key.
    """
    if style.flow:
        return f"{style.quoted(key)}{style.colon}{flow(value, style, indent)}"
    return style.newline.join(_lines(f"{scalar(key)}:", value, indent, style)).removeprefix(indent)


def item(value: Any, style: Style, *, indent: str) -> str:
    """A mapping as one item of a list, as `entry`; `indent` is that of the dash."""
    if style.flow:
        return flow(value, style, indent)
    lines = [line for key, one in value.items() for line in _lines(f"{scalar(key)}:", one, f"{indent}  ", style)]
    return style.newline.join([f"- {lines[0].strip()}", *lines[1:]])


def flow(value: Any, style: Style, indent: str) -> str:
    """JSON, on lines of its own where the neighbours are."""
    value = _marked(value)
    if style.multiline:
        text = json.dumps(value, indent=style.step, ensure_ascii=False)
        text = text.replace("\n", style.newline + indent)
    else:
        text = json.dumps(value, ensure_ascii=False, separators=(style.comma, style.colon))
    return _escaped(_MARKED.sub(r"\1", text).replace(_MARK, "")) if _MARK in text else _escaped(text)


def _marked(value: Any) -> Any:
    """With a mark on each scalar that has to lose its quotes again."""
    if isinstance(value, dict):
        return {key: _marked(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_marked(one) for one in value]
    return f"{_MARK}{value}" if isinstance(value, Verbatim) else value


def scalar(value: Any) -> str:
    """A YAML scalar for a block; quoted wherever a reader could take it for something else."""
    if isinstance(value, Verbatim):
        return str(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    if _PLAIN.match(text) and not _TYPED.match(text) and not text.endswith(":") and ": " not in text:
        return text
    if text.isprintable() and not _CONTROL.search(text):
        return "'" + text.replace("'", "''") + "'"
    return _escaped(json.dumps(text, ensure_ascii=False))


def _escaped(text: str) -> str:
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _lines(head: str, value: Any, indent: str, style: Style) -> Iterator[str]:
    inline = _inline(value)
    if inline is not None and (not isinstance(value, list) or len(indent + head + inline) < _LONGEST_LINE):
        yield f"{indent}{head} {inline}"
    elif isinstance(value, dict) and value:
        yield f"{indent}{head}"
        for key, one in value.items():
            yield from _lines(f"{scalar(key)}:", one, indent + style.step, style)
    elif isinstance(value, list) and value:
        yield f"{indent}{head}"
        for one in value:
            yield from _item_lines(one, indent + style.step, style)
    else:
        yield f"{indent}{head} {inline if inline is not None else flow(value, FLAT, indent)}"


def _item_lines(value: Any, indent: str, style: Style) -> Iterator[str]:
    inline = _inline(value)
    if inline is not None or not isinstance(value, dict):
        yield f"{indent}- {inline if inline is not None else flow(value, FLAT, indent)}"
        return
    lines = [line for key, one in value.items() for line in _lines(f"{scalar(key)}:", one, f"{indent}  ", style)]
    yield f"{indent}- {lines[0].strip()}"
    yield from lines[1:]


def _inline(value: Any) -> str | None:
    """What fits behind a key: a scalar, a function with its short tag, a list of names."""
    if isinstance(value, list):
        names = all(isinstance(one, str) and _NAME.match(one) and scalar(one) == one for one in value)
        return f"[{', '.join(value)}]" if names else None
    if not isinstance(value, dict):
        return scalar(value)
    if len(value) != 1:
        return "{}" if not value else None
    ((function, argument),) = value.items()
    if function in _TAGGED and isinstance(argument, str):
        return f"{_TAGGED[function]} {scalar(argument)}"
    if function == "Fn::GetAtt" and isinstance(argument, list) and all(isinstance(one, str) for one in argument):
        return f"!GetAtt {scalar('.'.join(argument))}"
    return None


FLAT = Style(flow=True, newline="\n", step="  ", multiline=False)
