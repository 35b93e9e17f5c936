"""What is written down about coming, failing and going."""

import json
import re
from typing import Any

import pytest
from django.test import Client
from structlog.testing import capture_logs

from portal.accounts import journal
from tests.support.cast import Cast
from tests.support.signing_in import CONFIRM, LOGIN, PASSWORD, ask_for_code

pytestmark = pytest.mark.usefixtures("fresh_limits")


def test_coming_failing_and_going_are_written_down(visitor: Client, cast: Cast) -> None:
    ip, account = "127.0.0.1", journal.digest("rita@example.com")
    failed = {"event": "sign-in failed", "log_level": "warning", "account": account, "ip": ip}
    with capture_logs() as lines:
        visitor.post(LOGIN, {"login": "Rita@example.com", "password": "secret guess"})
        visitor.post(LOGIN, {"login": "rita@example.com", "password": PASSWORD})
        visitor.post("/accounts/logout/")
        ask_for_code(visitor)
        visitor.post(CONFIRM, {"code": "AAAAAA"})
    person = {"log_level": "info", "person": cast.requester.pk, "ip": ip}
    assert lines == [
        failed | {"why": "wrong password"},
        person | {"event": "signed in", "account": account, "how": ["password"]},
        person | {"event": "signed out"},
        failed | {"why": "wrong code"},
    ]
    assert "rita" not in json.dumps(lines).lower()
    assert "secret" not in json.dumps(lines)


def test_attempts_that_were_too_many_are_written_down(visitor: Client) -> None:
    with capture_logs() as lines:
        for _ in range(11):
            visitor.post(LOGIN, {"login": "rita@example.com", "password": "guess guess"})
        for _ in range(6):
            ask_for_code(Client())
    assert [line["why"] for line in lines] == ["wrong password"] * 10 + ["too many attempts", "too many codes"]


@pytest.mark.parametrize("address", ["rita@example.com", "nobody@example.com"])
def test_an_address_in_the_log_is_a_digest_of_the_installations_own(settings: Any, address: str) -> None:
    before = journal.digest(address)
    assert re.fullmatch(r"[0-9a-f]{16}", before)
    assert journal.digest(f" {address.upper()} ") == before
    settings.SECRET_KEY = "another" * 8
    assert journal.digest(address) != before
