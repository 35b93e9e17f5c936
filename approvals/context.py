"""What every page of the desk shows around its content."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from approvals.rules import is_approver
from portal.accounts.models import User


def navigation(request: HttpRequest) -> dict[str, object]:
    """`sections`: which parts of the desk this person has, worked out when a template asks."""
    person = getattr(request, "user", None)
    return {"sections": SimpleLazyObject(lambda: sections_of(person) if isinstance(person, User) else frozenset())}


def sections_of(person: User) -> frozenset[str]:
    """Of desk, catalogue, people, operations and requests, those this person has."""
    found = {"requests"}
    if person.is_auditor or person.is_administrator:
        found |= {"catalogue", "desk", "operations", "people"}
    elif is_approver(person):
        found.add("desk")
    return frozenset(found)
