"""Who is in front of the browser *now*: asked before what a borrowed session must not do.

Fresh is whoever has signed in or proved it again within ACCOUNT_REAUTHENTICATION_TIMEOUT, and whoever has a second
factor only by that one.
"""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode

from portal import clock
from portal.accounts.models import User
from portal.accounts.signin import PROVED_AT


def is_fresh(request: HttpRequest) -> bool:
    """Whether this person proved who they are a few minutes ago, in this session."""
    person = request.user
    if not isinstance(person, User):
        return False
    since = clock.now().timestamp() - settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    records = get_authentication_records(request, person)
    recent = {record["method"] for record in records if _at(request, record) > since}
    return bool(recent) and ("mfa" in recent or not is_mfa_enabled(person))


@receiver(authenticator_added)
def _just_shown(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    """Whoever adds a factor has just used it, and goes on to the recovery codes."""
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        record_authentication(request, user, "mfa", type=authenticator.type, reauthenticated=True)


def _at(request: HttpRequest, record: dict[str, Any]) -> float:
    """A provider may let people in by a session of its own from this morning: what counts is when they proved
    themselves there, if it says so."""
    return float(request.session.get(PROVED_AT, 0) if record["method"] == "socialaccount" else record["at"])


def prove_again(request: HttpRequest, next_url: str) -> HttpResponse:
    """Lead a person who is signed in to the way of proving it that is best for them, and then to `next_url`."""
    best = get_adapter(request).get_reauthentication_methods(request.user)[0]["url"]
    return redirect(f"{best}?{urlencode({REDIRECT_FIELD_NAME: next_url})}")
