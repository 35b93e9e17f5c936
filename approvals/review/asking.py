"""What people read of a launch's template: findings, resources, parameters, and what an update changes.

Everything comes from rows the worker wrote (approvals.asked): pages and mails ask nobody and wait for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from approvals.asked.given import before
from approvals.canonical import sha256_hex
from approvals.choices import Kind, State, WhyNot
from approvals.models import LaunchRequest, TemplateReading
from approvals.review.seen import stage_of
from catalog.reading import Difference, Digest, Risk
from catalog.reading.parameters import Parameter
from portal.accounts.models import User

# What cfn-lint calls its levels, in the colours of ours.
_LEVELS = {"Error": Risk.MEDIUM, "Warning": Risk.LOW}


@dataclass(frozen=True, slots=True)
class Asked:
    """One parameter: what the template says of it, what was given, and what it was before.

    `given` and `last` are as the message brought them; `last` is None where there was none. `differs` and
    `changed` are None where nobody can tell.
    """

    name: str
    about: Parameter | None
    given: dict[str, Any]
    last: dict[str, Any] | None
    differs: bool | None
    changed: bool | None


def asked(launch: LaunchRequest, person: User) -> dict[str, Any]:
    """The context of the page's part "What is being asked"."""
    reading = TemplateReading.objects.filter(request=launch).select_related("previous").first()
    digest, difference = _digest(reading), _difference(reading)
    last = last_of(launch, person, reading)
    stage = stage_of(reading.status if reading else None)
    return {
        "reading": reading,
        "stage": "not" if digest is None and stage == "read" else stage,
        "why_not": WhyNot(reading.why_not).label if reading and reading.why_not else "",
        "digest": digest,
        "description": (digest and digest.description) or launch.template.get("description", ""),
        "difference": difference,
        "remarks": _remarks(reading),
        "last": last,
        "parameters": _parameters(launch, digest, last),
        "resource_types": sorted(launch.template.get("resource_types", {}).items()),
    }


def last_of(launch: LaunchRequest, person: User, reading: TemplateReading | None) -> LaunchRequest | None:
    """What to compare with: of an update what its template was compared with, of a launch the product's last approved
    one, as far as this person may see it."""
    visible = LaunchRequest.objects.visible_to(person)
    if launch.kind != Kind.LAUNCH:
        previous = reading.previous if reading and reading.previous else before(launch)
        # Nothing older in its place: that would not be the stack as it is.
        return previous if previous and visible.filter(pk=previous.pk).exists() else None
    if not launch.product_id:
        return None
    same = visible.filter(product_id=launch.product_id, kind=Kind.LAUNCH)
    approved = same.filter(state=State.APPROVED, pk__lt=launch.pk).order_by("-pk")
    return approved.defer("template", "stack_facts", "policy_trace", "search_terms").first()


def _parameters(launch: LaunchRequest, digest: Digest | None, last: LaunchRequest | None) -> list[Asked]:
    """In the template's order, then those it does not know."""
    given = {one["name"]: one for one in launch.parameters}
    known = {one.name: one for one in digest.parameters} if digest else {}
    was = {one["name"]: one for one in last.parameters} if last else {}
    names = [name for name in known if name in given] + [name for name in given if name not in known]
    return [_asked(given[name], known.get(name), was.get(name)) for name in names]


def _asked(given: dict[str, Any], about: Parameter | None, last: dict[str, Any] | None) -> Asked:
    hidden = given["no_echo"] or (last is not None and last["no_echo"])
    differs = about.differs(given["value"]) if about else None
    if about and about.default is not None and given["value"] is None:
        differs = sha256_hex(about.default) != given["sha256"]
    changed = None if last is None or hidden else last["sha256"] != given["sha256"]
    return Asked(given["name"], about, given, last, None if hidden else differs, changed)


def _digest(reading: TemplateReading | None) -> Digest | None:
    """None where there is none, and for one that another release kept in another form."""
    try:
        return Digest.from_kept(reading.digest) if reading and reading.digest else None
    except (KeyError, TypeError, ValueError):
        return None


def _difference(reading: TemplateReading | None) -> Difference | None:
    try:
        return Difference.from_kept(reading.difference) if reading and reading.difference else None
    except (KeyError, TypeError, ValueError):
        return None


def _remarks(reading: TemplateReading | None) -> list[tuple[Risk, dict[str, str]]] | None:
    """What cfn-lint says; None while it has not spoken."""
    if reading is None or reading.lint is None:
        return None
    return [(_LEVELS.get(one.get("level", ""), Risk.LOW), one) for one in reading.lint]
