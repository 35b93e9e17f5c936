"""The main job, in a browser: launch, question, answer, approval, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Stack
from tests.e2e.journeys.steps import PURPOSE, at_the_desk, launch, once_read, sign_in, sign_in_by_code

pytestmark = pytest.mark.e2e


def test_a_launch_is_asked_about_answered_approved_and_launched(stack: Stack, window: Callable[..., Page]) -> None:
    console, requester, approver = window(), window(), window("dark")
    launch(console, stack, "sales-figures")

    # The approver sees it come in without touching the page.
    sign_in(approver, stack, "amir@example.com")
    expect(approver.get_by_role("heading", name="Desk")).to_be_visible()
    at_the_desk(approver, "sales-figures").click()
    expect(approver.get_by_text(PURPOSE)).to_be_visible()
    expect(approver.get_by_text("verified by AWS")).to_be_visible()
    approver.get_by_label("Write to the requester").fill("Does it hold personal data?")
    approver.get_by_role("button", name="Ask the requester").click()
    expect(approver.get_by_text("Waiting for an answer").first).to_be_visible()

    # The requester has no password to remember.
    sign_in_by_code(requester, stack, "rita@example.com", window())
    requester.get_by_role("link", name="Data sandbox").first.click()
    expect(requester.get_by_text("Does it hold personal data?")).to_be_visible()
    requester.get_by_label("Your answer").fill("No: totals per month only.")
    requester.get_by_role("button", name="Send the answer").click()
    expect(requester.get_by_text("Waiting for a decision").first).to_be_visible()

    # The answer reaches the approver's open page by itself.
    expect(approver.get_by_text("No: totals per month only.")).to_be_visible()
    # Which it had not shown before: what was said meanwhile has to be looked at first.
    approver.get_by_label("Note (optional)").fill("Fine for a month.")
    approver.get_by_role("link", name="Show it anew").click()
    expect(approver.get_by_label("Note (optional)")).to_have_value("Fine for a month.")
    approver.get_by_role("button", name="Approve").click()
    expect(approver.get_by_text("Your approval is recorded.")).to_be_visible()

    # And the requester's open page follows the stack to its end.
    expect(requester.get_by_text("The stack is complete").first).to_be_visible(timeout=60_000)
    expect(requester.get_by_text("Fine for a month.").first).to_be_visible()
    expect(approver.get_by_text("The stack is complete")).to_be_visible(timeout=60_000)
    console.goto(f"{stack.sandbox}/console/provisioned")
    console.get_by_role("link", name="sales-figures").click()
    expect(console.get_by_text(re.compile("available", re.IGNORECASE)).first).to_be_visible()


def test_the_keyboard_is_enough_to_reject(stack: Stack, window: Callable[..., Page]) -> None:
    console, approver = window(), window()
    launch(console, stack, "keyboard-only")
    sign_in(approver, stack, "bea@example.com")
    at_the_desk(approver, "keyboard-only").focus()
    approver.keyboard.press("Enter")
    once_read(approver)
    fold = approver.locator("summary", has_text="Reject …")
    for _ in range(60):
        approver.keyboard.press("Tab")
        if fold.evaluate("element => element === document.activeElement"):
            break
    approver.keyboard.press("Enter")
    expect(approver.get_by_label("Reason", exact=True)).to_be_focused()
    approver.keyboard.type("Please use the shared one.")
    approver.keyboard.press("Tab")
    approver.keyboard.press("Enter")
    expect(approver.get_by_text("Your rejection is recorded")).to_be_visible()
    expect(approver.get_by_text("CloudFormation rolled the stack back")).to_be_visible(timeout=60_000)


def test_the_desk_works_without_scripts(stack: Stack, window: Callable[..., Page]) -> None:
    launch(window(), stack, "no-scripts")
    browser = window().context.browser
    assert browser
    context = browser.new_context(java_script_enabled=False, locale="en-US")
    page = context.new_page()
    sign_in(page, stack, "amir@example.com")
    for _ in range(30):
        if at_the_desk(page, "no-scripts").count():
            break
        page.wait_for_timeout(1000)
        page.reload()
    at_the_desk(page, "no-scripts").click()
    once_read(page)
    page.locator("summary", has_text="Reject …").click()
    page.get_by_label("Reason", exact=True).fill(" ")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("Please write a sentence")).to_be_visible()
    page.get_by_label("Reason", exact=True).fill("Only trying the desk out.")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("Your rejection is recorded")).to_be_visible()
    context.close()


def test_no_page_scrolls_sideways_on_a_phone(stack: Stack, window: Callable[..., Page]) -> None:
    launch(window(), stack, "on-a-phone")
    page = window()
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(page, stack, "otto@example.com")
    paths = [at_the_desk(page, "on-a-phone").get_attribute("href")]
    for path in ("/desk/", "/requests/", "/operations/", "/preferences/", "/accounts/sessions/", *paths):
        page.goto(f"{stack.desk}{path}")
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path
