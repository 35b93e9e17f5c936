"""JSON from strangers: one meaning per text, bounded in size, depth and numbers."""

from __future__ import annotations

import json
import re
from typing import Any

MAX_DEPTH = 32
_MAX_DIGITS = 18
# Possessive, and a string may miss its end: else every quote in a run of `\"` would be tried as a beginning.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)


class NotUnderstood(Exception):
    """The message cannot be taken. The text says why, for administrators, and quotes no value of it."""


def loads(raw: str, *, limit: int) -> dict[str, Any]:
    """The JSON object in `raw`, of at most `limit` bytes.

    Raises NotUnderstood for anything that two parsers may read differently (a key twice, NaN, 1e400, an
    integer no double holds) and for nesting deeper than 32.
    """
    if len(raw) > limit or len(raw.encode(errors="surrogatepass")) > limit:
        raise NotUnderstood(f"It is larger than {limit} bytes.")
    if _depth(raw) > MAX_DEPTH:
        raise NotUnderstood("It is nested too deeply.")
    try:
        value = json.loads(
            raw, object_pairs_hook=_once, parse_constant=_constant, parse_float=_finite, parse_int=_integer
        )
    except (ValueError, RecursionError):
        raise NotUnderstood("It is not JSON.") from None
    if not isinstance(value, dict):
        raise NotUnderstood("It is not a JSON object.")
    return value


def cut(text: str, length: int) -> str:
    """`text` in at most `length` characters; an ellipsis shows that some are missing."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _depth(raw: str) -> int:
    depth = deepest = 0
    for bracket in re.findall(r"[\[\]{}]", _STRING.sub("", raw)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise NotUnderstood("It says the same thing twice.")
    return result


def _constant(_name: str) -> Any:
    raise NotUnderstood("It contains a number that is none.")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise NotUnderstood("It contains a number that is too large.")
    return value


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise NotUnderstood("It contains a number that is too large.")
    return int(text)
