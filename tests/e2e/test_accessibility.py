"""Every page: no finding of axe in light and dark, nothing sideways or cut off from a phone to 200 % zoom and a tablet,
no complaint."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page

from tests.e2e.showing import Scheme, Showing
from tests.e2e.tour import STOPS, Stop

pytestmark = pytest.mark.e2e
RULES = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
# 200 % zoom of a window 1280 wide is a window of 640 CSS pixels.
NARROW = (360, 640, 768, 1024)
_FITS = """[document.documentElement, ...document.querySelectorAll(".card.flush")]
    .every((one) => one.scrollWidth <= one.clientWidth)"""


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.name)
def test_every_page_is_for_everybody(showing: Showing, stop: Stop) -> None:
    with showing.window(stop.reader(showing.room)) as window:
        page = window.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(_text(message)))
        page.on("pageerror", lambda error: said.append(str(error)))
        answer = page.goto(stop.path(showing.room))
        assert answer is not None
        assert answer.status == (404 if stop.name == "no such page" else 200)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page, options=RULES)
            assert found.violations_count == 0, f"{scheme}: {found.generate_report()}"
        for width in NARROW:
            page.set_viewport_size({"width": width, "height": 800})
            assert _fits(page), f"something is wider than {width} px"
        assert [one for one in said if one and answer.status == 200] == []


def _text(message: ConsoleMessage) -> str:
    return message.text if message.type == "error" else ""


def _fits(page: Page) -> bool:
    return bool(page.evaluate(_FITS))
