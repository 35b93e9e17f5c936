"""The main job with a requester who never opens the desk: a question comes by mail, and the reply is the answer."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Stack
from tests.e2e.journeys.steps import AT_ITS_END, at_the_desk, launch, once_read, open_mail, reply, sign_in

pytestmark = pytest.mark.e2e
QUESTION = "Which data goes in, and **until when**?"


def ask(approver: Page) -> str:
    """The question, on the page of the request that is open; the request's number."""
    approver.get_by_label("Write to the requester").fill(QUESTION)
    approver.get_by_role("button", name="Ask the requester").click()
    expect(approver.get_by_text("Waiting for an answer").first).to_be_visible()
    found = re.match(r"GH-\d+", approver.title())
    assert found
    return found[0]


def test_a_question_is_answered_by_mail_and_what_was_approved_is_launched(
    stack: Stack, window: Callable[..., Page]
) -> None:
    console, approver, mailbox = window(), window(), window("dark")
    sign_in(approver, stack, "amir@example.com")
    launch(console, stack, "by-mail")
    at_the_desk(approver, "by-mail").click()
    once_read(approver)
    number = ask(approver)

    # The question comes to Rita with everything that a reply needs, and she writes above the quotation.
    text = open_mail(mailbox, stack, "rita@example.com", f"({number})")
    assert "Which data goes in" in text
    assert "Reply to this mail, or answer at the desk." in text
    reply(mailbox, "Sales totals per month, nothing about people.\n\nUntil **Friday**.")

    # On Amir's open page it becomes an answer in her name, without what her mail program quoted.
    answer = approver.locator(".talk-answer")
    expect(answer).to_contain_text("Until Friday.")
    expect(answer).to_contain_text("Rita")
    expect(answer).to_contain_text("by e-mail")
    expect(answer.locator("strong", has_text="Friday")).to_be_visible()
    expect(answer).not_to_contain_text("wrote:")
    expect(answer).not_to_contain_text("Which data goes in")
    expect(approver.get_by_text("Waiting for a decision").first).to_be_visible()
    expect(approver.get_by_text("The approvers’ turn")).to_be_visible()

    # He had not read it before he decides: the page shows it first, and goes on to the stack's end by itself.
    approver.get_by_role("link", name="Show it anew").click()
    expect(approver.get_by_role("link", name="Show it anew")).to_have_count(0)
    approver.get_by_role("button", name="Approve", exact=True).click()
    expect(approver.get_by_text("Your approval is recorded.")).to_be_visible()
    expect(approver.get_by_text("The stack is complete")).to_be_visible(timeout=AT_ITS_END)
    ended = open_mail(mailbox, stack, "rita@example.com", f"Launched: Data sandbox ({number})")
    assert "The product is ready in AWS Service Catalog." in ended
