"""OpenID Connect, stricter than allauth's own: PKCE and a nonce always, the ID token's signature always, the issuer
that was configured and no other, and nothing of the request decides what is asked of the provider."""

from __future__ import annotations

from functools import cached_property
from secrets import token_urlsafe
from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import HttpRequest, HttpResponse

from portal import clock
from portal.accounts.addresses import address_of
from portal.accounts.names import name_of
from portal.accounts.signin import again, tokens
from portal.accounts.signin.claims import Claims, listed, uid


class OIDCAdapter(OpenIDConnectOAuth2Adapter):
    """`nonce` is set by the view that found the state of this sign-in."""

    nonce = ""

    @cached_property
    def openid_config(self) -> dict[str, Any]:
        provider = self.get_provider()
        config = _get(provider.server_url)
        if str(config.get("issuer", "")).rstrip("/") != provider.app.settings["server_url"]:
            raise OAuth2Error("discovery: issuer")
        if not {"authorization_endpoint", "token_endpoint", "jwks_uri"} <= config.keys():
            raise OAuth2Error("discovery: incomplete")
        return config

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> Any:
        config = self.openid_config
        claims = tokens.verified(
            kwargs["response"].get("id_token"),
            keys=_get(config["jwks_uri"]),
            issuer=config["issuer"],
            audience=app.client_id,
            nonce=self.nonce,
        )
        return self.get_provider().sociallogin_from_response(request, _merged(self._more(claims, token.token), claims))

    def _more(self, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
        """What the userinfo endpoint adds."""
        if not self.openid_config.get("userinfo_endpoint"):
            return {}
        found = dict(self._fetch_user_info(access_token))
        # OpenID Connect Core §5.3.2: one that speaks of somebody else is an attack.
        if found.get("sub") != claims["sub"]:
            raise OAuth2Error("userinfo: sub")
        return found


class OIDCProvider(OpenIDConnectProvider):
    oauth2_adapter_class = OIDCAdapter
    pkce_enabled_default = True
    # Whether it is only asked if it is still the person who is signed in: set by the view.
    is_again = False

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        return list(self.get_scope())

    def get_auth_params_from_request(self, request: HttpRequest, action: Any) -> dict[str, Any]:
        return {}

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        """Always a sign-in: nobody connects an address that is not theirs."""
        return dict(super().get_redirect_from_request_kwargs(request)) | {"process": "login"}

    def redirect(
        self, request: HttpRequest, process: str, next_url: str | None = None, data: Any = None, **kwargs: Any
    ) -> HttpResponse:
        nonce = token_urlsafe(24)
        kwargs["auth_params"] = {"nonce": nonce}
        if self.is_again:
            kwargs["auth_params"] |= again.PARAMETERS
            kwargs[again.AGAIN] = True
        answer: HttpResponse = super().redirect(request, process, next_url, data, nonce=nonce, **kwargs)
        return answer

    def sociallogin_from_response(self, request: HttpRequest, response: dict[str, Any]) -> Any:
        login = super().sociallogin_from_response(request, response)
        login.claims = self._claims(response)
        return login

    def extract_uid(self, data: dict[str, Any]) -> str:
        return uid(self.app.settings["server_url"], str(data["sub"]))

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """What the person's own list of sign-ins shows, and no more."""
        return {"email": address_of(data.get("email"))}

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        return {"email": address_of(data.get("email"))}

    def extract_email_addresses(self, data: dict[str, Any]) -> list[EmailAddress]:
        return []

    def _claims(self, data: dict[str, Any]) -> Claims:
        settings = self.app.settings
        said = data.get("email_verified")
        # Amazon Cognito writes the word.
        verified = said is True or said == "true" or settings["trusts_addresses"]
        return Claims(
            address=address_of(data.get("email")) if verified else "",
            name=name_of(data.get("name")),
            groups=_groups(data, settings["groups_claim"]),
            proved_at=_moment(data.get("auth_time")),
        )


def _merged(more: dict[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
    """What the ID token says counts more. That an address is verified counts only for the address beside it."""
    said = claims if claims.get("email") else more
    return more | claims | {name: said.get(name) for name in ("email", "email_verified")}


def _moment(said: Any) -> float:
    """Never in the future: a clock that is wrong there proves nothing for years here."""
    return min(float(said), clock.now().timestamp()) if isinstance(said, int | float) else 0


def _groups(data: dict[str, Any], claim: str) -> frozenset[str] | None:
    """None where nobody was asked, or the provider said only that there are groups."""
    if not claim or (claim not in data and _are_withheld(data, claim)):
        return None
    return listed(data.get(claim))


def _are_withheld(data: dict[str, Any], claim: str) -> bool:
    """Entra lists no groups of people who have very many: it names another place, or says that they have some."""
    elsewhere = data.get("_claim_names")
    is_elsewhere = isinstance(elsewhere, dict) and claim in elsewhere
    return is_elsewhere or (claim == "groups" and data.get("hasgroups") in (True, "true"))


def _get(url: str) -> dict[str, Any]:
    with get_adapter().get_requests_session() as session:
        answer = session.get(url)
        answer.raise_for_status()
        return dict(answer.json())
