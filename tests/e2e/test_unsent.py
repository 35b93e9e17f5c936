"""What somebody has written and not sent, and a decision that stays within reach."""

from __future__ import annotations

import pytest
from django.conf import settings
from playwright.sync_api import expect

from tests.e2e.showing import Showing
from tests.e2e.test_at_the_desk import many, page_of, states

pytestmark = pytest.mark.e2e
QUESTION = "Who pays for it?"


def test_an_unsent_message_is_kept_and_a_decision_stops_for_it_once(showing: Showing) -> None:
    launch, other = many(2, "unsent")
    with page_of(showing, showing.room.cast.approver) as page:
        page.goto(launch.get_absolute_url())
        message, note = page.locator("#talk-message"), page.locator("#talk-note")
        message.fill(QUESTION)
        page.get_by_text("Internal note, not shown").click()
        note.fill("He asked before.")
        page.reload()
        expect(message).to_have_value(QUESTION)
        expect(note).to_be_visible()
        page.get_by_role("button", name="Take it").click()
        expect(page.get_by_text("You have taken this request.")).to_be_visible()
        expect(message).to_have_value(QUESTION)
        page.goto(other.get_absolute_url())
        expect(message).to_have_value("")
        page.goto(launch.get_absolute_url())
        page.get_by_role("button", name="Approve", exact=True).click()
        expect(page.get_by_role("alertdialog")).to_contain_text("You have written a message that is not sent.")
        expect(page.get_by_role("button", name="Back to the message")).to_be_focused()
        page.keyboard.press("Enter")
        expect(message).to_be_focused()
        assert states([launch]) == {"pending"}
        page.get_by_role("button", name="Approve", exact=True).click()
        page.get_by_role("button", name="Decide without sending it").click()
        expect(page.get_by_text("Your approval is recorded.")).to_be_visible()
        expect(message).to_have_value(QUESTION)
        page.get_by_role("button", name="Comment", exact=True).click()
        expect(page.get_by_text("Your comment is in the conversation.")).to_be_visible()
        expect(message).to_have_value("")
        expect(note).to_have_value("He asked before.")


def test_what_was_sent_by_somebody_who_was_signed_out_comes_back(showing: Showing) -> None:
    (launch,) = many(1, "signedout")
    with page_of(showing, showing.room.cast.approver) as page:
        page.goto(launch.get_absolute_url())
        page.locator("#talk-message").fill(QUESTION)
        cookies = page.context.cookies()
        page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
        page.get_by_role("button", name="Ask the requester").click()
        page.wait_for_url("**/login/**")
        page.context.add_cookies(cookies)  # type: ignore[arg-type]
        page.goto(launch.get_absolute_url())
        expect(page.locator("#talk-message")).to_have_value(QUESTION)


@pytest.mark.parametrize(("width", "height"), [(1024, 600), (1280, 720), (1280, 800), (1920, 1080)])
def test_nothing_of_the_request_page_is_out_of_reach(showing: Showing, width: int, height: int) -> None:
    size = {"width": width, "height": height}
    with page_of(showing, showing.room.cast.approver, viewport=size) as page:
        page.goto(showing.room.waiting.get_absolute_url())
        for _ in range(2):
            hidden = page.evaluate("""[...document.querySelectorAll(".card, .card button, .card a")].filter((one) => {
                if (!one.checkVisibility({ contentVisibilityAuto: true })) return false;
                one.scrollIntoView({ block: "nearest" });
                const box = one.getBoundingClientRect();
                if (!box.width || box.height > innerHeight) return false;
                return box.top < -1 || box.bottom > innerHeight + 1;
            }).map((one) => one.outerHTML.slice(0, 90))""")
            assert hidden == []
            page.locator("summary", has_text="Reject …").click()
        sticky = page.locator(".beside").evaluate("(one) => [one.scrollHeight, one.clientHeight]")
        assert sticky[0] <= sticky[1]
