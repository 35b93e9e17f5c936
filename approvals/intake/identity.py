"""Who launched (design §3, People).

The stack's own tag names the principal. Its session name is a person only for roles whose session names
somebody vouches for: IAM Identity Center's, and those an administrator listed. Everything else is a claim.
"""

from __future__ import annotations

import re
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction

from approvals.choices import Kind
from approvals.facts import LaunchFacts
from portal.accounts.addresses import address_of
from portal.accounts.models import Principal, User

_ASSUMED = re.compile(r"arn:[a-z-]+:sts::(?P<account>[0-9]{12}):assumed-role/(?P<role>[^/]+)/(?P<session>[^/]+)")
_ROLE = re.compile(r"arn:[a-z-]+:iam::(?P<account>[0-9]{12}):role/(?:.*/)?(?P<role>[^/]+)")
_IDENTITY_CENTER = re.compile(r"AWSReservedSSO_.+_[0-9a-f]{16}")


def identify(facts: LaunchFacts, now: datetime) -> tuple[User | None, bool]:
    """The requester, and whether AWS vouches for them.

    A typed address counts only where the principal is nobody. For an update the tag still names the first
    launcher (aws-facts §3.1), so nobody is known until CloudTrail says (approvals.following.updaters). Runs inside the
    caller's transaction; makes the person (without a password) and the principal where they are new.
    """
    person = vouched_person(facts.principal_arn, facts.account, now) if facts.principal_arn else None
    if facts.kind != Kind.LAUNCH:
        return None, False
    return (person, True) if person is not None else (_person(facts.typed_email), False)


def vouched_address(arn: str, account: str) -> str:
    """The e-mail address of a session whose name counts as verified in `account`; else the empty string."""
    found = _ASSUMED.fullmatch(arn)
    if not found or found["account"] != account:
        return ""
    trusted = _IDENTITY_CENTER.fullmatch(found["role"]) or _listed(found["account"], found["role"])
    return address_of(found["session"]) if trusted else ""


def _listed(account: str, role: str) -> bool:
    """GATEHOUSE_TRUSTED_ROLES holds role names, good in every account, or role ARNs."""
    for entry in settings.GATEHOUSE_TRUSTED_ROLES:
        found = _ROLE.fullmatch(entry)
        if (found["account"], found["role"]) == (account, role) if found else entry == role:
            return True
    return False


def vouched_person(arn: str, account: str, now: datetime) -> User | None:
    """Whom a principal seen in `account` stands for. What was learned once counts only while somebody still
    vouches for it. Runs inside the caller's transaction, as `identify` does."""
    principal, _ = Principal.objects.select_related("person").get_or_create(arn=arn, defaults={"first_seen": now})
    address = vouched_address(arn, account)
    if not address:
        return None
    if principal.person is None:
        principal.person = _person(address)
        principal.save(update_fields=["person"])
    return principal.person


def _person(address: str) -> User | None:
    address = address_of(address)
    if not address:
        return None
    known = User.objects.filter(email=address).first()
    if known is not None:
        return known
    try:
        with transaction.atomic():
            return User.objects.create_user(address)
    except IntegrityError:  # in the same moment, through another door; or it differs in more than case
        return User.objects.filter(email=address).first()
