"""Every page: no finding of axe in light and dark, nothing sideways or cut off from a phone to 200 % zoom and a tablet,
no complaint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Error, Page

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


@pytest.fixture(scope="module")
def page_of(showing: Showing) -> Iterator[Callable[[Stop], Page]]:
    """One page per reader: a tab of its own for each stop would start a process each time."""
    with ExitStack() as windows:
        pages: dict[str, Page] = {}

        def page_of(stop: Stop) -> Page:
            if stop.who not in pages:
                # In the middle of a change from light to dark, colours are neither.
                window = windows.enter_context(showing.window(stop.reader(showing.room), reduced_motion="reduce"))
                pages[stop.who] = window.new_page()
            return pages[stop.who]

        yield page_of


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.name)
def test_every_page_is_for_everybody(showing: Showing, page_of: Callable[[Stop], Page], stop: Stop) -> None:
    page = page_of(stop)
    page.set_viewport_size({"width": 1280, "height": 900})
    with complaints_of(page) as said:
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


@contextmanager
def complaints_of(page: Page) -> Iterator[list[str]]:
    said: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        said.append(_text(message))

    def failed(error: Error) -> None:
        said.append(str(error))

    page.on("console", heard)
    page.on("pageerror", failed)
    yield said
    page.remove_listener("console", heard)
    page.remove_listener("pageerror", failed)


def _text(message: ConsoleMessage) -> str:
    return message.text if message.type == "error" else ""


def _fits(page: Page) -> bool:
    return bool(page.evaluate(_FITS))
