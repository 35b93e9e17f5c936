"""What people do on a journey: launch in the console, sign in at the desk, read and answer mail in the mailbox."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Stack

PURPOSE = "Try last year's sales figures <b>once</b>"
# A stack's end: on a machine that does other things as well.
AT_ITS_END = 90_000


def launch(page: Page, stack: Stack, name: str, **given: str) -> None:
    """As Rita, in the Service Catalog console. `given`: more parameters by name."""
    page.goto(f"{stack.sandbox}/console/who")
    page.get_by_role("radio", name=re.compile("rita@example.com")).check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name="Launch Data sandbox").click()
    page.get_by_label("Name", exact=True).fill(name)
    for label, value in {"UserEmail": "rita@example.com", "Purpose": PURPOSE, **given}.items():
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Launch product").click()


def at_the_desk(page: Page, name: str) -> Locator:
    """The link of the waiting launch that the requester called `name`."""
    return page.locator("tr", has_text=name).get_by_role("link", name="Data sandbox")


def once_read(page: Page) -> None:
    """A page that was opened before its template was read is stale the moment it is, also where it renews itself."""
    expect(page.get_by_role("heading", name="At a glance")).to_be_visible()
    for _ in range(60):
        page.reload()
        if not page.get_by_text("The template is still being read").count():
            return
        page.wait_for_timeout(500)


def sign_in(page: Page, stack: Stack, email: str) -> None:
    page.goto(f"{stack.desk}/accounts/login/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(stack.passwords[email])
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_in_by_code(page: Page, stack: Stack, email: str, mailbox: Page) -> None:
    page.goto(f"{stack.desk}/accounts/login/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name="E-mail me a sign-in code").click()
    expect(page.get_by_role("heading", name="Enter the code")).to_be_visible()
    page.get_by_label("Code").fill(_code_in(mailbox, stack))
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="My requests")).to_be_visible()


def _code_in(mailbox: Page, stack: Stack) -> str:
    mailbox.goto(f"{stack.sandbox}/mailbox/")
    mailbox.get_by_role("link", name=re.compile("your sign-in code")).first.click()
    found = re.search(r"five minutes:\s+(\S+)", mailbox.inner_text("main"))
    assert found
    return found[1]


def open_mail(mailbox: Page, stack: Stack, to: str, subject: str) -> str:
    """The newest mail to somebody whose subject has these words, once it has come; its text."""
    newest = mailbox.get_by_role("link", name=re.compile(re.escape(subject))).first
    for _ in range(60):
        mailbox.goto(f"{stack.sandbox}/mailbox/?to={to}")
        if newest.count():
            break
        mailbox.wait_for_timeout(1000)
    newest.click()
    return mailbox.locator("article pre").inner_text()


def reply(mailbox: Page, text: str) -> None:
    """To the mail that is open, quoting it: it comes to the desk as SES hands inbound mail on."""
    mailbox.get_by_label("Text", exact=True).fill(text)
    mailbox.get_by_role("button", name="Send").click()
    expect(mailbox.get_by_text("delivered as inbound mail")).to_be_visible()
