"""Whom somebody who comes from a provider is here.

Invariant: an account is opened by the identity it was opened by before, or by an address that is known to be the
caller's and belongs to no other identity of that provider. Everybody else gets a sentence. Of people who are known
nothing changes here: they may still have to show a second factor (`stage`).
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from portal.accounts.models import GroupRole, User
from portal.accounts.signin import SAID, groups, identities
from portal.accounts.signin.claims import Claims
from portal.accounts.signin.refusals import WhyNot, refuse


def admit(request: HttpRequest, login: Any) -> User:
    """Make `login` one of a person of the desk, or raise ImmediateHttpResponse."""
    claims: Claims = login.claims
    roles = groups.roles_of(claims.groups or ())
    person = login.user if login.is_existing else _by_address(request, login, roles)
    if not person.is_active:
        refuse(request, WhyNot.DEACTIVATED, login.provider)
    if not login.is_existing and identities.is_taken(login.account, person):
        refuse(request, WhyNot.OTHER_IDENTITY, login.provider)
    if _rights_are_unknown(login, person):
        refuse(request, WhyNot.GROUPS_WITHHELD, login.provider)
    login.user = person
    said = None if claims.groups is None else sorted(roles)
    login.state[SAID] = {"roles": said, "proved_at": claims.proved_at}
    return person


def _by_address(request: HttpRequest, login: Any, roles: frozenset[str]) -> User:
    claims: Claims = login.claims
    if not claims.address:
        refuse(request, WhyNot.NO_ADDRESS, login.provider)
    return _known(claims.address) or _new(request, login, roles)


def _new(request: HttpRequest, login: Any, roles: frozenset[str]) -> User:
    """GATEHOUSE_NEW_PEOPLE: all, groups (only people whose groups give them a role), none."""
    if settings.GATEHOUSE_NEW_PEOPLE == "none":
        refuse(request, WhyNot.UNKNOWN, login.provider)
    if settings.GATEHOUSE_NEW_PEOPLE == "groups" and not roles:
        refuse(request, WhyNot.NO_GROUP, login.provider)
    try:
        with transaction.atomic():
            return User.objects.create_user(login.claims.address, name=login.claims.name)
    except IntegrityError:  # in the same moment, through another door; or it differs in more than case
        return _known(login.claims.address) or refuse(request, WhyNot.NO_ADDRESS, login.provider)


def _known(address: str) -> User | None:
    """Exactly: what the database calls the same in another case may be somebody else's (dotless i, long s)."""
    return User.objects.filter(email=address).first()


def _rights_are_unknown(login: Any, person: User) -> bool:
    """Groups gave them something, and now the provider does not tell whether they still have it."""
    if login.claims.groups is not None or not login.provider.app.settings["groups_claim"]:
        return False
    return GroupRole.objects.filter(person=person, provider=login.account.provider).exists()
