"""How allauth asks the desk about people who come from a provider."""

from __future__ import annotations

from typing import Any

from allauth.account.signals import user_logged_in
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.providers.base.constants import AuthError
from django.dispatch import receiver
from django.http import HttpRequest

from portal.accounts.signin import PROVED_AT, PROVIDER, SAID, again, refusals
from portal.accounts.signin.matching import admit


class SocialAdapter(DefaultSocialAccountAdapter):
    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        if again.AGAIN in sociallogin.state:
            again.settle(request, sociallogin)
        admit(request, sociallogin)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """`admit` has made whoever may be made."""
        return False

    def authenticate_by_email(self, sociallogin: Any) -> None:
        """`admit` does, with the refusals."""

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        cancelled = error in (AuthError.CANCELLED, AuthError.DENIED)
        why = refusals.WhyNot.CANCELLED if cancelled else refusals.WhyNot.FAILED
        raise ImmediateHttpResponse(refusals.page(request, why, provider, _detail(exception)))


def _detail(exception: Exception | None) -> str:
    """Our own words are safe to log; other exceptions may hold a token."""
    if exception is None:
        return ""
    text = str(exception)
    return text if text.startswith(("id token:", "userinfo:", "discovery:")) else type(exception).__name__


@receiver(user_logged_in)
def _remember(request: HttpRequest, sociallogin: Any = None, **_: Any) -> None:
    request.session.pop(PROVED_AT, None)
    request.session.pop(PROVIDER, None)
    if sociallogin is not None:
        request.session[PROVIDER] = sociallogin.account.provider
        request.session[PROVED_AT] = sociallogin.state[SAID]["proved_at"]
