"""A template's parameters as people are asked for them: in the order, the groups and the words of its interface."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from catalog.gating.email import is_hidden
from catalog.reading.shapes import mapping
from catalog.reading.values import text_of

_INTERFACE = "AWS::CloudFormation::Interface"


@dataclass(frozen=True, slots=True)
class Parameter:
    """`label` and `group` are empty where the interface gives none. `default` is None where there is none, and
    always for what is hidden (NoEcho)."""

    name: str
    label: str
    group: str
    description: str
    type: str
    default: str | None
    no_echo: bool

    def differs(self, value: str | None) -> bool | None:
        """Whether a launch's value is another than the default; None where nobody can tell.

        CloudFormation shows what an SSM parameter stands for, while its default is a name.
        """
        if self.default is None or value is None or self.no_echo or "AWS::SSM::Parameter" in self.type:
            return None
        return value != self.default


def parameters(tree: Mapping[str, Any]) -> list[Parameter]:
    """Every parameter of a template (`catalog.templates.plain`), those of the interface's groups first."""
    declared = mapping(tree.get("Parameters"))
    interface = mapping(mapping(tree.get("Metadata")).get(_INTERFACE))
    labels = mapping(interface.get("ParameterLabels"))
    groups = dict(_groups(interface))
    order = [name for name in groups if name in declared]
    order += [name for name in declared if name not in groups]
    return [_parameter(name, mapping(declared[name]), _label(labels.get(name)), groups.get(name, "")) for name in order]


def _parameter(name: str, about: Mapping[str, Any], label: str, group: str) -> Parameter:
    no_echo = is_hidden(about)
    default = about.get("Default")
    shown = None if no_echo or default is None or isinstance(default, dict | list) else text_of(default)
    return Parameter(
        name, label, group, text_of(about.get("Description") or ""), text_of(about.get("Type") or ""), shown, no_echo
    )


def _groups(interface: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    groups = interface.get("ParameterGroups")
    for group in groups if isinstance(groups, list) else []:
        names = mapping(group).get("Parameters")
        for name in names if isinstance(names, list) else []:
            yield text_of(name), _label(mapping(group).get("Label"))


def _label(value: Any) -> str:
    label = value.get("default") if isinstance(value, dict) else value
    return text_of(label) if isinstance(label, str | int) else ""
