"""Who waits for whom among resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from catalog.gating.resources import LOOP, Resource
from catalog.templates import references

# What stands in these may be gone when CloudFormation draws its graph: another branch, a number, an entry of a map.
_MAY_VANISH = ("Fn::If", "Fn::Length", "Fn::FindInMap", "Fn::Transform", "Fn::ToJsonString")

# A call to a function goes through these.
_CARRYING = ("AWS::Lambda::", "AWS::IAM::", "AWS::Logs::", "AWS::SNS::", "AWS::SQS::", "AWS::KMS::")


def firm(value: Any) -> set[str]:
    """The names a value refers to whatever the conditions say."""
    return references(_kept(value))


def _kept(value: Any) -> Any:
    if isinstance(value, list):
        return [_kept(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: _kept(one) for key, one in value.items() if key not in _MAY_VANISH and not key.startswith(LOOP)}


def waits_for(resource: Resource) -> set[str]:
    """The resources it is certainly made after. What its Metadata names is not counted."""
    return {*firm(resource.data.get("Properties")), *resource.depends_on}


def needs(resource: Resource) -> set[str]:
    """Every name that may make it wait."""
    return {*references(resource.data), *resource.depends_on}


def closure(names: Iterable[str], known: Mapping[str, Resource]) -> set[str]:
    """These resources and everything they need in turn."""
    found, left = set[str](), [name for name in names if name in known]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left.extend(needs(known[name]) & known.keys())
    return found


def plumbing(names: Iterable[str], known: Mapping[str, Resource]) -> set[str]:
    """What a call to these resources needs: they and what their properties refer to, in turn. What stands in a
    DependsOn is needed by a call only where it carries it: a policy, a log group, a permission."""
    found, left = set[str](), [name for name in names if name in known]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            one = known[name]
            left.extend(references(one.properties) & known.keys())
            left.extend(other for other in one.depends_on if other in known and _carries(known[other].kind))
    return found


def _carries(kind: str) -> bool:
    return kind.startswith(_CARRYING)


def circle(known: Mapping[str, Resource]) -> list[str]:
    """A circle of resources that wait for each other, first and last the same; empty if there is none.

    Conditional resources are left out: CloudFormation may see no circle where one of them is missing.
    """
    edges = {name: sorted(waits_for(one) & known.keys()) for name, one in known.items() if not one.condition}
    done = set[str]()
    for start in edges:
        if start not in done and (found := _circle_from(start, edges, done)):
            return found
    return []


def _circle_from(start: str, edges: Mapping[str, list[str]], done: set[str]) -> list[str]:
    path, on_path, left = [start], {start}, [iter(edges[start])]
    while left:
        name = next(left[-1], None)
        if name is None:
            left.pop()
            on_path.discard(path[-1])
            done.add(path.pop())
        elif name in on_path:
            return [*path[path.index(name) :], name]
        elif name in edges and name not in done:
            path.append(name)
            on_path.add(name)
            left.append(iter(edges[name]))
    return []
