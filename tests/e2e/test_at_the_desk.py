"""Journeys at the desk itself: many at once, two at once, by keyboard, on a phone, in Chinese, without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from approvals.choices import State
from approvals.models import Decision, LaunchRequest
from portal.accounts.models import User
from portal.clock import now
from tests.e2e.showing import Showing
from tests.support.launches import open_launch

pytestmark = pytest.mark.e2e


@contextmanager
def page_of(showing: Showing, person: User, **options: object) -> Iterator[Page]:
    with showing.window(person, **options) as window:  # type: ignore[arg-type]
        page = window.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        assert complaints == []


def many(count: int, product: str) -> list[LaunchRequest]:
    at = now()
    return [open_launch(at, product_id="", stack_name=f"{product}-{n}") for n in range(count)]


def states(requests: list[LaunchRequest]) -> set[str]:
    return set(LaunchRequest.objects.filter(pk__in=[one.pk for one in requests]).values_list("state", flat=True))


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_fifty_are_approved_with_one_reason(showing: Showing, scripts: bool) -> None:
    name = f"fifty{'with' if scripts else 'without'}"
    requests = many(50, name)
    with page_of(showing, showing.room.cast.approver, java_script_enabled=scripts) as page:
        page.goto(f"/desk/?q={name}")
        if scripts:
            page.get_by_label("Select all on this page").check()
            expect(page.get_by_text("50 selected")).to_be_visible()
        else:
            expect(page.get_by_label("Select all on this page")).to_be_hidden()
            for box in page.locator("input[name=pick]").all():
                box.check()
        page.get_by_role("button", name="Approve selected").click()
        count = "50" if scripts else "the selected"
        expect(page.get_by_role("heading", name=f"Approve {count} requests?")).to_be_visible()
        page.get_by_label("Note (optional)").fill("The quarterly batch.")
        # Fifty transactions, on a machine that does other things as well.
        page.get_by_role("button", name=f"Approve {count} requests").click(timeout=90_000)
        expect(page.get_by_text("50 approvals are recorded.")).to_be_visible(timeout=30_000)
        page.reload()
    assert states(requests) == {State.APPROVED}
    assert Decision.objects.filter(request__in=requests, reason="The quarterly batch.").count() == 50


def test_two_approvers_at_once_and_one_decision_stands(showing: Showing) -> None:
    (launch,) = many(1, "both")
    amir, bea = showing.room.cast.approver, showing.room.cast.second_approver
    with page_of(showing, amir) as his, page_of(showing, bea) as hers:
        his.goto(launch.get_absolute_url())
        hers.goto(launch.get_absolute_url())
        expect(his.get_by_text("Bea").first).to_be_visible()
        his.get_by_role("button", name="Approve", exact=True).click()
        expect(his.get_by_text("Your approval is recorded.")).to_be_visible()
        hers.get_by_text("Reject …").click()
        hers.get_by_label("Reason", exact=True).fill("Rather not.")
        hers.get_by_role("button", name="Reject", exact=True).click()
        expect(hers.get_by_role("alert")).to_contain_text("Amir")
        expect(hers.get_by_role("alert").get_by_text("Rather not.")).to_be_visible()
    assert states([launch]) == {State.APPROVED}


def test_the_keyboard_is_enough_for_the_inbox(showing: Showing) -> None:
    requests = many(2, "bykeys")
    with page_of(showing, showing.room.cast.approver) as page:
        page.goto("/desk/?q=bykeys")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()
        page.keyboard.press("j")
        page.keyboard.press("x")
        page.keyboard.press("j")
        page.keyboard.press("x")
        expect(page.get_by_text("2 selected")).to_be_visible()
        page.keyboard.press("r")
        expect(page.get_by_role("heading", name="Reject 2 requests?")).to_be_visible()
        expect(page.get_by_role("textbox", name="Reason")).to_be_focused()
        page.keyboard.type("Both were tests.")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_text("2 rejections are recorded.")).to_be_visible()
        page.keyboard.press("/")
    assert states(requests) == {State.REJECTED}


def test_a_fresh_list_takes_neither_the_selection_nor_the_place(showing: Showing) -> None:
    many(2, "freshlist")
    with page_of(showing, showing.room.cast.approver) as page:
        page.goto("/desk/?q=freshlist")
        page.locator("input[name=pick]").first.check()
        many(1, "freshlist")
        expect(page.get_by_text("1 new request")).to_be_visible(timeout=20_000)
        expect(page.get_by_text("1 selected")).to_be_visible()
        page.get_by_role("button", name="Show").click()
        expect(page.locator("input[name=pick]")).to_have_count(3)
        expect(page.locator("input[name=pick]:checked")).to_have_count(1)


def test_a_phone_is_enough_to_decide(showing: Showing) -> None:
    (launch,) = many(1, "onthephone")
    with page_of(showing, showing.room.cast.approver, width=360, has_touch=True, is_mobile=True) as page:
        page.goto("/desk/?q=onthephone")
        page.locator("a.through").tap()
        page.get_by_role("link", name="Go to your decision").tap()
        page.get_by_label("Note (optional)").fill("From the train.")
        page.get_by_role("button", name="Approve", exact=True).tap()
        expect(page.get_by_text("Your approval is recorded.")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert states([launch]) == {State.APPROVED}


def test_everything_to_decide_is_there_in_chinese(showing: Showing) -> None:
    (launch,) = many(1, "zhongwen")
    with page_of(showing, showing.room.cast.second_approver, locale="zh-CN") as page:
        page.goto("/desk/?q=zhongwen")
        expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
        page.locator("a.through").click()
        page.get_by_role("button", name="批准", exact=True).click()
        expect(page.get_by_role("status").first).to_contain_text("批准")
    assert states([launch]) == {State.APPROVED}


def test_typed_text_survives_the_poll_and_a_stale_page_says_what_changed(showing: Showing) -> None:
    from approvals import actions
    from approvals.actor import Actor
    from approvals.choices import Channel

    (launch,) = many(1, "stale")
    with page_of(showing, showing.room.cast.approver, java_script_enabled=False) as page:
        page.goto(launch.get_absolute_url())
        bea = Actor(showing.room.cast.second_approver, Channel.DESK)
        actions.ask(launch.pk, actor=bea, now=now(), text="Which cost centre?")
        page.get_by_label("Note (optional)").fill("Looks right.")
        page.get_by_role("button", name="Approve", exact=True).click()
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.get_by_label("Note (optional)")).to_have_value("Looks right.")
        assert states([launch]) == {State.NEEDS_INFO}
        page.get_by_role("button", name="Approve", exact=True).click()
        expect(page.get_by_text("Your approval is recorded.")).to_be_visible()
    assert states([launch]) == {State.APPROVED}


def test_the_confirmation_counts_what_is_ticked(showing: Showing) -> None:
    many(3, "counted")
    with page_of(showing, showing.room.cast.approver) as page:
        page.goto("/desk/?q=counted")
        page.get_by_label("Select all on this page").check()
        page.get_by_role("button", name="Reject selected").click()
        boxes = page.locator("input[name=pick]").all()
        for box, said in zip(boxes, ("Reject 2 requests", "Reject 1 request"), strict=False):
            box.uncheck()
            expect(page.get_by_role("heading", name=f"{said}?")).to_be_visible()
            expect(page.get_by_role("button", name=said)).to_be_enabled()
        boxes[-1].uncheck()
        expect(page.get_by_role("button", name="Reject the selected requests")).to_be_disabled()


def test_the_keyboard_is_enough_on_the_page_of_a_request(showing: Showing) -> None:
    first, second = many(2, "nextdoor")
    with page_of(showing, showing.room.cast.approver) as page:
        page.goto("/desk/?q=nextdoor")
        page.keyboard.press("j")
        page.keyboard.press("o")
        expect(page).to_have_url(re.compile(str(first.uuid)))
        page.wait_for_load_state()
        page.keyboard.press("j")
        expect(page).to_have_url(re.compile(str(second.uuid)))
        page.wait_for_load_state()
        page.keyboard.press("k")
        expect(page).to_have_url(re.compile(str(first.uuid)))
        page.wait_for_load_state()
        for key, field in (("a", "#approve"), ("r", "#reject"), ("s", "#talk-message")):
            page.keyboard.press(key)
            expect(page.locator(field)).to_be_focused()
            page.locator(field).blur()
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()
        page.keyboard.press("u")
        expect(page).to_have_url(re.compile(r"/desk/\?q=nextdoor$"))
