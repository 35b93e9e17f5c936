"""What an expression of a template comes to, as far as it can be told before a launch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from catalog import partitions

_PSEUDO = frozenset({"AWS::Partition", "AWS::Region", "AWS::AccountId", "AWS::URLSuffix"})
_IN_TEXT = re.compile(r"\$\{([^{}]*)\}")

# Text in which only pseudo parameters are left, region → such text, or None: only CloudFormation knows.
Settled = str | dict[str, str] | None


def settled(value: Any, defaults: Mapping[str, str], mappings: Any) -> Settled:
    """`value` in the long form of `catalog.templates.plain`; absent (None) is the empty text.

    `defaults`: what parameters are unless somebody says otherwise. `mappings`: the template's section.
    """
    if value is None:
        return ""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, dict) or len(value) != 1:
        return None
    match value:
        case {"Ref": str(name)}:
            return _named(name, defaults)
        case {"Fn::Sub": str(text)}:
            return _filled(text, defaults, {}, mappings)
        case {"Fn::Sub": [str(text), dict(given)]}:
            return _filled(text, defaults, given, mappings)
        case {"Fn::Join": [str(between), list(parts)]}:
            words = [settled(part, defaults, mappings) for part in parts]
            return between.join(word for word in words if isinstance(word, str)) if _all_text(words) else None
        case {"Fn::FindInMap": [str(name), {"Ref": "AWS::Region"}, str(key)]}:
            return _by_region(mappings, name, key)
    return None


def resolved(token: Settled, account: str, region: str) -> str | None:
    """What it is in a place; the empty text where a mapping does not know the region."""
    if isinstance(token, dict):
        return token.get(region, "")
    if token is None:
        return None
    partition = partitions.of_region(region)
    known = {
        "AWS::Partition": partition.name,
        "AWS::Region": region,
        "AWS::AccountId": account,
        "AWS::URLSuffix": partition.suffix,
    }
    return _IN_TEXT.sub(lambda found: known.get(found[1], found[0]), token)


def _named(name: str, defaults: Mapping[str, str]) -> str | None:
    return f"${{{name}}}" if name in _PSEUDO else defaults.get(name)


def _filled(text: str, defaults: Mapping[str, str], given: Mapping[str, Any], mappings: Any) -> str | None:
    known = {}
    for name in _IN_TEXT.findall(text):
        word = settled(given[name], defaults, mappings) if name in given else _named(name.strip(), defaults)
        if not isinstance(word, str):
            return None
        known[name] = word
    return _IN_TEXT.sub(lambda found: known[found[1]], text)


def _all_text(words: list[Settled]) -> bool:
    return all(isinstance(word, str) for word in words)


def _by_region(mappings: Any, name: str, key: str) -> dict[str, str] | None:
    rows = mappings.get(name) if isinstance(mappings, dict) else None
    if not isinstance(rows, dict):
        return None
    found = {region: row[key] for region, row in rows.items() if isinstance(row, dict) and key in row}
    return found if all(isinstance(one, str) for one in found.values()) else None
