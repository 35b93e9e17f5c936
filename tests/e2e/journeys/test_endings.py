"""Launches that end otherwise than wished: one is rejected, one is forgotten, and what their requester is left with."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Stack
from tests.e2e.journeys.steps import AT_ITS_END, at_the_desk, launch, once_read, open_mail, sign_in, sign_in_by_code

pytestmark = pytest.mark.e2e
# Seconds: long enough for an approver to be seen not deciding.
PATIENCE = 25
REASON = "Please use the study environment that your team has already."


def prepare_reason(administrator: Page, stack: Stack) -> None:
    sign_in(administrator, stack, "ada@example.com")
    administrator.goto(f"{stack.desk}/operations/reasons/")
    administrator.get_by_label("Name in the list").fill("Use what is there")
    administrator.get_by_label("Reason", exact=True).fill(REASON)
    administrator.get_by_role("button", name="Keep the reason").click()
    expect(administrator.get_by_role("rowheader", name="Use what is there")).to_be_visible()


def card(requester: Page, name: str) -> Locator:
    """The launch on the requester's own list."""
    return requester.get_by_role("article").filter(has_text=name)


def test_one_is_rejected_with_a_prepared_reason_and_one_is_forgotten(stack: Stack, window: Callable[..., Page]) -> None:
    console, approver, onlooker, requester, mailbox = window(), window(), window("dark"), window(), window()
    prepare_reason(console, stack)
    sign_in(approver, stack, "amir@example.com")
    sign_in(onlooker, stack, "bea@example.com")
    launch(console, stack, "left-waiting", ApprovalTimeout=str(PATIENCE))
    at_the_desk(onlooker, "left-waiting").click()
    expect(onlooker.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    launch(console, stack, "turned-down")
    sign_in_by_code(requester, stack, "rita@example.com", mailbox)

    # Amir takes the prepared words as they are.
    expect(at_the_desk(approver, "left-waiting")).to_be_visible()
    at_the_desk(approver, "turned-down").click()
    once_read(approver)
    approver.locator("summary", has_text="Reject …").click()
    approver.get_by_label("Prepared reason").select_option("Use what is there")
    expect(approver.get_by_label("Reason", exact=True)).to_have_value(REASON)
    approver.get_by_role("button", name="Reject", exact=True).click()
    expect(approver.get_by_text("Your rejection is recorded")).to_be_visible()
    rejected = approver.title().partition(" ")[0]
    expect(approver.get_by_text("CloudFormation rolled the stack back")).to_be_visible(timeout=AT_ITS_END)

    # Rita reads why, and what she can do, by mail and at the desk.
    text = open_mail(mailbox, stack, "rita@example.com", f"Rejected: Data sandbox ({rejected})")
    assert REASON in text
    assert "Terminate the provisioned product" in text
    requester.reload()
    expect(card(requester, "turned-down")).to_contain_text("Rolled back")
    card(requester, "turned-down").get_by_role("link").first.click()
    expect(requester.get_by_text(REASON).first).to_be_visible()
    expect(requester.get_by_role("heading", name="It was rejected. What you can do now")).to_be_visible()
    expect(requester.get_by_role("link", name="Launch again in Service Catalog")).to_be_visible()

    # Bea has had the other one open all the while. Its time ends, and with it her part.
    expect(onlooker.get_by_text("Nobody decided in time").first).to_be_visible(timeout=AT_ITS_END)
    onlooker.get_by_role("button", name="Approve", exact=True).click()
    expect(onlooker.get_by_role("alert")).to_be_visible()
    expect(onlooker.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    forgotten = onlooker.title().partition(" ")[0]
    approver.goto(f"{stack.desk}/desk/")
    expect(at_the_desk(approver, "left-waiting")).to_have_count(0)
    approver.get_by_role("link", name="Expired").click()
    expect(at_the_desk(approver, "left-waiting")).to_be_visible()

    text = open_mail(mailbox, stack, "rita@example.com", f"Nobody decided in time: Data sandbox ({forgotten})")
    assert "Nothing was created." in text
    requester.goto(f"{stack.desk}/requests/")
    card(requester, "left-waiting").get_by_role("link").first.click()
    standing = requester.get_by_role("region", name="Where it stands")
    expect(standing).to_contain_text("rolled the stack back", timeout=AT_ITS_END)
    expect(requester.get_by_role("heading", name="Nobody decided in time. What you can do now")).to_be_visible()
    expect(requester.get_by_text("It was not refused: nobody had the time.")).to_be_visible()
