"""A whole desk with its own AWS, and browsers in front of it."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from xdist.scheduler import LoadFileScheduling

from sandbox.demo.environment import Ports
from sandbox.demo.installation import Installation
from sandbox.processes import free_port
from tests.support import databases, webdesk

if TYPE_CHECKING:
    from tests.e2e.showing import Showing

# How long a page has to show what is expected, on a machine that does other things as well.
expect.set_options(timeout=30_000)
CHROMIUM = "/usr/bin/chromium"
JOURNEYS = Path(__file__).parent / "journeys"
# What Chromium says when the desk refuses what a stale page asks for, as it should.
_FORGIVEN = "status of 409 (Conflict)"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Longest first: the journeys, which wait for stacks, then what has most tests."""
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path.parent != JOURNEYS, -tests[item.path], str(item.path)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return Together(config, log)


class Together(LoadFileScheduling):
    """The journeys share one whole desk, which takes long to start; each other file has a filled one of its own.
    xdist's own groups do nothing with pytest 9.2 (pytest-dev/pytest-xdist#1386)."""

    def _split_scope(self, nodeid: str) -> str:
        path = Path(super()._split_scope(nodeid))
        return str(path.parent if path.parent.name == JOURNEYS.name else path)


@dataclass(frozen=True)
class Stack:
    """Where the parts answer, and everybody's password at the desk."""

    desk: str
    sandbox: str
    passwords: dict[str, str]


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with tempfile.TemporaryDirectory(prefix="gatehouse-e2e-") as folder:
        ports = Ports(free_port(), free_port())
        installation = Installation(Path(folder), ports, print, fsync=False)
        try:
            with installation:
                # So that launches carry their product's name from the start; the worker does it within a minute.
                installation.supervisor.start("sync", ("manage.py", "sync_catalogue"), installation.environment)
                installation.supervisor.finish("sync")
                passwords = json.loads((Path(folder) / "secrets" / "cast.json").read_text())
                yield Stack(ports.desk_url, ports.sandbox_url, passwords)
        finally:
            installation.postgres.forget()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def showing(django_db_setup: None, django_db_blocker: object, chromium: Browser) -> Iterator[Showing]:
    """A filled desk behind a web process, without AWS; each test module has its own."""
    # pytest loads this file before Django is ready for models.
    from portal.clock import now
    from tests.e2e.showing import Showing
    from tests.support import published, showroom

    with databases.cloned(django_db_blocker) as name:
        room = showroom.fill(now())
        with webdesk.serving(
            name, GATEHOUSE_PUBLISHER_ROLE=published.ROLE, GATEHOUSE_TEMPLATE_BUCKET=published.BUCKET
        ) as url:
            yield Showing(url, room, chromium)


@pytest.fixture
def window(chromium: Browser) -> Iterator[Callable[[str], Page]]:
    """A window of its own for each person: `window("light")`. A complaint in its console fails the test."""
    complaints: list[str] = []
    contexts = []

    def open_window(scheme: str = "light") -> Page:
        context = chromium.new_context(
            locale="en-US",
            color_scheme="dark" if scheme == "dark" else "light",
            viewport={"width": 1280, "height": 900},
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert [one for one in complaints if _FORGIVEN not in one] == []
