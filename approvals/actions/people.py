"""Who may do what at the desk: an administrator's verbs, audited on the chain `people`.

Invariant: there is always an active administrator, and nobody takes that role from themselves. Verbs about people
follow one another (`in_turn`), so two administrators cannot remove each other at once. Whoever gives or takes
something has just proved who they are: a borrowed session can neither let somebody in nor lock everybody out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet

from approvals import audit, outbox
from approvals.actions.guards import must_be_fresh
from approvals.actor import Actor
from approvals.choices import NoticeCode
from approvals.errors import Refused, Why
from approvals.models import AuditEvent, Membership, Team
from portal.accounts import leaving
from portal.accounts.addresses import address_of
from portal.accounts.models import GroupRole, User

PEOPLE = "people"
ADMINISTRATOR, AUDITOR = "administrator", "auditor"
ROLES = (ADMINISTRATOR, AUDITOR)


@contextmanager
def in_turn(actor: Actor) -> Iterator[None]:
    """One durable transaction of an administrator, after every other one about people."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('gatehouse.people', 0))")
        if actor.person is not None and not _administrators().filter(pk=actor.person.pk).exists():
            raise Refused(Why.NOT_ALLOWED)
        yield


def invite(
    address: str,
    *,
    name: str,
    roles: frozenset[str],
    team: Team | None,
    may_decide: bool,
    is_notified: bool,
    is_fresh: bool,
    actor: Actor,
    now: datetime,
) -> User:
    """An account with what it may do, and a mail that says so. Whoever is known keeps what they have and gets more;
    who has not come yet may be invited again. Raises Refused."""
    must_be_fresh(is_fresh)
    with in_turn(actor):
        person = _person(address, name)
        if not person.is_active:
            raise Refused(Why.DEACTIVATED)
        for role in sorted(roles):
            give(person, role, actor, now)
        if team is not None:
            join(person, team, may_decide=may_decide, is_notified=is_notified, actor=actor, now=now)
        event = record(person, audit.Event.PERSON_INVITED, actor, now)
        outbox.owe_notice(event, NoticeCode.INVITED, None, now)
        return person


def change_roles(pk: int, *, roles: frozenset[str], is_fresh: bool, actor: Actor, now: datetime) -> None:
    """Of administrator and auditor, those in `roles` and no others. Raises Refused."""
    must_be_fresh(is_fresh)
    with in_turn(actor):
        person = locked_person(pk)
        for role in ROLES:
            change = give if role in roles else take
            tell(change(person, role, actor, now), now)


def deactivate(pk: int, *, is_fresh: bool, actor: Actor, now: datetime) -> None:
    """They are out at once, everywhere. What they decided and wrote stays."""
    must_be_fresh(is_fresh)
    with in_turn(actor):
        person = locked_person(pk)
        if not person.is_active:
            return
        _not_the_last(person, actor)
        person.is_active = False
        person.save(update_fields=["is_active"])
        leaving.end_sessions(person)
        # No mail: whoever is deactivated gets none, and a leaver's mailbox may be somebody else's by now.
        record(person, audit.Event.PERSON_DEACTIVATED, actor, now)


def reactivate(pk: int, *, is_fresh: bool, actor: Actor, now: datetime) -> None:
    """They may come in again, with the roles they had."""
    must_be_fresh(is_fresh)
    with in_turn(actor):
        person = locked_person(pk)
        if not person.is_active:
            person.is_active = True
            person.save(update_fields=["is_active"])
            tell(record(person, audit.Event.PERSON_REACTIVATED, actor, now), now)


def forget_identities(pk: int, *, is_fresh: bool, actor: Actor, now: datetime) -> None:
    """For an address that was given to somebody else: the earlier identity opens this account no more."""
    must_be_fresh(is_fresh)
    with in_turn(actor):
        person = locked_person(pk)
        if leaving.forget_identities(person):
            leaving.end_sessions(person)
            tell(record(person, audit.Event.IDENTITIES_FORGOTTEN, actor, now), now)


