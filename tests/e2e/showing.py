"""A showroom behind a real web process, and browser windows in which somebody is signed in already."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext

from portal.accounts.models import User
from tests.support.proving import prove
from tests.support.showroom import Showroom

# Playwright keeps an event loop in this thread; nothing else runs in it while Django is asked.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
Scheme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Showing:
    url: str
    room: Showroom
    browser: Browser

    @contextmanager
    def window(
        self, person: User | None, scheme: Scheme = "light", width: int = 1280, **options: Any
    ) -> Iterator[BrowserContext]:
        context = self.browser.new_context(
            color_scheme=scheme,
            base_url=self.url,
            **{"locale": "en-US", "viewport": {"width": width, "height": 900}} | options,
        )
        if person is not None:
            name, _, value = session(person).partition("=")
            context.add_cookies([{"name": name, "value": value, "url": self.url}])
        yield context
        context.close()


def session(person: User | None) -> str:
    """The cookie of somebody who has just signed in, by whatever is asked of them; the empty string for nobody."""
    if person is None:
        return ""
    client = Client()
    client.force_login(person)
    prove(client, "mfa" if is_mfa_enabled(person) else "password")
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
