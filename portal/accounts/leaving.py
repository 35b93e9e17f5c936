"""Ending what lets somebody in: sessions in every browser, and identities at providers."""

from __future__ import annotations

from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef

from portal.accounts.models import User

# A session that is just being made or sealed anew has a moment without its row.
_SETTLING = timedelta(hours=1)
_MOST_SESSIONS = 5000


def end_sessions(person: User) -> int:
    """Sign the person out everywhere; how many sessions there were."""
    sessions = list(UserSession.objects.filter(user=person))
    for session in sessions:
        session.end()
    return len(sessions)


def forget_sessions(now: datetime) -> int:
    """Delete the network address and browser of sessions that are over, signed out or expired; how many those were.
    allauth does so only of people who come again."""
    alive = Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=now)
    over = UserSession.objects.filter(~Exists(alive), last_seen_at__lt=now - _SETTLING)
    pks = list(over.order_by("pk").values_list("pk", flat=True)[:_MOST_SESSIONS])
    return UserSession.objects.filter(pk__in=pks).delete()[0]


def forget_identities(person: User) -> int:
    """No provider's identity opens this account any more; the next with its address connects anew."""
    return SocialAccount.objects.filter(user=person).delete()[0]


def remove_second_factors(person: User) -> int:
    """Recovery codes included; how many there were."""
    return Authenticator.objects.filter(user=person).delete()[0]
