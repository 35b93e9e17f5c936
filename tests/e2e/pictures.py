"""Pictures of the main pages for README and docs/pictures, from a desk on an ordinary Monday: `make pictures`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.support import databases, run

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
CHROMIUM = "/usr/bin/chromium"


@dataclass(frozen=True, slots=True)
class Picture:
    """`options` are those of a browser window; a height of 0 takes the whole page."""

    name: str
    who: str
    path: Callable[[Any], str]
    scheme: str = "light"
    width: int = 1280
    height: int = 860
    language: str = "en"


PICTURES = (
    Picture("desk", "approver", lambda room: "/desk/"),
    Picture("desk-dark", "approver", lambda room: "/desk/", "dark"),
    Picture("desk-chinese", "approver", lambda room: "/desk/", language="zh-hans"),
    Picture("desk-phone", "approver", lambda room: "/desk/", "dark", 390, 844),
    Picture("request", "approver", lambda room: room.waiting.get_absolute_url(), height=1100),
    Picture("request-dark", "approver", lambda room: room.waiting.get_absolute_url(), "dark", height=1100),
    Picture("request-phone", "approver", lambda room: room.waiting.get_absolute_url(), width=390, height=844),
    Picture("requester", "requester", lambda room: "/requests/", height=900),
    Picture("catalogue", "administrator", lambda room: "/catalogue/"),
)


def main() -> None:
    folder = run.begin()
    try:
        import django

        django.setup()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            _take(browser)
            browser.close()
    finally:
        run.end(folder)


def _take(browser: Browser) -> None:
    from portal.clock import now
    from tests.e2e.showing import Showing
    from tests.support import showroom, webdesk

    FOLDER.mkdir(exist_ok=True)
    with databases.cloned(databases.Unblocked()) as name:
        room = showroom.fill(now())
        with webdesk.serving(name, DJANGO_DEBUG="0") as url:
            showing = Showing(url, room, browser)
            for one in PICTURES:
                _shoot(showing, one)


def _shoot(showing: Any, one: Picture) -> None:
    person = getattr(showing.room.cast, one.who)
    type(person).objects.filter(pk=person.pk).update(language=one.language)
    size = {"width": one.width, "height": one.height}
    phone = one.width < 500
    device = {"device_scale_factor": 2 if phone else 1.5, "has_touch": phone, "is_mobile": phone}
    with showing.window(person, one.scheme, viewport=size, **device) as window:
        page = window.new_page()
        page.goto(one.path(showing.room), wait_until="networkidle")
        page.screenshot(path=FOLDER / f"{one.name}.png")
    print(f"docs/pictures/{one.name}.png")


if __name__ == "__main__":
    main()
