"""The catalogue's list: by risk, filtered, with the trend."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from approvals.views import trend
from catalog.coverage import Risk
from catalog.models import CoverageDay, Portfolio, Product
from catalog.sync.reading import Reader
from catalog.sync.trouble import Passing
from portal.clock import now
from tests.support import shelf
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor(cast: Cast, client_for: Callable[[Any], Client], monkeypatch: pytest.MonkeyPatch) -> Client:
    def ask(*_arguments: Any, **_named: Any) -> dict[str, Any]:
        raise Passing("no_answer")

    monkeypatch.setattr(Reader, "ask", ask)
    return client_for(cast.auditor)


def names(client: Client, **asked: Any) -> list[str]:
    """The products of the page, from top to bottom."""
    answer = client.get("/catalogue/", asked)
    assert answer.status_code == 200
    found = re.findall(r'href="/catalogue/products/[^"]+/">([^<]+)</a>', answer.content.decode())
    return [unescape(name) for name in found]


@pytest.fixture
def filled() -> dict[str, Product]:
    there = shelf.place("444455556666", "eu-west-1")
    made = {
        "Good": (shelf.gated(), None),
        "Bad": (shelf.QUEUE, None),
        "Classic": (shelf.gated(classic=True), there),
        "Also bad": (shelf.QUEUE, there),
        "Updates": (shelf.gated(gate_updates=False), None),
    }
    found = {}
    for name, (text, where) in made.items():
        found[name] = shelf.product(name, where)
        shelf.version(found[name], text)
    shelf.offer(found["Good"], "Platform")
    shelf.offer(found["Bad"], "Sandbox")
    shelf.product("Unread").versions.create(artifact_id="pa-unread", name="v1")
    return found


def test_the_gravest_come_first(auditor: Client, filled: dict[str, Product]) -> None:
    shelf.covered()
    assert names(auditor) == ["Also bad", "Bad", "Updates", "Unread", "Classic", "Good"]
    text = auditor.get("/catalogue/").content.decode()
    assert "1 version lets something by" in text
    assert "Launches without asking (2)" in text


def test_it_is_filtered_by_gate_place_and_portfolio(auditor: Client, filled: dict[str, Product]) -> None:
    shelf.covered()
    there = filled["Classic"].place
    assert there is not None
    sandbox = Portfolio.objects.get(name="Sandbox")
    assert names(auditor, risk=Risk.LAUNCH.value) == ["Also bad", "Bad"]
    assert names(auditor, place=there.pk) == ["Also bad", "Classic"]
    assert names(auditor, place=there.pk, risk=Risk.LAUNCH.value) == ["Also bad"]
    assert names(auditor, portfolio=sandbox.pk) == ["Bad"]
    assert names(auditor, q="bad") == ["Also bad", "Bad"]
    assert names(auditor, risk=Risk.ROLE.value) == []
    assert "No product is like that" in auditor.get("/catalogue/", {"risk": Risk.ROLE.value}).content.decode()
    for odd in ("x", "99", "-1", "1" * 30, "²"):
        assert len(names(auditor, risk=odd)) == 6
    assert names(auditor, place="9999") == []


def test_pages_go_on_in_the_same_order_with_the_same_filter(auditor: Client) -> None:
    for number in range(27):
        shelf.version(shelf.product(f"Queue {number:02}"), shelf.QUEUE)
    shelf.version(shelf.product("A good one"), shelf.gated())
    shelf.covered()
    answer = auditor.get("/catalogue/", {"risk": Risk.LAUNCH.value}).content.decode()
    more = re.search(r'href="\?(risk=1&amp;after=\d+)"', answer)
    assert more
    second = auditor.get(f"/catalogue/?{unescape(more[1])}").content.decode()
    assert re.findall(r"Queue \d\d", second) == ["Queue 25", "Queue 26"]
    first = names(auditor)
    assert first == [f"Queue {number:02}" for number in range(25)]


def counted(account: str, days_ago: int, **risks: int) -> None:
    CoverageDay.objects.create(
        place=shelf.place(account),
        day=now().date() - timedelta(days=days_ago),
        products={str(Risk[name.upper()].value): number for name, number in risks.items()},
    )


def test_the_trend_sums_places_and_remembers_days_without_a_row(auditor: Client) -> None:
    assert trend.of(None, now()) is None
    counted("111111111111", 40, launch=9)
    counted("111111111111", 3, launch=3, receipt=1, none=7)
    counted("222222222222", 2, update=1, partial=1, unread=2, role=1, classic=1)
    counted("111111111111", 0, launch=1, receipt=3)
    found = trend.of(None, now())
    assert found is not None
    assert [(bar.open, bar.other, bar.gated) for bar in found.bars[-4:]] == [
        (3, 0, 1), (5, 3, 2), (5, 3, 2), (3, 3, 4),
    ]  # fmt: skip
    assert (len(found.bars), found.first.open) == (trend.DAYS, 9)
    for bar in found.bars:
        assert all(0 <= y <= trend.HEIGHT and y + height <= trend.HEIGHT + 0.1 for _kind, y, height in bar.drawn)
    page = auditor.get("/catalogue/").content.decode()
    assert "Products that let something by" in page
    assert "<rect" in page
    one = trend.of(shelf.place("222222222222").pk, now())
    assert one is not None
    assert [bar.open for bar in one.bars] == [2, 2, 2]


def test_an_empty_trend_divides_by_nothing(auditor: Client) -> None:
    counted("111111111111", 1)
    counted("111111111111", 0)
    assert auditor.get("/catalogue/").status_code == 200
