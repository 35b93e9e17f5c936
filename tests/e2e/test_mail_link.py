"""The page behind an e-mail link in a browser: people decide with it, scanners do not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.lambdas.mail import Asked, Mail, mail_in

pytestmark = pytest.mark.e2e
FORGIVEN = ("favicon", "status of 4")  # what the page's own policy and honest status codes make Chromium say


@pytest.fixture
def mail(sandbox: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mail]:
    with mail_in("222233334499", sandbox, monkeypatch) as mail:
        yield mail


@pytest.fixture
def site(mail: Mail) -> Iterator[str]:
    """The function behind a local port, as API Gateway puts it."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            event = {
                "rawPath": self.path,
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "requestContext": {"http": {"method": self.command, "path": self.path}},
                "body": self.rfile.read(length).decode(),
                "isBase64Encoded": False,
            }
            answer = mail.send(event)
            body = answer.body.encode()
            self.send_response(answer.status)
            for name, value in {**answer.headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_OPTIONS = answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://localhost:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def opened(chromium: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """`opened(launch)`: the mail's link in a browser of that language; scripts are on."""
    contexts, complaints = [], []

    def open_link(launch: Asked, locale: str = "en-US", **options: Any) -> Page:
        context = chromium.new_context(locale=locale, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.goto(f"{site}/d/{launch.link}")
        return page

    yield open_link
    for context in contexts:
        context.close()
    assert [text for text in complaints if not any(known in text for known in FORGIVEN)] == []


def test_a_scanner_that_runs_scripts_and_submits_forms_changes_nothing(
    mail: Mail, opened: Callable[..., Page], chromium: Browser, site: str
) -> None:
    launch = mail.launch()
    request = chromium.new_context().request
    for _ in range(2):
        assert request.head(f"{site}/d/{launch.link}").status == 200
        assert request.get(f"{site}/d/{launch.link}").status == 200
    page = opened(launch)
    for verdict in ("approved", "rejected"):
        # Clicks what it finds, with and without the browser's own checks, and sends the form by script.
        page.locator(f'button[value="{verdict}"]').click()
        page.evaluate("document.forms[0].noValidate = true")
        page.locator(f'button[value="{verdict}"]').click()
        page.wait_for_load_state()
        page.locator("#name").fill("Scanner")
        page.locator("#reason").fill("Scanner")
        with page.expect_navigation():
            page.evaluate("document.forms[0].submit()")
        page.locator("#code").fill("TEST")
        page.locator("#name").fill("Scanner")
        page.locator("#code").press("Enter")
    assert "decision" not in mail.row(launch)
    assert mail.buckets.puts == []
    assert mail.heard() == []
    (link,) = [row for row in mail.rows() if row["id"]["S"].startswith("link#")]
    assert link["wrong"]["N"] == "0"


def test_a_person_approves_on_a_phone_and_the_next_one_reads_who_it_was(
    mail: Mail, opened: Callable[..., Page]
) -> None:
    launch = mail.launch()
    phone = opened(launch, viewport={"width": 360, "height": 740}, color_scheme="dark", java_script_enabled=False)
    phone.get_by_label("Code").fill(launch.code.lower())
    phone.get_by_label("Your name").fill("Amir")
    phone.get_by_role("button", name="Approve").click()
    expect(phone.get_by_role("heading", name="Approved", level=1)).to_be_visible()
    assert mail.buckets.puts[0].body["Status"] == "SUCCESS"
    second = opened(launch, "zh-CN")
    expect(second.get_by_role("heading", name="已批准", level=1)).to_be_visible()
    expect(second.get_by_text("Amir")).to_be_visible()


def test_a_rejection_asks_for_its_reason_and_keeps_what_was_typed(mail: Mail, opened: Callable[..., Page]) -> None:
    launch = mail.launch()
    page = opened(launch, "zh-CN")
    page.get_by_label("验证码").fill(launch.code)
    page.get_by_label("您的姓名").fill("王伟")
    page.get_by_role("button", name="拒绝").click()
    expect(page.get_by_text("请说明理由")).to_be_visible()
    expect(page.get_by_label("您的姓名")).to_have_value("王伟")
    expect(page.get_by_label("验证码")).to_have_value("")
    page.get_by_label("验证码").fill(launch.code)
    page.get_by_label("理由").fill("太大")
    page.get_by_role("button", name="拒绝").click()
    expect(page.get_by_role("heading", name="已拒绝", level=1)).to_be_visible()
    assert mail.buckets.puts[0].body["Reason"] == "Rejected by 王伟 by e-mail link: 太大"


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_no_page_is_wider_than_its_window(mail: Mail, opened: Callable[..., Page], width: int, locale: str) -> None:
    long = "x" * 300
    parameters = [{"name": "P" * 200, "value": long, "no_echo": False, "length": 300}]
    template = {"description": long, "resource_types": {f"AWS::{long}": 1}, "cut": False}
    page = opened(
        mail.launch(parameters=parameters, template=template), locale, viewport={"width": width, "height": 700}
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
