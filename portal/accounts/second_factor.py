"""GATEHOUSE_MFA_REQUIRED: whose role needs a second factor sets one up before anything else.

A provider that asks for one itself (its SECOND_FACTOR setting) counts for whoever came through it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from portal.accounts.models import User
from portal.accounts.signin import PROVIDER

# What one needs to set it up, and to go away.
_OPEN = frozenset(
    {
        "account_logout",
        "account_reauthenticate",
        "account_prove_by_code",
        "language",
        "mfa_index",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_view_recovery_codes",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
        "openid_connect_again",
        "openid_connect_callback",
    }
)
# The domain's word on who decides: approvals adds it, portal knows no teams.
deciders: list[Callable[[User], bool]] = []


class SecondFactorFirst:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        match, person = request.resolver_match, request.user
        if match is None or match.url_name in _OPEN or not isinstance(person, User) or not is_missing(request, person):
            return None
        if request.headers.get("HX-Request"):
            return HttpResponseClientRedirect(redirect("mfa_index")["Location"])
        messages.warning(request, _("Your role needs a second factor. Set one up, then everything opens."))
        return redirect("mfa_index")


def is_missing(request: HttpRequest, person: User) -> bool:
    """Whether this person has to set one up first."""
    return (
        settings.GATEHOUSE_MFA_REQUIRED != "none"
        and _is_needed(person)
        and not _asked_by_provider(request)
        and not Authenticator.objects.filter(user=person).exclude(type=Authenticator.Type.RECOVERY_CODES).exists()
    )


def _is_needed(person: User) -> bool:
    decides = settings.GATEHOUSE_MFA_REQUIRED == "deciders" and any(asked(person) for asked in deciders)
    return person.is_administrator or decides


def _asked_by_provider(request: HttpRequest) -> bool:
    through = request.session.get(PROVIDER)
    known = [*settings.GATEHOUSE_OIDC, *settings.GATEHOUSE_SAML]
    return any(app["settings"]["second_factor"] for app in known if app["provider_id"] == through)
