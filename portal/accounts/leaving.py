"""Ending what lets somebody in: sessions in every browser, and identities at providers."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession

from portal.accounts.models import User


def end_sessions(person: User) -> int:
    """Sign the person out everywhere; how many sessions there were."""
    sessions = list(UserSession.objects.filter(user=person))
    for session in sessions:
        session.end()
    return len(sessions)


def forget_identities(person: User) -> int:
    """No provider's identity opens this account any more; the next with its address connects anew."""
    return SocialAccount.objects.filter(user=person).delete()[0]


def remove_second_factors(person: User) -> int:
    """Recovery codes included; how many there were."""
    return Authenticator.objects.filter(user=person).delete()[0]
