"""Who is at the desk, as rows for its page. A page costs the same number of queries however many people there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, Q, QuerySet

from approvals.audit import Event
from approvals.models import AuditEvent, Membership
from portal.accounts.models import User

PER_PAGE = 50
SHOWS = ("all", "roles", "deactivated")


@dataclass(frozen=True, slots=True)
class Found:
    """`after`: where the next page begins, or the empty string."""

    people: list[User]
    after: str


def find(words: str, show: str, after: str) -> Found:
    """By address; `words` are looked for in names and addresses. Each comes with `has_second_factor`, its memberships
    and group roles."""
    rows = with_facts(User.objects.filter(_shown(show), email__gt=after).order_by("email"))
    for word in words.replace("\0", "").split()[:5]:
        rows = rows.filter(Q(email__icontains=word) | Q(name__icontains=word))
    people = list(rows[: PER_PAGE + 1])
    more = people[PER_PAGE:]
    return Found(people[:PER_PAGE], people[PER_PAGE - 1].email if more else "")


def with_facts(people: QuerySet[User]) -> QuerySet[User]:
    factors = Authenticator.objects.filter(user=OuterRef("pk")).exclude(type=Authenticator.Type.RECOVERY_CODES)
    return people.annotate(has_second_factor=Exists(factors)).prefetch_related("memberships__team", "group_roles")


def invited_at(people: Iterable[int]) -> dict[int, datetime]:
    """When each of these was last invited; nothing of those who were not."""
    invited = AuditEvent.objects.filter(
        chain__subject="people", code=Event.PERSON_INVITED, params__person__in=list(people)
    )
    return dict(invited.order_by("number").values_list("params__person", "at"))


def _shown(show: str) -> Q:
    if show == "deactivated":
        return Q(is_active=False)
    if show == "roles":
        member = Exists(Membership.objects.filter(person=OuterRef("pk")))
        return Q(is_active=True) & (Q(is_administrator=True) | Q(is_auditor=True) | Q(member))
    return Q()
