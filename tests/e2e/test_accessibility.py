"""Every page is fair to everybody (tests/e2e/fairness.py): those of the tour, with nothing to say in the console, and
those that stand only in the middle of something, at the door, after a refusal, with a passkey in hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import boto3
import psycopg
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from playwright.sync_api import Page, expect

from portal.accounts.models import User
from portal.clock import now
from tests.e2e import fairness
from tests.e2e.showing import Showing
from tests.e2e.test_passkeys import DEVICE
from tests.e2e.tour import STOPS, Stop, secure
from tests.support import run, showroom
from tests.support.launches import open_launch

pytestmark = pytest.mark.e2e
# A minute's worth of sign-ins from one address, half-filled.
# One after the other: of many at once, those that cannot be counted in time are refused without it.
TRY_ON = """async () => {
    const body = new FormData(document.querySelector("form[action='/accounts/login/']"));
    for (let tries = 0; tries < 100; tries += 1)
        if ((await fetch("/accounts/login/", {method: "POST", body})).status === 429) return;
}"""


@pytest.fixture(scope="module")
def page_of(showing: Showing) -> Iterator[Callable[[Stop], Page]]:
    """One page per reader: a tab of its own for each stop would start a process each time."""
    with ExitStack() as windows:
        pages: dict[str, Page] = {}

        def page_of(stop: Stop) -> Page:
            if stop.who not in pages:
                window = windows.enter_context(showing.window(stop.reader(showing.room), reduced_motion="reduce"))
                pages[stop.who] = window.new_page()
            return pages[stop.who]

        yield page_of


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.name)
def test_every_page_is_for_everybody(showing: Showing, page_of: Callable[[Stop], Page], stop: Stop) -> None:
    page = page_of(stop)
    with fairness.complaints_of(page) as said:
        answer = page.goto(stop.path(showing.room))
        assert answer is not None
        assert answer.status == (404 if stop.name == "no such page" else 200)
        fairness.check(page)
    assert said == [] or answer.status != 200


@contextmanager
def visit(showing: Showing, person: User | None = None) -> Iterator[Page]:
    with showing.window(person, reduced_motion="reduce") as window:
        yield window.new_page()


def sign_in(page: Page, person: User, password: str = showroom.PASSWORD) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def send(page: Page, path: str, **fields: str) -> None:
    """A form that no page has, from the page that is open."""
    page.evaluate(
        """([path, fields]) => {
            const form = Object.assign(document.createElement("form"), {method: "post", action: path});
            for (const [name, value] of Object.entries(fields)) {
                form.append(Object.assign(document.createElement("input"), {name, value}));
            }
            document.body.append(form);
            form.submit();
        }""",
        [path, fields],
    )


def says(page: Page, title: str) -> None:
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
    fairness.check(page)


def test_the_door_asks_for_the_second_factor_and_stops_whoever_tries_on_and_on(showing: Showing) -> None:
    person = showing.room.cast.other_requester
    secure(person)
    with visit(showing) as page:
        sign_in(page, person)
        says(page, "Your second factor")
        # Ravi has an app, and no passkey.
        expect(page.get_by_role("button", name="Use a passkey")).to_have_count(0)
        page.get_by_label("Code").fill("000000")
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.locator("#id_code_error")).to_be_visible()
        says(page, "Your second factor")
        page.get_by_role("button", name="Sign in as somebody else").click()
        sign_in(page, person, "wrong")
        expect(page.get_by_role("alert")).to_be_visible()
        says(page, "Sign in")
        page.evaluate(TRY_ON)
        sign_in(page, person)
        says(page, "Too many attempts")
    cache.clear()


def test_a_code_by_mail_is_typed_at_the_door_and_once_more_inside(showing: Showing, sandbox: str) -> None:
    boto3.client("ses").verify_email_identity(EmailAddress=settings.GATEHOUSE_FROM_EMAIL)
    with visit(showing) as page:
        page.goto("/accounts/login/")
        page.get_by_label("E-mail address").fill("rita@example.com")
        page.get_by_role("button", name="E-mail me a sign-in code").click()
        says(page, "Enter the code")
    with visit(showing, showing.room.cast.requester) as page:
        page.goto("/accounts/reauthenticate/code/")
        page.locator("main").get_by_role("button").first.click()
        expect(page.get_by_label("Code")).to_be_visible()
        says(page, "Is it still you?")


def test_what_became_of_several_is_for_everybody_too(showing: Showing) -> None:
    picked = "&".join(f"pick={open_launch(now(), product_id='').pk}" for _ in range(2))
    with visit(showing, showing.room.cast.approver) as page:
        page.goto(f"/desk/decide/?verdict=reject&{picked}")
        page.get_by_role("textbox", name="Reason").fill("Both were tests.")
        page.get_by_role("button", name="Reject 2 requests").click()
        expect(page.get_by_text("2 rejections are recorded.")).to_be_visible()
        fairness.check(page)


def test_whoever_signs_out_is_told_so(showing: Showing) -> None:
    with visit(showing, showing.room.cast.approver) as page:
        page.goto("/desk/")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("signed out")).to_be_visible()
        says(page, "Sign in")


def test_a_passkey_is_kept_named_anew_used_and_removed(showing: Showing) -> None:
    with visit(showing, showing.room.cast.auditor) as page:
        session = page.context.new_cdp_session(page)
        session.send("WebAuthn.enable")
        session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        page.goto("/accounts/2fa/webauthn/add/")
        page.get_by_role("button", name="Make the passkey").click()
        page.wait_for_url("**/recovery-codes/")
        page.goto("/accounts/2fa/webauthn/")
        fairness.check(page)
        page.goto("/accounts/2fa/webauthn/reauthenticate/")
        fairness.check(page)
        page.goto("/accounts/2fa/webauthn/")
        page.locator("main a[href$='/edit/']").first.click()
        fairness.check(page)
        page.goto("/accounts/2fa/webauthn/")
        page.locator("main a[href$='/remove/']").first.click()
        fairness.check(page)


def test_every_refusal_says_what_to_do_next(showing: Showing) -> None:
    with visit(showing, showing.room.cast.administrator) as page:
        page.goto("/preferences/")
        send(page, "/preferences/", **{f"field{n}": "1" for n in range(101)})
        says(page, "This request could not be read")
        page.goto("/preferences/")
        send(page, "/preferences/", name="Ada")
        says(page, "This form was too old")
        page.goto("/preferences/")
        send(page, "/preferences/", name="A" * 300_000)
        says(page, "This is too much at once")
        with out_of_order("approvals_cannedreason"):
            page.goto("/operations/reasons/")
        says(page, "Something went wrong")


@contextmanager
def out_of_order(table: str) -> Iterator[None]:
    """Meanwhile the desk cannot read this table."""
    name = str(connection.settings_dict["NAME"])
    with psycopg.connect(run.postgres().owner_url(name), autocommit=True) as owner:
        owner.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
        yield
        owner.execute(f"ALTER TABLE {table}_away RENAME TO {table}")
