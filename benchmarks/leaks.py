"""Which resources CloudFormation could make before a gate opens: found by playing it, not with the library's own eyes.

The template is read by PyYAML, references are found in the JSON text of a resource, and resources are "made" one after
the other as CloudFormation would, in the world where every condition holds and in the one where none does.
"""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NAMED = re.compile(r'"Ref": "([A-Za-z0-9]+)"|"Fn::GetAtt": (?:\["|")([A-Za-z0-9]+)|\$\{([A-Za-z0-9]+)[.}]')
WAIT = "AWS::CloudFormation::WaitCondition"


class _Templates(_LOADER):  # type: ignore[misc]
    """YAML with CloudFormation's short tags; dates stay texts."""


def _tagged(loader: Any, suffix: str, node: Any) -> Any:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


_Templates.add_multi_constructor("!", _tagged)
_Templates.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: loader.construct_scalar(node))


def read(data: bytes) -> Any:
    """A template as data."""
    text = data.decode("utf-8-sig")
    try:
        return json.loads(text)
    except ValueError:
        return yaml.load(text, Loader=_Templates)  # noqa: S506 - a safe loader's child


def bodies(template: Any) -> dict[str, dict[str, Any]]:
    """Every resource by its name; those in loops by the loop's name and their own."""
    found: dict[str, dict[str, Any]] = {}
    left = [("", template["Resources"])]
    while left:
        where, group = left.pop()
        for name, body in group.items():
            if name.startswith("Fn::ForEach::"):
                left.append((f"{where}{name}/", body[2]))
            else:
                found[where + name] = body
    return found


def made_before_approval(data: bytes) -> set[str]:
    """The resources that are made while no wait condition has had its signal, the gate's own among them."""
    known = bodies(read(data))
    return _made(known) | _made({name: body for name, body in known.items() if not body.get("Condition")})


def _made(known: dict[str, dict[str, Any]]) -> set[str]:
    made, grew = set[str](), True
    needs = {name: _needs(body) & known.keys() for name, body in known.items()}
    while grew:
        ready = {name for name in known.keys() - made if known[name]["Type"] != WAIT and needs[name] <= made}
        made |= ready
        grew = bool(ready)
    return made


def _needs(body: dict[str, Any]) -> set[str]:
    depends = body.get("DependsOn", [])
    text = json.dumps(_certain(body.get("Properties", {})), default=str)
    named = {name for found in _NAMED.finditer(text) for name in found.groups() if name}
    depends = depends if isinstance(depends, list) else [depends]
    return named | {name for name in depends if isinstance(name, str)}


def _certain(value: Any) -> Any:
    """Without branches that may not be taken."""
    if isinstance(value, list):
        return [_certain(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: _certain(one) for key, one in value.items() if key != "Fn::If"}
