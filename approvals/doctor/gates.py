"""Reads what a product's template says about its gate, in JSON or YAML.

Only what the checks ask is read: types, ServiceTokens, time-outs, defaults of parameters. A value that only
CloudFormation can work out is None; a template that is none of both raises Unreadable. It never guesses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from approvals.conclusions import RECEIPT, WAIT_CONDITION
from approvals.doctor.visit import Place
from catalog import partitions

REQUEST = "Custom::NotificationFunction"
_FUNCTIONS = {REQUEST: "gatehouse-notify", RECEIPT: "gatehouse-verify"}
_KEY = re.compile(r"""^( *)(["']?)([\w.:-]+)\2 *:(?: +(.*))?$""")
_ENTRY = r"""["']?\b{}["']?\s*:\s*"""
# A quoted text, a short tag with its text, `{"Ref": "X"}`, or plain text to the end of line or flow value.
_VALUE = (
    r"""((?:!\w+\s+|\{\s*["']?(?:Ref|Fn::\w+)["']?\s*:\s*|(?:Ref|Fn::\w+)\s*:\s*|[>|]-?\s*)*)"""
    r"""("[^"]*"|'[^']*'|(?:\$\{[^}]*\}|[^\s,{}\[\]#])*)"""
)


class Unreadable(Exception):
    """Neither JSON nor YAML that has resources."""


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate of one template. `tokens`: (logical id, type) → ServiceToken, "" if it has none; `timeouts`:
    seconds."""

    tokens: Mapping[tuple[str, str], str | None]
    timeouts: Mapping[str, int | None]

    @property
    def holds(self) -> bool:
        """Whether it holds a launch: it asks the desk and waits."""
        return bool(self.timeouts) and any(kind == REQUEST for _id, kind in self.tokens)


def function_of(kind: str) -> str:
    """The function that a resource of the gate of this type has to call."""
    return _FUNCTIONS[kind]


def gate_of(template: str, place: Place) -> Gate:
    """Raises Unreadable. Pseudo parameters mean what they mean in `place`."""
    resources, parameters = _json(template) or _yaml(template)
    tokens: dict[tuple[str, str], str | None] = {}
    timeouts: dict[str, int | None] = {}
    for name, (kind, text) in resources.items():
        if kind in _FUNCTIONS:
            tokens[name, kind] = _told(text, "ServiceToken", parameters, place)
        elif kind == WAIT_CONDITION and re.search(_ENTRY.format("Handle"), text):
            seconds = _told(text, "Timeout", parameters, place)
            timeouts[name] = int(seconds) if seconds and seconds.isdecimal() else None
    return Gate(tokens, timeouts)


_Resources = dict[str, tuple[str, str]]


def _json(template: str) -> tuple[_Resources, dict[str, str]] | None:
    try:
        tree: Any = json.loads(template)
    except ValueError:
        return None
    if not isinstance(tree, dict) or not isinstance(tree.get("Resources"), dict):
        raise Unreadable
    resources = {
        name: (str(one.get("Type", "")), json.dumps(one.get("Properties", {})))
        for name, one in tree["Resources"].items()
        if isinstance(one, dict)
    }
    given = tree.get("Parameters")
    parameters = given.items() if isinstance(given, dict) else ()
    return resources, {
        name: str(one["Default"]) for name, one in parameters if isinstance(one, dict) and "Default" in one
    }


def _yaml(template: str) -> tuple[_Resources, dict[str, str]]:
    lines = [line.rstrip() for line in template.removeprefix("\ufeff").splitlines()]
    lines = [line for line in lines if line and not line.lstrip().startswith(("#", "---"))]
    sections = dict(_children(lines))
    if "Resources" not in sections:
        raise Unreadable
    resources = {}
    for name, body in _children(sections["Resources"]):
        text = "\n".join(body)
        own = dict(_children(body)).get("Type", [text])
        kind = re.search(r"""(?:\bType["']?\s*:\s*|^)["']?([\w:.@-]+)""", own[0] if own else "")
        resources[name] = (kind[1] if kind else "", text)
    defaults = {}
    for name, body in _children(sections.get("Parameters", [])):
        found = re.search(_ENTRY.format("Default") + _VALUE, "\n".join(body))
        if found:
            defaults[name] = found[2].strip("\"'")
    return resources, defaults


def _children(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """The keys of the outermost block mapping, each with what belongs to it, its own line's rest first."""
    first = next((found for line in lines if (found := _KEY.match(line))), None)
    if first is None:
        return
    name, body = "", list[str]()
    for line in lines:
        found = _KEY.match(line)
        if found and len(found[1]) == len(first[1]):
            if name:
                yield name, body
            name, body = found[3], [found[4]] if found[4] else []
        else:
            body.append(line)
    if name:
        yield name, body


def _told(text: str, key: str, parameters: Mapping[str, str], place: Place) -> str | None:
    """A property's value where the template says it; "" if there is no such property, None where it cannot be
    told."""
    found = re.search(_ENTRY.format(key) + _VALUE, text)
    if found is None:
        return ""
    how, value = found[1], found[2].strip("\"'")
    if "Ref" in how:
        return parameters.get(value)
    if how.strip(" \n>|-") and (not value or "Sub" not in how):
        return None
    return _with_pseudo_parameters(value, parameters, place)


def _with_pseudo_parameters(value: str, parameters: Mapping[str, str], place: Place) -> str | None:
    known = {
        "AWS::Partition": partitions.of_region(place.region).name,
        "AWS::Region": place.region,
        "AWS::AccountId": place.account,
        **parameters,
    }
    resolved = re.sub(r"\$\{([\w:]+)\}", lambda found: known.get(found[1], found[0]), value)
    return None if "${" in resolved else resolved
