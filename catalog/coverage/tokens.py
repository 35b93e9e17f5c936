"""What an expression of a template comes to, as far as it can be told before a launch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Any

from catalog import partitions
from catalog.templates import references

_PSEUDO = frozenset({"AWS::Partition", "AWS::Region", "AWS::AccountId", "AWS::URLSuffix"})
_IN_TEXT = re.compile(r"\$\{([^{}]*)\}")

# Text in which only pseudo parameters and resources of the template are left, region → such text, or None: only
# CloudFormation knows.
Settled = str | dict[str, str] | None
_MOST = 200


@dataclass(frozen=True, slots=True)
class Known:
    """What a template says of names. `allowed`: parameter → what an administrator lets it be.

    `defaults`: what parameters are unless somebody says otherwise. `mappings`: the template's section.
    """

    defaults: Mapping[str, str] = field(default_factory=dict)
    allowed: Mapping[str, list[str]] = field(default_factory=dict)
    resources: frozenset[str] = frozenset()
    mappings: Any = None

    @property
    def words(self) -> dict[str, str]:
        """A resource is told from a parameter by its `${…}`, as it stands for itself."""
        return {**{name: f"${{{name}}}" for name in self.resources}, **self.defaults}


def possible(value: Any, known: Known) -> list[Settled]:
    """All that `value` can come to by what parameters allow and conditions choose; what it is by default comes first.

    What is made by a resource of the template is that resource, `${Name}`: never a function of ours.
    """
    found: list[Settled] = []
    for one in _branches(value):
        names = sorted(references(one) & known.allowed.keys())
        choices = [_default_first(known.allowed[name], known.defaults.get(name)) for name in names]
        for chosen in islice(product(*choices), _MOST):
            came = settled(one, {**known.words, **dict(zip(names, chosen, strict=True))}, known.mappings)
            if came is None:
                came = next((f"${{{name}}}" for name in sorted(references(one) & known.resources)), None)
            if came not in found:
                found.append(came)
    return found


def _default_first(words: list[str], default: str | None) -> list[str]:
    return sorted(words, key=lambda word: word != default)


def _branches(value: Any) -> Iterator[Any]:
    if isinstance(value, dict) and isinstance(parts := value.get("Fn::If"), list) and len(parts) == 3:
        for one in parts[1:]:
            yield from _branches(one)
    else:
        yield value


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
        case {"Fn::GetAtt": [str(name), *_]}:
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
