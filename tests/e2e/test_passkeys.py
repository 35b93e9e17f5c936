"""A passkey is made and opens the door: with Chromium's own authenticator."""

import os
from collections.abc import Callable, Iterator

import boto3
import pytest
import requests
from django.conf import settings
from playwright.sync_api import Page

from tests.support import webdesk
from tests.support.cast import Cast

# Playwright keeps an event loop in this thread; the test's own queries are plain ones all the same.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
pytestmark = pytest.mark.e2e
PASSWORD = "correct horse battery"
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def desk(cloned_db: str, cast: Cast, sandbox: str) -> Iterator[str]:
    boto3.client("ses").verify_email_identity(EmailAddress=settings.GATEHOUSE_FROM_EMAIL)
    cast.administrator.set_password(PASSWORD)
    cast.administrator.save()
    with webdesk.serving(cloned_db) as url:
        yield url


def sign_in(page: Page, desk: str) -> None:
    page.goto(f"{desk}/accounts/login/?next=/preferences/")
    page.fill("[name=login]", "ada@example.com")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")


def mails(sandbox: str, to: str) -> list[str]:
    answer = requests.get(f"{sandbox}/mailbox/messages.json", {"to": to}, timeout=10)
    return [mail["subject"] for mail in answer.json()]


def test_a_passkey_is_made_is_told_by_mail_and_opens_the_door_alone(
    desk: str, sandbox: str, window: Callable[..., Page]
) -> None:
    before = len(mails(sandbox, "ada@example.com"))
    page = window()
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    sign_in(page, desk)
    page.wait_for_url(f"{desk}/preferences/")
    page.goto(f"{desk}/accounts/2fa/webauthn/add/")
    page.get_by_role("button", name="Make the passkey").click()
    page.wait_for_url("**/recovery-codes/")
    assert page.locator(".codes li").count() == 10
    told = mails(sandbox, "ada@example.com")
    assert "Gatehouse: A passkey was added." in told[: len(told) - before]

    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{desk}/accounts/login/?next=/people/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{desk}/people/")
    page.get_by_role("button", name="Sign out").click()

    sign_in(page, desk)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"{desk}/preferences/")


def test_without_script_the_sign_in_page_offers_what_works(desk: str, chromium: object, window: object) -> None:
    context = chromium.new_context(java_script_enabled=False)  # type: ignore[attr-defined]
    page = context.new_page()
    page.goto(f"{desk}/accounts/login/")
    assert not page.get_by_role("button", name="Sign in with a passkey").is_visible()
    sign_in(page, desk)
    page.wait_for_url(f"{desk}/preferences/")
    page.goto(f"{desk}/accounts/2fa/webauthn/add/")
    assert page.get_by_text("An authenticator app works without").is_visible()
    context.close()
