"""What a provider's groups make of somebody, at every sign-in there; and which identities open an account.

Invariant: a role that groups gave carries a mark (GroupRole) of its provider; only a marked role is taken away, and
only when no provider's mark is left. What was given by hand has no mark, and no group takes it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from django.dispatch import receiver

from approvals.actions import people
from approvals.actor import Actor
from approvals.audit import Event
from approvals.choices import Channel
from approvals.errors import Refused
from approvals.models import Membership, Team
from portal import clock
from portal.accounts.models import GroupRole, User
from portal.accounts.signin import identities
from portal.accounts.signin.groups import said

log = structlog.get_logger(__name__)
_TEAM = "team:"


@receiver(said)
def _signed_in(person: User, provider: str, roles: frozenset[str], **_: Any) -> None:
    apply_groups(person.pk, provider=provider, roles=roles, now=clock.now())


@receiver(identities.connected)
def _connected(person: User, provider: str, **_: Any) -> None:
    """Within the transaction that connects it, which holds the person."""
    actor = Actor(person, Channel.SIGN_IN)
    people.record(person, Event.IDENTITY_CONNECTED, actor, clock.now(), provider=provider)


@receiver(identities.removed)
def _removed(person: User, provider: str, **_: Any) -> None:
    actor = Actor(person, Channel.DESK)
    people.record(person, Event.IDENTITY_REMOVED, actor, clock.now(), provider=provider)


def apply_groups(pk: int, *, provider: str, roles: frozenset[str], now: datetime) -> None:
    """`roles`: administrator, auditor, team:<name>. A team that does not exist is in the log and nowhere else."""
    actor = Actor.system(Channel.SIGN_IN)
    with people.in_turn(actor):
        person, wanted = people.locked_person(pk), _known(roles)
        had = set(GroupRole.objects.filter(person=person, provider=provider).values_list("role", flat=True))
        for role in sorted(wanted):
            _give(person, provider, role, actor, now)
        for role in sorted(had - wanted):
            _take(person, provider, role, actor, now)


def _known(roles: frozenset[str]) -> set[str]:
    """With the team's primary key in place of its name: teams are renamed."""
    names = {role.removeprefix(_TEAM).strip() for role in roles if role.startswith(_TEAM)}
    teams = dict(Team.objects.filter(name__in=names).values_list("name", "pk"))
    if missing := sorted(names - teams.keys()):
        log.warning("groups name teams that do not exist", teams=missing)
    return {role for role in roles if role in people.ROLES} | {f"{_TEAM}{pk}" for pk in teams.values()}


def _give(person: User, provider: str, role: str, actor: Actor, now: datetime) -> None:
    marked = GroupRole.objects.filter(person=person, role=role).exists()
    if _has(person, role) and not marked:
        return  # given by hand: it stays what it is
    if not _has(person, role):
        _grant(person, role, actor, now)
    GroupRole.objects.get_or_create(person=person, provider=provider, role=role, defaults={"since": now})


def _take(person: User, provider: str, role: str, actor: Actor, now: datetime) -> None:
    marks = GroupRole.objects.filter(person=person, role=role)
    if marks.exclude(provider=provider).exists():
        marks.filter(provider=provider).delete()
        return
    try:
        _revoke(person, role, actor, now)
    except Refused as refused:
        log.warning("a group's role stays", person=person.pk, role=role, why=refused.why.value)
        return
    marks.delete()


def _has(person: User, role: str) -> bool:
    if role.startswith(_TEAM):
        return Membership.objects.filter(person=person, team=_pk(role)).exists()
    return bool(getattr(person, f"is_{role}"))


def _grant(person: User, role: str, actor: Actor, now: datetime) -> None:
    if role.startswith(_TEAM):
        team = Team.objects.get(pk=_pk(role))
        people.join(person, team, may_decide=True, is_notified=True, actor=actor, now=now)
    else:
        people.give(person, role, actor, now)


def _revoke(person: User, role: str, actor: Actor, now: datetime) -> None:
    if not role.startswith(_TEAM):
        people.take(person, role, actor, now)
    elif team := Team.objects.filter(pk=_pk(role)).first():
        people.leave(person, team, actor, now)


def _pk(role: str) -> int:
    return int(role.removeprefix(_TEAM))
