"""What an approver has to know before anything else: the gravest of what is risky, how much there is, what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from approvals.views.asking import Asked
from catalog.reading import Difference, Digest, Finding, Risk

_GRAVEST = 3


@dataclass(frozen=True, slots=True)
class Glance:
    """Numbers are None where nobody knows. `gravest`: with the place of each on the page; `lesser`: how many more."""

    gravest: list[Finding]
    lesser: int
    checked: bool
    resources: int | None
    services: int | None
    changed: int | None
    parameters: int
    replaced: int
    removed: int
    added: int


def glance(
    digest: Digest | None, difference: Difference | None, parameters: Sequence[Asked], *, compared: bool
) -> Glance:
    """`compared`: whether there is a launch before this one to compare the parameters with."""
    findings = [one for one in digest.findings if one.risk is not Risk.LOW] if digest else []
    return Glance(
        gravest=findings[:_GRAVEST],
        lesser=len(digest.findings) - len(findings[:_GRAVEST]) if digest else 0,
        checked=digest is not None,
        resources=digest.count if digest else None,
        services=len(digest.services) if digest else None,
        changed=sum(bool(one.changed) or one.last is None for one in parameters) if compared else None,
        parameters=len(parameters),
        replaced=sum(bool(one.replaced) for one in difference.changed) if difference else 0,
        removed=len(difference.removed) if difference else 0,
        added=len(difference.added) if difference else 0,
    )
