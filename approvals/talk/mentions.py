"""Whom a message names: `@anna@example.com` or `@Anna`, of the people who may read that very message.

Invariant: nobody is named who could not read it, and nobody learns by naming who else works at this desk: a requester
names the people who may decide and those who talk with them, and in an internal note no requester can be named.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Q, QuerySet

from approvals import rules
from approvals.choices import MessageKind
from approvals.models import LaunchRequest, Membership
from portal.accounts.models import User

# Of a larger desk the first by name; whoever is meant beyond them is told by nobody but the writer.
MOST = 300
_NAME = re.compile(r"(?<![\w@./+-])@\w[\w.+-]*(?:@\w[\w.-]*)?")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)


def nameable(launch: LaunchRequest, writer: User, *, note: bool) -> list[User]:
    """Whom the writer may name in a message (or note) about this launch, by name; at most MOST."""
    people = _inside(launch) if note or not rules.is_own(writer, launch) else _talking(launch)
    if not note:
        people |= Q(pk=launch.requester_id)
    found = _by_name(people).exclude(pk=writer.pk)[:MOST]
    return [person for person in found if not note or not rules.is_own(person, launch)]


def named(text: str, people: Iterable[User]) -> list[User]:
    """Those of the people whom the text names, each once. A name that several have names them all."""
    by_label: dict[str, list[User]] = defaultdict(list)
    for person in people:
        for label in labels(person):
            by_label[label.casefold()].append(person)
    if not by_label or "@" not in text:
        return []
    written = "|".join(re.escape(label) for label in sorted(by_label, key=len, reverse=True))
    found = re.finditer(rf"(?<![\w@./+-])(?:{written})(?![\w-]|[.@]\w)", text.casefold())
    return list(dict.fromkeys(person for match in found for person in by_label[match[0]]))


def unknown(text: str, people: Iterable[User]) -> list[str]:
    """What is written like a name after an @ and names none of the people, each once."""
    known = sorted((label for person in people for label in labels(person)), key=len, reverse=True)
    rest = _CODE.sub(" ", text)
    if known:
        rest = re.sub(rf"(?i)(?<![\w@./+-])(?:{'|'.join(map(re.escape, known))})(?![\w-]|[.@]\w)", " ", rest)
    return list(dict.fromkeys(found.rstrip(".-+") for found in _NAME.findall(rest)))


def labels(person: User) -> list[str]:
    """The ways to name this person, the shown one first."""
    name = " ".join(person.name.split())
    return [f"@{name}", f"@{person.email}"] if name else [f"@{person.email}"]


def _by_name(people: Q) -> QuerySet[User]:
    found = User.objects.filter(people, is_active=True)
    return found.prefetch_related("principals").order_by("name", "email", "pk")


def _inside(launch: LaunchRequest) -> Q:
    return _deciding(launch) | Q(is_auditor=True) | Q(is_administrator=True)


def _talking(launch: LaunchRequest) -> Q:
    said = launch.messages.exclude(kind=MessageKind.NOTE)
    return _deciding(launch) | Q(pk__in=said.values("author"))


def _deciding(launch: LaunchRequest) -> Q:
    """By keys: with a join, "or" would look at the groups of all requests."""
    deciding = Membership.objects.filter(may_decide=True, team__stage_groups__stage__request=launch)
    return Q(pk__in=deciding.values("person"))
