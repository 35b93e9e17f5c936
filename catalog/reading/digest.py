"""A template told to people: what it makes, by service, what is risky in it, and what it asks for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from catalog.reading.findings import Finding
from catalog.reading.parameters import Parameter, parameters
from catalog.reading.rules import find
from catalog.reading.services import service_of
from catalog.reading.stack import stack_of
from catalog.reading.values import text_of
from catalog.templates import Document

# Nobody reads more; CloudFormation takes 500 resources and 200 parameters.
_MOST = 600
_MOST_FINDINGS = 200


@dataclass(frozen=True, slots=True)
class Made:
    """A resource. `sure` is false where a condition decides that is not known."""

    id: str
    type: str
    sure: bool


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    resources: tuple[Made, ...]

    @property
    def types(self) -> list[tuple[str, int]]:
        """Each type and how many of it, the most frequent first."""
        counted: dict[str, int] = defaultdict(int)
        for one in self.resources:
            counted[one.type] += 1
        return sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))


@dataclass(frozen=True, slots=True)
class Digest:
    """The gate's own resources are left out. `left_out`: how many a condition leaves out of this launch."""

    description: str
    services: tuple[Service, ...]
    left_out: int
    transforms: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    findings: tuple[Finding, ...]

    @property
    def count(self) -> int:
        return sum(len(service.resources) for service in self.services)

    def kept(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self) | {"findings": [one.kept() for one in self.findings]}

    @classmethod
    def from_kept(cls, kept: dict[str, Any]) -> Digest:
        """What `kept` gave, perhaps of an earlier release. Raises TypeError, KeyError and ValueError."""
        services = (Service(s["name"], tuple(Made(**one) for one in s["resources"])) for s in kept["services"])
        return cls(
            kept["description"],
            tuple(services),
            kept["left_out"],
            tuple(kept["transforms"]),
            tuple(Parameter(**one) for one in kept["parameters"]),
            tuple(Finding.from_kept(one) for one in kept["findings"]),
        )


def digest(document: Document, given: Mapping[str, str]) -> Digest:
    """Read a template. `given`: parameters as CloudFormation shows them ("****" for hidden ones), and the pseudo
    parameters of its stack (`catalog.reading.pseudo`)."""
    stack = stack_of(document, given)
    made = [Made(resource.id, resource.type, resource.sure) for resource in stack.resources]
    description = stack.tree.get("Description")
    return Digest(
        text_of(description) if isinstance(description, str) else "",
        grouped(made),
        stack.left_out,
        stack.transforms,
        tuple(parameters(stack.tree)[:_MOST]),
        tuple(find(stack)[:_MOST_FINDINGS]),
    )


def grouped(made: list[Made]) -> tuple[Service, ...]:
    """Resources by service, the service with the most first."""
    by_service: dict[str, list[Made]] = defaultdict(list)
    for one in made[:_MOST]:
        by_service[service_of(one.type)].append(one)
    services = [Service(name, tuple(of_it)) for name, of_it in by_service.items()]
    return tuple(sorted(services, key=lambda service: (-len(service.resources), service.name)))
