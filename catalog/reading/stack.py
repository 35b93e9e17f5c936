"""A template as one launch would have it: what rules look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from catalog.gating.email import is_hidden
from catalog.reading.functions import Resolver
from catalog.reading.loops import Loops
from catalog.reading.shapes import after, mapping, section
from catalog.reading.values import HIDDEN, Seen, at, is_known, text_of
from catalog.templates import Document, plain, references

# What stands for the resources of loops that are not written out.
MORE = "Fn::ForEach"
_GATE = ("Custom::NotificationFunction", "Custom::ApprovalReceipt")
_WAITS = ("AWS::CloudFormation::WaitCondition", "AWS::CloudFormation::WaitConditionHandle")


@dataclass(frozen=True, slots=True)
class Resource:
    """`properties` are worked out, `raw` is the resource as written. `sure`: its condition is known to hold."""

    id: str
    type: str
    properties: dict[str, Any]
    raw: Mapping[str, Any]
    sure: bool = True

    def at(self, *path: str) -> Iterator[Seen]:
        """The property's values, through lists and alternatives."""
        return at(self.properties, *path, sure=self.sure)

    def text(self, *path: str) -> str:
        """The first value that is known, as text; empty where there is none."""
        return next((text_of(one.value) for one in self.at(*path) if is_known(one.value)), "")

    def written(self, *path: str) -> Any:
        """The property as it is written, functions and all."""
        value: Any = self.raw.get("Properties")
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value


@dataclass(frozen=True, slots=True)
class Stack:
    """`resources`: those that will be made, without the gate. `left_out`: how many a condition leaves out."""

    tree: Mapping[str, Any]
    resources: tuple[Resource, ...]
    left_out: int
    account: str
    transforms: tuple[str, ...]
    # The parameters whose values nobody is shown.
    hidden: frozenset[str]

    def of(self, *types: str) -> Iterator[Resource]:
        """The resources of these types."""
        return (one for one in self.resources if one.type in types)

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(one.id for one in self.resources)


def stack_of(document: Document, given: Mapping[str, str]) -> Stack:
    """`given`: the launch's parameters as CloudFormation shows them, and pseudo parameters (`values.pseudo`)."""
    tree = plain(document.root)
    declared = section(tree, "Parameters")
    values, hidden = _given(declared, given)
    resolver = Resolver(tree, values)
    loops = Loops(resolver)
    written = dict(loops.written_out(section(tree, "Resources")))
    gate = gate_parts(written)
    made, left_out = [], 0
    for name, raw in written.items():
        holds = resolver.judge(raw["Condition"]) if "Condition" in raw else True
        if name in gate:
            continue
        if holds is False:
            left_out += 1
            continue
        properties = resolver.value(raw.get("Properties"))
        made.append(
            Resource(
                name,
                text_of(raw.get("Type", "")),
                properties if isinstance(properties, dict) else {},
                raw,
                sure=holds is True,
            )
        )
    if loops.cut:
        made.append(Resource(loops.cut, MORE, {}, {}, sure=False))
    transforms = tuple(text_of(one.value) for one in at(tree, "Transform") if isinstance(one.value, str))
    return Stack(tree, tuple(made), left_out, text_of(values.get("AWS::AccountId") or ""), transforms, hidden)


def gate_parts(resources: Mapping[str, Any]) -> frozenset[str]:
    """The logical ids of the gate's own resources: who asks, what waits, and who checks the receipt."""
    resources = {name: raw for name, raw in resources.items() if isinstance(raw, dict)}
    asks = {name for name, raw in resources.items() if text_of(raw.get("Type")) in _GATE}
    if not asks:
        return frozenset()
    named = references([section(resources[name], "Properties") for name in asks])
    for name, raw in resources.items():
        waits = text_of(raw.get("Type")) == _WAITS[0]
        if waits and (after(raw) & asks or references(raw.get("Properties")) & named):
            named |= {name} | references(raw.get("Properties"))
    return frozenset(asks | {n for n in named if n in resources and text_of(resources[n].get("Type")) in _WAITS})


def _given(declared: Mapping[str, Any], given: Mapping[str, str]) -> tuple[dict[str, Any], frozenset[str]]:
    """Values by name, lists as lists, and the names of those that are hidden."""
    values: dict[str, Any] = {name: value for name, value in given.items() if name.startswith("AWS::")}
    hidden = set()
    for name, about in declared.items():
        about = mapping(about)
        secret = is_hidden(about) or given.get(name) == HIDDEN
        kind = text_of(about.get("Type", ""))
        # The default of an SSM parameter is a name; what it stands for is only known once it is launched.
        value = given.get(name, None if "SSM::Parameter" in kind else about.get("Default"))
        if secret:
            hidden.add(name)
        elif value is not None:
            listed = kind.startswith(("List<", "CommaDelimitedList")) or "Value<List<" in kind
            values[name] = [part.strip() for part in text_of(value).split(",")] if listed else text_of(value)
    return values, frozenset(hidden)
