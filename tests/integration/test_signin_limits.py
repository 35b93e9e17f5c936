"""Limits of signing in hold for all web processes together, and a caller cannot write itself another address."""

from collections.abc import Iterator
from itertools import cycle

import pytest
import requests
from django.core.cache import cache

from tests.support import webdesk
from tests.support.cast import Cast


@pytest.fixture
def desks(cloned_db: str, cast: Cast) -> Iterator[list[str]]:
    """Two web processes in front of one database."""
    cache.clear()
    with webdesk.serving(cloned_db) as one, webdesk.serving(cloned_db) as other:
        yield [one, other]


def attempts(desks: list[str], count: int, path: str, **fields: str) -> list[str]:
    """What each of `count` attempts said, one at this process, the next at that, each pretending to be another."""
    said, visitor = [], requests.Session()
    for n, desk in zip(range(count), cycle(desks), strict=False):
        page = visitor.get(f"{desk}/accounts/login/", timeout=30).text
        token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
        answer = visitor.post(
            f"{desk}{path}",
            {"csrfmiddlewaretoken": token, **fields},
            headers={"X-Forwarded-For": f"203.0.113.{n}", "Referer": desk},
            timeout=30,
        )
        said.append(f"{answer.status_code} {'Too many' in answer.text}")
    return said


def test_wrong_passwords_at_two_processes_are_counted_together(desks: list[str]) -> None:
    said = attempts(desks, 11, "/accounts/login/", login="amir@example.com", password="wrong wrong wrong")
    assert said == ["200 False"] * 10 + ["200 True"]


def test_wrong_passkeys_at_two_processes_are_counted_together(desks: list[str]) -> None:
    said = attempts(desks, 11, "/accounts/2fa/webauthn/login/", credential="{}")
    assert [line.startswith("429") for line in said] == [False] * 10 + [True]
