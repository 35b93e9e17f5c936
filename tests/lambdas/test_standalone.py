"""The post's own scope: no desk, one template, a mail with a link and a code, over HTTP as a person would."""

from __future__ import annotations

import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from lambdas.deploy import deploy
from tests.lambdas.account import Account
from tests.lambdas.conftest import ROOT

Fetched = tuple[int, str]
Launched = Callable[[str], tuple[str, str, str]]


def fetch(url: str, form: dict[str, str] | None = None, method: str | None = None) -> Fetched:
    data = urlencode(form).encode() if form else None
    request = urllib.request.Request(url, data, method=method)  # noqa: S310 - the sandbox's
    try:
        with urllib.request.urlopen(request, timeout=40) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


@pytest.fixture(scope="module")
def administrator() -> str:
    return f"admin-{os.environ.get('PYTEST_XDIST_WORKER', 'gw0')}@standalone.example.com"


@pytest.fixture(scope="module")
def standalone(sandbox: str, administrator: str) -> Account:
    """A hub without a desk, whose administrator has confirmed the subscription."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    account = Account(f"2222333355{worker:02}", sandbox, {}, [])
    wanted = {"DevelopmentOrigin": sandbox, "EmailDecisions": "yes", "AdminEmail": administrator}
    account.hub = deploy(account.client, "hub", wanted, pause=0.2)
    for asked in mails_of(sandbox, administrator):  # launches, and alarms
        fetch(asked["confirm_url"])
    return account


def mails_of(sandbox: str, address: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(fetch(f"{sandbox}/mailbox/messages.json?to={address}")[1])
    return found


@pytest.fixture
def launched(standalone: Account, sandbox: str, administrator: str) -> Launched:
    """`launched(name)`: (stack id, link, code), as the mail has them."""

    def launch(name: str) -> tuple[str, str, str]:
        stack_id = standalone.launch(name, (ROOT / "lambdas" / "samples" / "data-sandbox.yaml").read_text("utf-8"))
        until = time.monotonic() + 20
        while True:
            for mail in mails_of(sandbox, administrator):
                if f"Stack: SC-{standalone.number}-pp-{name}\n" in mail["text"]:
                    found = re.search(r"Approve or reject: (\S+)\n\nCode: (\S+)\n", mail["text"])
                    assert found, mail["text"]
                    assert "desk" not in mail["text"].partition("\n--\n")[0]
                    return stack_id, found[1], found[2]
            assert time.monotonic() < until, standalone.reasons(stack_id)
            time.sleep(0.2)

    return launch


def test_one_post_with_the_code_lets_the_stack_go_on(standalone: Account, launched: Launched) -> None:
    stack_id, link, code = launched("approved")
    for _ in range(2):
        assert fetch(link, method="HEAD") == (200, "")
        status, page = fetch(link)
        assert (status, "waits for your decision" in page, code in page) == (200, True, False)
    form = {"code": code, "name": "Amir", "verdict": "approved"}
    assert fetch(link, form | {"code": "0000-0000"})[0] == 403
    status, page = fetch(link, form)
    assert (status, "the stack goes on" in page) == (200, True)
    stack = standalone.ended(stack_id)
    assert stack["StackStatus"] == "CREATE_COMPLETE", standalone.reasons(stack_id)
    (receipt,) = [o["OutputValue"] for o in stack["Outputs"] if o["OutputKey"] == "ApprovalReceipt"]
    assert receipt.count(".") == 2
    status, page = fetch(link, form | {"verdict": "rejected", "reason": "late"})
    assert (status, "Amir" in page) == (409, True)


def test_a_rejection_rolls_back_with_its_reason(standalone: Account, launched: Launched) -> None:
    stack_id, link, code = launched("rejected")
    form = {"code": code, "name": "Amir", "verdict": "rejected", "reason": "too large"}
    assert fetch(link, form)[0] == 200
    assert standalone.ended(stack_id)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Rejected by Amir by e-mail link: too large" in standalone.reasons(stack_id)
