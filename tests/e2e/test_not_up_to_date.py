"""Pages that renew themselves: what they say when they cannot, and what becomes of typed text when a request ends."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from approvals import actions
from approvals.actor import Actor
from approvals.choices import Channel, Outcome, SignalStatus
from approvals.models import LaunchRequest
from portal.clock import now
from tests.e2e.showing import Showing
from tests.e2e.test_at_the_desk import many, page_of

pytestmark = pytest.mark.e2e


def test_a_list_that_is_not_up_to_date_says_so_moves_nothing_and_recovers(showing: Showing) -> None:
    many(1, "outofdate")
    with page_of(showing, showing.room.cast.approver) as page:
        page.goto("/desk/?q=outofdate")
        row = page.locator("#inbox tbody tr").first
        before = row.bounding_box()
        page.route("**/live/**", lambda route: route.abort())
        bar = page.locator("#fresh")
        expect(bar).to_contain_text("Not up to date since", timeout=15_000)
        assert row.bounding_box() == before
        page.unroute("**/live/**")
        page.get_by_role("button", name="Try again now").click()
        expect(bar).to_be_empty()


def test_a_page_that_comes_to_rest_while_the_desk_was_away_is_up_to_date(showing: Showing) -> None:
    (launch,) = many(1, "atrest")
    actions.approve(launch.pk, actor=Actor(showing.room.cast.second_approver, Channel.DESK), now=now())
    with page_of(showing, showing.room.cast.approver) as page:
        page.goto(launch.get_absolute_url())
        page.route("**/live/**", lambda route: route.abort())
        bar = page.locator("#fresh")
        expect(bar).to_contain_text("Not up to date since", timeout=15_000)
        LaunchRequest.objects.filter(pk=launch.pk).update(outcome=Outcome.LAUNCHED, signal=SignalStatus.STORED)
        page.unroute("**/live/**")
        page.get_by_role("button", name="Try again now").click()
        expect(page.locator("[hx-get]")).to_have_count(0)
        expect(bar).to_be_empty()


def test_an_expiry_takes_no_typed_text_away(showing: Showing) -> None:
    (launch,) = many(1, "ranout")
    with page_of(showing, showing.room.cast.approver) as page:
        page.goto(launch.get_absolute_url())
        note = page.get_by_label("Note (optional)")
        note.fill("Half a sentence")
        page.locator("#talk-message").fill("A question")
        actions.expire(launch.pk, actor=Actor.system(Channel.TIMER), now=now())
        expect(page.get_by_text("It is now: Expired.")).to_be_visible(timeout=20_000)
        expect(note).to_have_value("Half a sentence")
        page.get_by_role("link", name="Show it anew").click()
        expect(page.get_by_text("What you wrote was not sent:")).to_be_visible()
        expect(page.get_by_text("Half a sentence")).to_be_visible()
        expect(page.locator("#talk-message")).to_have_value("A question")


def test_a_preview_that_fails_is_said_until_somebody_goes_on(showing: Showing) -> None:
    (launch,) = many(1, "nopreview")
    with page_of(showing, showing.room.cast.approver) as page:
        page.goto(launch.get_absolute_url())
        page.route("**/preview/**", lambda route: route.abort())
        page.locator("#talk-message").fill("Hello")
        page.get_by_role("button", name="Preview").first.click()
        expect(page.get_by_text("The desk did not answer.")).to_be_visible()
        page.unroute("**/preview/**")
        page.get_by_role("button", name="Try again now").click()
        expect(page.locator(".talk-preview").first).to_contain_text("Hello")
        expect(page.get_by_text("The desk did not answer.")).to_be_hidden()
