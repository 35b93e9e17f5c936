"""Signing in at the desk through the identity provider, as a browser does."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from django.test import Client

from tests.support.idp.server import IdentityProvider

BEGIN = "/accounts/oidc/oidc/login/"
AGAIN = "/accounts/oidc/oidc/again/"
CALLBACK = "/accounts/oidc/oidc/login/callback/"
PEOPLE = ("amir", "rita", "nadia", "mallory")


def configure(settings: Any, idp: IdentityProvider, **more: Any) -> None:
    settings.GATEHOUSE_OIDC = [idp.settings(**more)]
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": settings.GATEHOUSE_OIDC}}


def come_back(
    idp: IdentityProvider, client: Client, name: str, begin: str = BEGIN, browser: requests.Session | None = None
) -> str:
    """The provider's answer as the browser would carry it to the desk: a path with its query."""
    begun = client.get(f"{begin}?next=/requests/")
    assert begun.status_code == 302, begun.content
    parts = urlsplit(idp.go(begun["Location"], name, browser))
    return f"{parts.path}?{parts.query}"


def sign_in(
    idp: IdentityProvider, name: str, client: Client | None = None, browser: requests.Session | None = None
) -> Any:
    client = client or Client()
    return client.get(come_back(idp, client, name, browser=browser))


def signed_in(client: Client) -> bool:
    return client.get("/preferences/").status_code == 200
