"""Whom somebody who comes from a provider is here.

Invariant: an account is opened by the identity it was opened by before, or by an address that is known to be the
caller's and belongs to no other identity of that provider. Everybody else gets a sentence.
"""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from portal.accounts.models import User
from portal.accounts.signin import groups
from portal.accounts.signin.claims import Claims
from portal.accounts.signin.refusals import WhyNot, refuse


def admit(request: HttpRequest, login: Any) -> User:
    """Make `login` one of a person of the desk, or raise ImmediateHttpResponse. Groups are applied."""
    claims: Claims = login.claims
    roles = groups.roles_of(claims.groups or ())
    person = login.user if login.is_existing else _by_address(request, login, roles)
    if not person.is_active:
        refuse(request, WhyNot.DEACTIVATED, login.provider)
    if not login.is_existing:
        _connect(request, login, person)
    if claims.groups is not None:
        groups.said.send(sender=User, person=person, provider=login.provider.sub_id, roles=roles)
        person.refresh_from_db()
    return person


def _by_address(request: HttpRequest, login: Any, roles: frozenset[str]) -> User:
    claims: Claims = login.claims
    if not claims.address:
        refuse(request, WhyNot.NO_ADDRESS, login.provider)
    found = User.objects.filter(email__iexact=claims.address).first()
    return found or _new(request, login, roles)


def _new(request: HttpRequest, login: Any, roles: frozenset[str]) -> User:
    """GATEHOUSE_NEW_PEOPLE: all, groups (only people whose groups give them a role), none."""
    if settings.GATEHOUSE_NEW_PEOPLE == "none":
        refuse(request, WhyNot.UNKNOWN, login.provider)
    if settings.GATEHOUSE_NEW_PEOPLE == "groups" and not roles:
        refuse(request, WhyNot.NO_GROUP, login.provider)
    try:
        with transaction.atomic():
            return User.objects.create_user(login.claims.address, name=login.claims.name)
    except IntegrityError:  # in the same moment, through another door
        return User.objects.get(email__iexact=login.claims.address)


def _connect(request: HttpRequest, login: Any, person: User) -> None:
    """From now on this identity opens this account. Addresses are given to newcomers; identities are not."""
    account = login.account
    if SocialAccount.objects.filter(user=person, provider=account.provider).exclude(uid=account.uid).exists():
        refuse(request, WhyNot.OTHER_IDENTITY, login.provider)
    login.account, _ = SocialAccount.objects.get_or_create(
        provider=account.provider, uid=account.uid, defaults={"user": person, "extra_data": account.extra_data}
    )
    login.user = person
