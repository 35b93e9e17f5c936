"""A form from a template's parameters, and what CloudFormation would say to the values typed in."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.servicecatalog.templates import Template

KEPT = "****"
_LONG = 256


@dataclass(frozen=True)
class Field:
    """One parameter. `kept`: a secret that stays as it is when the field is left empty."""

    key: str
    label: str
    description: str
    type: str
    default: str | None
    secret: bool
    rules: Mapping[str, Any]
    kept: bool = False

    @property
    def name(self) -> str:
        """Of the HTML control; the prefix keeps parameters apart from the form's own fields."""
        return f"p.{self.key}"

    @property
    def choices(self) -> list[str]:
        return list(self.rules.get("AllowedValues", []))

    @property
    def control(self) -> str:
        """select, password, textarea, number or text."""
        if self.choices:
            return "select"
        if self.secret:
            return "password"
        if self.type == "Number":
            return "number"
        return "textarea" if int(self.rules.get("MaxLength", 0)) >= _LONG else "text"

    @property
    def required(self) -> bool:
        return self.default is None and not self.kept

    @property
    def optional(self) -> bool:
        """May be left empty, and is unless something is typed in."""
        return self.default == ""

    def hint(self) -> str:
        """What it is for and what it takes."""
        sentences = [self.description.rstrip("."), self._limits()]
        return ". ".join(sentence[:1].upper() + sentence[1:] for sentence in sentences if sentence)

    def _limits(self) -> str:
        low, high = self.rules.get("MinValue"), self.rules.get("MaxValue")
        short, long = self.rules.get("MinLength"), self.rules.get("MaxLength")
        parts = []
        if low or high:
            parts.append(f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}")
        if self.secret and (short or long):
            parts.append(f"{short} to {long} characters" if short and long else f"{short or long} characters")
        if self.type.startswith("List<") or self.type == "CommaDelimitedList":
            parts.append("separate several with commas")
        if self.type.startswith("AWS::SSM::Parameter::Value"):
            parts.append("the name of an SSM parameter")
        if self.kept:
            parts.append("leave it empty to keep the present value")
        return "; ".join(parts)

    def problem(self, value: str) -> str:
        """Why CloudFormation would refuse the value; empty when it would not."""
        if self.kept and not value:
            return ""
        if self.required and not value:
            return "Enter a value."
        if self.choices and value not in self.choices:
            return "Choose one of the values."
        return self._wrong_number(value) or self._wrong_length(value) or self._wrong_pattern(value)

    def _wrong_number(self, value: str) -> str:
        if self.type != "Number":
            return ""
        try:
            number = float(value)
        except ValueError:
            return "Enter a number."
        low, high = self.rules.get("MinValue"), self.rules.get("MaxValue")
        if (low and number < float(low)) or (high and number > float(high)):
            return self._said(f"Enter a number: {self._limits()}.")
        return ""

    def _wrong_length(self, value: str) -> str:
        short, long = int(self.rules.get("MinLength", 0)), self.rules.get("MaxLength")
        if len(value) < short:
            return self._said(f"Enter at least {short} characters.")
        if long and len(value) > int(long):
            return self._said(f"Enter at most {long} characters; these are {len(value)}.")
        return ""

    def _wrong_pattern(self, value: str) -> str:
        pattern = self.rules.get("AllowedPattern")
        if not pattern or re.fullmatch(pattern, value):
            return ""
        return self._said(f"Must match the pattern {pattern}")

    def _said(self, otherwise: str) -> str:
        """The template's own words go first."""
        words = str(self.rules.get("ConstraintDescription", "")).strip()
        return f"{self.label} {words}" if words else otherwise


@dataclass(frozen=True)
class Group:
    """Fields under one heading."""

    title: str
    fields: list[Field]


class Form:
    """A version's fields, what was typed into them, and what is wrong with it by control name ("" for the whole)."""

    def __init__(self, template: Template, known: Mapping[str, str], sent: Mapping[str, Any]) -> None:
        """`known` are the values an existing stack has, `sent` is empty until the form comes back."""
        interface = template.interface()
        self.fields = _fields(template.parameters(), interface, known)
        self.groups = _groups(self.fields, interface)
        self.values = {f.name: str(sent.get(f.name, "" if f.secret else f.default or "")) for f in self.fields}
        self.token = str(sent.get("token") or uuid.uuid4())
        self.errors: dict[str, str] = {}

    def check(self) -> None:
        """Find what CloudFormation would refuse."""
        problems = {field.name: field.problem(self.values[field.name]) for field in self.fields}
        self.errors |= {name: problem for name, problem in problems.items() if problem}

    def parameters(self) -> list[dict[str, Any]]:
        """`ProvisioningParameters`; a secret left empty keeps its value."""
        return [
            {"Key": field.key, "UsePreviousValue": True}
            if field.kept and not self.values[field.name]
            else {"Key": field.key, "Value": self.values[field.name]}
            for field in self.fields
        ]


def _fields(parameters: list[dict[str, Any]], interface: Mapping[str, Any], known: Mapping[str, str]) -> list[Field]:
    labels = interface.get("ParameterLabels") or {}
    return [
        Field(
            p["ParameterKey"],
            str((labels.get(p["ParameterKey"]) or {}).get("default") or p["ParameterKey"]),
            p["Description"],
            p["ParameterType"],
            known.get(p["ParameterKey"], p.get("DefaultValue")),
            p["IsNoEcho"],
            p["ParameterConstraints"],
            kept=known.get(p["ParameterKey"]) == KEPT,
        )
        for p in parameters
    ]


def _groups(all_fields: list[Field], interface: Mapping[str, Any]) -> list[Group]:
    """As the template groups them; the rest last."""
    by_key = {field.key: field for field in all_fields}
    found = []
    for declared in interface.get("ParameterGroups") or []:
        chosen = [by_key.pop(key) for key in declared.get("Parameters") or [] if key in by_key]
        if chosen:
            found.append(Group(str((declared.get("Label") or {}).get("default") or "Parameters"), chosen))
    if by_key:
        found.append(Group("Other parameters" if found else "Parameters", list(by_key.values())))
    return found
