"""Identities at providers that open an account.

Invariant: an identity opens one account, and an account has at most one identity of each provider. Whoever connects
or removes one says so within the same transaction, and nothing is connected that is not recorded.
"""

from __future__ import annotations

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import transaction
from django.dispatch import Signal

from portal.accounts.models import User
from portal.accounts.signin.refusals import WhyNot

# Both: person, provider: str. Sent inside the transaction.
connected = Signal()
removed = Signal()


@transaction.atomic(durable=True)
def connect(account: SocialAccount, person: User) -> WhyNot | None:
    """From now on this identity opens this account; or why not. What was true when the sign-in began is asked again:
    there may be a quarter of an hour between, in front of a second factor."""
    person = User.objects.select_for_update().get(pk=person.pk)
    if not person.is_active:
        return WhyNot.DEACTIVATED
    if SocialAccount.objects.filter(user=person, provider=account.provider, uid=account.uid).exists():
        return None
    if account.pk is not None:  # it opened the account when the sign-in began, and was forgotten since
        return WhyNot.FAILED
    if is_taken(account, person):
        return WhyNot.OTHER_IDENTITY
    SocialAccount.objects.create(user=person, provider=account.provider, uid=account.uid, extra_data=account.extra_data)
    connected.send(sender=User, person=person, provider=account.provider)
    return None


def is_taken(account: SocialAccount, person: User) -> bool:
    """Addresses are given to newcomers; identities are not."""
    known = SocialAccount.objects.filter(provider=account.provider)
    return known.filter(user=person).exists() or known.filter(uid=account.uid).exists()


def provider_name(provider: str) -> str:
    """As people know it, while it is configured."""
    known = [*settings.GATEHOUSE_OIDC, *settings.GATEHOUSE_SAML]
    return next((str(app["name"]) for app in known if app["provider_id"] == provider), provider)


@transaction.atomic(durable=True)
def remove(account: SocialAccount) -> None:
    """It opens the account no more."""
    person = User.objects.select_for_update().get(pk=account.user_id)
    if account.delete()[0]:
        removed.send(sender=User, person=person, provider=account.provider)
