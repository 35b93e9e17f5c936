"""What every page owes everybody: no finding of axe in light and dark, and nothing sideways or cut off from a phone to
200 % zoom and a tablet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Error, Page

from tests.e2e.showing import Scheme

RULES = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
# 200 % zoom of a window 1280 wide is a window of 640 CSS pixels.
NARROW = (360, 640, 768, 1024)
_FITS = """[document.documentElement, ...document.querySelectorAll(".card.flush")]
    .every((one) => one.scrollWidth <= one.clientWidth)"""


def check(page: Page) -> None:
    """Of the page that is open, in a window with `reduced_motion`: half-way from light to dark, colours are neither."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page, options=RULES)
        assert found.violations_count == 0, f"{scheme}: {found.generate_report()}"
    for width in NARROW:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(_FITS), f"something is wider than {width} px"
    page.set_viewport_size({"width": 1280, "height": 900})


@contextmanager
def complaints_of(page: Page) -> Iterator[list[str]]:
    """What the browser's console says meanwhile."""
    said: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            said.append(message.text)

    def failed(error: Error) -> None:
        said.append(str(error))

    page.on("console", heard)
    page.on("pageerror", failed)
    yield said
    page.remove_listener("console", heard)
    page.remove_listener("pageerror", failed)
