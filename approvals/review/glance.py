"""What an approver has to know before anything else: the gravest of what is risky, how much there is, what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.models import LaunchRequest
from approvals.review.asking import Asked, asked
from catalog.reading import Difference, Digest, Finding, Risk
from portal.accounts.models import User

_GRAVEST = 3


@dataclass(frozen=True, slots=True)
class Glance:
    """Numbers are None where nobody knows. `gravest`: with the place of each on the page; `lesser`: how many more.
    `changed` is since the last time, `differing` from the template's defaults."""

    gravest: list[Finding]
    lesser: int
    checked: bool
    resources: int | None
    services: int | None
    changed: int | None
    differing: int
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
        differing=sum(bool(one.differs) for one in parameters),
        parameters=len(parameters),
        replaced=sum(bool(one.replaced) for one in difference.changed) if difference else 0,
        removed=len(difference.removed) if difference else 0,
        added=len(difference.added) if difference else 0,
    )


def in_words(launch: LaunchRequest, person: User) -> tuple[str, ...]:
    """A line for each of it, as far as this person may see it; nothing while the template has not been read. Neither
    a value nor a name out of the template is in them."""
    found = asked(launch, person)
    digest, difference = found["digest"], found["difference"]
    if digest is None:
        return ()
    said = glance(digest, difference, found["parameters"], compared=found["last"] is not None)
    return (*_risks(said), *_sizes(said), _differences(said))


def _risks(said: Glance) -> list[str]:
    gravest = [_("%(what)s (%(risk)s)") % {"what": one.heading, "risk": one.risk.label} for one in said.gravest]
    if not said.lesser:
        return gravest or [_("No risk was found in the template")]
    if gravest:
        more = ngettext("%(n)s more finding", "%(n)s more findings", said.lesser)
    else:
        more = ngettext("%(n)s finding of low risk", "%(n)s findings of low risk", said.lesser)
    return [*gravest, more % {"n": said.lesser}]


def _sizes(said: Glance) -> list[str]:
    n = said.resources or 0
    lines = [ngettext("%(n)s resource", "%(n)s resources", n) % {"n": n}]
    if said.removed:
        lines.append(ngettext("%(n)s goes", "%(n)s go", said.removed) % {"n": said.removed})
    if said.replaced:
        lines.append(ngettext("%(n)s is replaced", "%(n)s are replaced", said.replaced) % {"n": said.replaced})
    return lines


def _differences(said: Glance) -> str:
    if said.changed is None:
        words = ngettext(
            "%(n)s parameter differs from its default", "%(n)s parameters differ from their defaults", said.differing
        )
        return words % {"n": said.differing} if said.differing else _("All parameters are as the template has them")
    if not said.changed:
        return _("The same parameters as the last time")
    words = ngettext(
        "%(n)s parameter differs from the last time", "%(n)s parameters differ from the last time", said.changed
    )
    return words % {"n": said.changed}
