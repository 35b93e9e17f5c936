"""What changed between two templates: by resource and property, and as text."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from catalog.reading.masking import masked
from catalog.reading.replacing import replaced_by
from catalog.reading.shapes import after, section
from catalog.reading.stack import gate_parts
from catalog.reading.values import text_of
from catalog.templates import Document, plain

# What a page shows; difflib takes quadratic time where most lines differ.
_MOST_LINES = 3000
_MOST_SHOWN = 600
_MOST_PATHS = 30
_ATTRIBUTES = (
    "Type",
    "Condition",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "CreationPolicy",
    "UpdatePolicy",
    "Metadata",
)


@dataclass(frozen=True, slots=True)
class Change:
    """`paths`: the properties that changed, e.g. "Properties.Tags[0].Value". `replaced`: the properties for which
    CloudFormation makes a new resource."""

    id: str
    type: str
    paths: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """`text` is a unified diff, secrets masked; empty where the texts are the same, `cut` where it is not all."""

    added: tuple[Change, ...]
    removed: tuple[Change, ...]
    changed: tuple[Change, ...]
    parameters_added: tuple[str, ...]
    parameters_removed: tuple[str, ...]
    parameters_changed: tuple[str, ...]
    other: tuple[str, ...]
    text: str
    cut: bool

    @property
    def is_empty(self) -> bool:
        return not self.text and not self.cut

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Each line of the text with what it is: "added", "removed", "place" or "same"."""
        kinds = {"+": "added", "-": "removed", "@": "place"}
        return [(kinds.get(line[:1], "same"), line) for line in self.text.splitlines()]

    def kept(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self)

    @classmethod
    def from_kept(cls, kept: dict[str, Any]) -> Difference:
        """What `kept` gave. Raises TypeError and KeyError."""
        made: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in kept.items()}
        for name in ("added", "removed", "changed"):
            made[name] = tuple(_change(one) for one in made[name])
        return cls(**made)


def _change(kept: dict[str, Any]) -> Change:
    return Change(**kept | {"paths": tuple(kept["paths"]), "replaced": tuple(kept["replaced"])})


def difference(old: Document, new: Document) -> Difference:
    """What the new template changes. The gate's own resources are left out, also of the DependsOn of others."""
    before, now = plain(old.root), plain(new.root)
    was, will = _resources(before), _resources(now)
    gate = gate_parts(section(before, "Resources")) | gate_parts(section(now, "Resources"))
    text, cut = _text(masked(old), masked(new))
    p_was, p_will = section(before, "Parameters"), section(now, "Parameters")
    return Difference(
        added=tuple(Change(name, _type(will[name])) for name in will if name not in was),
        removed=tuple(Change(name, _type(raw)) for name, raw in was.items() if name not in will),
        changed=tuple(
            change
            for name in will
            if name in was and (change := _changed(name, was[name], will[name], gate)) is not None
        ),
        parameters_added=tuple(name for name in p_will if name not in p_was),
        parameters_removed=tuple(name for name in p_was if name not in p_will),
        parameters_changed=tuple(name for name in p_will if name in p_was and p_will[name] != p_was[name]),
        other=tuple(_other(before, now)),
        text=text,
        cut=cut,
    )


def _changed(name: str, was: Mapping[str, Any], will: Mapping[str, Any], gate: frozenset[str]) -> Change | None:
    paths = list(_paths(was.get("Properties"), will.get("Properties"), "Properties"))
    paths += [one for one in _ATTRIBUTES if was.get(one) != will.get(one)]
    if after(was) - gate != after(will) - gate:
        paths.append("DependsOn")
    if not paths:
        return None
    return Change(name, _type(will), tuple(paths[:_MOST_PATHS]), tuple(replaced_by(was, will)))


def _paths(was: Any, will: Any, path: str) -> Iterator[str]:
    """Where two values differ, as deep as both are of one shape."""
    left = [(was, will, path)]
    while left:
        was, will, path = left.pop()
        if was == will:
            continue
        if isinstance(was, dict) and isinstance(will, dict) and not _is_function(was) and not _is_function(will):
            keys = list(dict.fromkeys((*was, *will)))
            left += [(was.get(key), will.get(key), f"{path}.{key}") for key in reversed(keys)]
        elif isinstance(was, list) and isinstance(will, list) and len(was) == len(will):
            left += [(was[n], will[n], f"{path}[{n}]") for n in reversed(range(len(was)))]
        else:
            yield path


def _is_function(value: dict[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::"))


def _other(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """The other sections that changed."""
    for name in dict.fromkeys((*before, *now)):
        if name not in ("Resources", "Parameters") and before.get(name) != now.get(name):
            yield str(name)


def _text(old: str, new: str) -> tuple[str, bool]:
    if old == new:
        return "", False
    was, will = old.splitlines(), new.splitlines()
    cut = max(len(was), len(will)) > _MOST_LINES
    lines = list(difflib.unified_diff(was[:_MOST_LINES], will[:_MOST_LINES], n=3, lineterm=""))[2:]
    return "\n".join(line[:500] for line in lines[:_MOST_SHOWN]), cut or len(lines) > _MOST_SHOWN


def _resources(tree: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    resources = section(tree, "Resources")
    gate = gate_parts(resources)
    # A loop (AWS::LanguageExtensions) is compared as a whole.
    whole = {n: raw if isinstance(raw, dict) else {"Type": "", "Properties": raw} for n, raw in resources.items()}
    return {name: raw for name, raw in whole.items() if name not in gate}


def _type(raw: Mapping[str, Any]) -> str:
    return text_of(raw.get("Type") or "")
