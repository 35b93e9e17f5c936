"""GATEHOUSE_SIGN_IN=providers: whomever a provider knows, only a provider lets in. Whom it lets go is out.

Invariant: whoever has an identity at a provider, or a role that its groups gave, comes in by no code, password or
passkey. Everybody else does: requesters whom AWS named, and administrators made on the shell, if no provider answers.
It is asked by address, and costs one query whoever has it: neither answers nor times tell who is here.
"""

from __future__ import annotations

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils.text import get_text_list

from portal.accounts.models import GroupRole, User


def is_on() -> bool:
    return bool(settings.GATEHOUSE_SIGN_IN == "providers")


def is_bound(address: str) -> bool:
    """Also by an identity at a provider that is not configured any more: whom that one let go stays out. Of whoever is
    deactivated nothing is said at all."""
    if not is_on():
        return False
    identity = SocialAccount.objects.filter(user=OuterRef("pk"))
    role = GroupRole.objects.filter(person=OuterRef("pk"))
    known = User.objects.filter(Exists(identity) | Exists(role), is_active=True)
    return known.filter(email=address.strip().lower()).exists()


def through() -> str:
    """The providers that people choose from, as a sentence names them."""
    return get_text_list([str(app["name"]) for app in (*settings.GATEHOUSE_OIDC, *settings.GATEHOUSE_SAML)])
