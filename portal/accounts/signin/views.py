"""The doors to the providers. Each counts the callers' attempts; none is opened by a link on a foreign page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.core.internal import ratelimit
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from requests import RequestException

from portal.accounts.signin.oidc import OIDCAdapter
from portal.accounts.signin.refusals import WhyNot, page

View = Callable[..., HttpResponse]


def counted(view: View) -> View:
    """At most so many per minute and address of the network, GET or POST: each costs us calls to the provider."""

    @never_cache
    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        within = ratelimit.consume(request, app="allauth.account", action="provider", limit_get=True)
        return view(request, *args, **kwargs) if within else ratelimit.respond_429(request)

    return inner


def from_here(view: View) -> View:
    """A sign-in that another site's page began is shown as a button first: its visitor chooses, not the page."""

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            return render(request, "socialaccount/begin.html", {"here": request.get_full_path()})
        return view(request, *args, **kwargs)

    return inner


class _AgainView(OAuth2LoginView):
    def get_provider(self) -> Any:
        provider = super().get_provider()
        provider.is_again = True
        return provider


class _Callback(OAuth2CallbackView):
    adapter: OIDCAdapter

    def _get_state(self, request: HttpRequest, provider: Any) -> Any:
        state, answer = super()._get_state(request, provider)
        self.adapter.nonce = str((state or {}).get("nonce", ""))
        return state, answer


@counted
@from_here
def oidc_login(request: HttpRequest, provider_id: str) -> HttpResponse:
    return _begin(OAuth2LoginView, request, provider_id)


@counted
@from_here
@login_required
def oidc_again(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Whoever came through it and is signed in proves at the provider that it is still them."""
    return _begin(_AgainView, request, provider_id)


@counted
def oidc_callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    return _of(_Callback, request, provider_id)


def _begin(view: Any, request: HttpRequest, provider_id: str) -> HttpResponse:
    try:
        return _of(view, request, provider_id)
    except RequestException as error:
        provider = OIDCAdapter(request, provider_id).get_provider()
        return page(request, WhyNot.UNREACHABLE, provider, type(error).__name__)


def _of(view: Any, request: HttpRequest, provider_id: str) -> HttpResponse:
    try:
        answer: HttpResponse = view.adapter_view(OIDCAdapter(request, provider_id))(request)
    except SocialApp.DoesNotExist:
        raise Http404 from None
    return answer
