"""How often somebody may try to sign in: invariant and numbers in docs/decisions/0008.

Strangers share the attempts of an account. A browser its person has signed in with before has attempts of its
own, so no storm from elsewhere keeps that person out. The cookie that says so lets nobody in.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from allauth.account.signals import user_logged_in
from allauth.core.internal import ratelimit
from django.conf import settings
from django.core import signing
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import constant_time_compare, salted_hmac

from portal.accounts.models import User

_AGE = timedelta(days=180)
_SALT = "gatehouse.device"


def count(request: HttpRequest, door: str, address: str) -> ratelimit.RateLimitUsage | None:
    """Count an attempt at `door`, a name in ACCOUNT_RATE_LIMITS. None: there were too many.

    It depends on the address as typed, never on whether anybody has it.
    """
    if device := _known(request, address):
        return _consume(request, f"{door}_known", device)
    address = address.lower()
    counted = ratelimit.RateLimitUsage([])
    # In this order: a flood from one address of the network writes no rows for the addresses it types.
    here = f"{ratelimit.get_ip(request)} {address}"
    for action, key in ((f"{door}_ip", ""), (f"{door}_here", here), (door, address)):
        if not (usage := _consume(request, action, key)):
            return None
        counted.usage += usage.usage
    return counted


@receiver(user_logged_in)
def _remember(request: HttpRequest, response: HttpResponseBase, user: User, **_: Any) -> None:
    """This person has signed in with this browser."""
    device = _known(request, user.email) or secrets.token_urlsafe(16)
    response.set_cookie(
        _cookie(),
        signing.dumps([_owner(user.email), device], salt=_SALT),
        max_age=_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _known(request: HttpRequest, address: str) -> str | None:
    try:
        owner, device = signing.loads(request.COOKIES.get(_cookie(), ""), salt=_SALT, max_age=_AGE)
    except signing.BadSignature:
        return None
    return str(device) if constant_time_compare(owner, _owner(address)) else None


def _cookie() -> str:
    return f"{settings.SESSION_COOKIE_NAME}-device"


def _owner(address: str) -> str:
    return salted_hmac(_SALT, address.lower()).hexdigest()


def _consume(request: HttpRequest, action: str, key: str) -> ratelimit.RateLimitUsage | None:
    return ratelimit.consume(request, app="allauth.account", action=action, key=key)