def remove_second_factors(pk: int, *, is_fresh: bool, actor: Actor, now: datetime) -> None:
    """For whoever has lost phone and recovery codes. They are signed out everywhere."""
    must_be_fresh(is_fresh)
    with in_turn(actor):
        person = locked_person(pk)
        if person == actor.person:
            raise Refused(Why.OWN_RIGHTS)
        if leaving.remove_second_factors(person):
            leaving.end_sessions(person)
            tell(record(person, audit.Event.SECOND_FACTORS_REMOVED, actor, now), now)


def give(person: User, role: str, actor: Actor, now: datetime) -> AuditEvent | None:
    """Inside the caller's turn. None where it was not new."""
    if getattr(person, f"is_{role}"):
        return None
    setattr(person, f"is_{role}", True)
    person.save(update_fields=[f"is_{role}"])
    return record(person, audit.Event.ROLE_GIVEN, actor, now, role=role)


def take(person: User, role: str, actor: Actor, now: datetime) -> AuditEvent | None:
    """Inside the caller's turn. Raises Refused where nobody would be left, or it is one's own."""
    if not getattr(person, f"is_{role}"):
        return None
    if role == ADMINISTRATOR:
        _not_the_last(person, actor)
    setattr(person, f"is_{role}", False)
    person.save(update_fields=[f"is_{role}"])
    GroupRole.objects.filter(person=person, role=role).delete()
    return record(person, audit.Event.ROLE_TAKEN, actor, now, role=role)


def join(
    person: User, team: Team, *, may_decide: bool, is_notified: bool, actor: Actor, now: datetime
) -> AuditEvent | None:
    """Inside the caller's turn: become a member, or one with other rights."""
    rights = {"may_decide": may_decide, "is_notified": is_notified}
    member, created = Membership.objects.get_or_create(team=team, person=person, defaults=rights)
    if not created and (member.may_decide, member.is_notified) == (may_decide, is_notified):
        return None
    member.may_decide, member.is_notified = may_decide, is_notified
    member.save(update_fields=["may_decide", "is_notified"])
    return record(person, audit.Event.TEAM_JOINED, actor, now, team, decides=may_decide, notified=is_notified)


def leave(person: User, team: Team, actor: Actor, now: datetime) -> AuditEvent | None:
    """Inside the caller's turn."""
    if not Membership.objects.filter(team=team, person=person).delete()[0]:
        return None
    GroupRole.objects.filter(person=person, role=f"team:{team.pk}").delete()
    return record(person, audit.Event.TEAM_LEFT, actor, now, team)


def tell(change: AuditEvent | None, now: datetime) -> None:
    """A mail to the person of whom an administrator changed something."""
    if change is not None:
        outbox.owe_notice(change, NoticeCode.RIGHTS, None, now)


def record(
    person: User, event: audit.Event, actor: Actor, now: datetime, team: Team | None = None, **facts: str | int | bool
) -> AuditEvent:
    params: dict[str, str | int | bool | None] = {"person": person.pk, **facts}
    texts = {"whom": str(person)}
    if team is not None:
        params["team"], texts["team"] = team.pk, team.name
    return audit.record(PEOPLE, event, actor=actor, now=now, params=params, texts=texts)


def _person(address: str, name: str) -> User:
    """Whose address it is, made where nobody's. Raises Refused."""
    if not (found := address_of(address)):
        raise Refused(Why.NO_ADDRESS)
    known = User.objects.filter(email=found).first()
    return known or User.objects.create_user(found, name=name)


def locked_person(pk: int) -> User:
    person = User.objects.select_for_update().filter(pk=pk).first()
    if person is None:
        raise Refused(Why.NOT_FOUND)
    return person


def _not_the_last(person: User, actor: Actor) -> None:
    """Before somebody stops being an active administrator, or being active at all."""
    if person == actor.person:
        raise Refused(Why.OWN_RIGHTS)
    if person.is_administrator and person.is_active and not _administrators().exclude(pk=person.pk).exists():
        raise Refused(Why.LAST_ADMINISTRATOR)


def _administrators() -> QuerySet[User]:
    return User.objects.filter(is_administrator=True, is_active=True)
