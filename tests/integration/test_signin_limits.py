"""Limits of signing in hold for all web processes together, and a caller cannot write itself another address."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle
from typing import Any

import pytest
import requests
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret, hotp_value, yield_hotp_counters_from_time
from django.core.cache import cache

from tests.support import webdesk
from tests.support.cast import Cast

LOGIN, CODE, DOOR = "/accounts/login/", "/accounts/login/code/confirm/", "/accounts/2fa/authenticate/"
CALLBACK, ACS = "/accounts/oidc/oidc/login/callback/", "/accounts/saml/saml/acs/"
PASSWORD = "correct horse battery"
# Behind one proxy: what the caller wrote, then what the proxy did.
BEHIND = {"GATEHOUSE_BEHIND_PROXY": "1"}
SAML = {
    "GATEHOUSE_SAML_ENTITY_ID": "https://idp.example",
    "GATEHOUSE_SAML_SSO_URL": "https://idp.example/sso",
    "GATEHOUSE_SAML_CERTIFICATE": "MII",
}


@pytest.fixture
def desks(cloned_db: str, cast: Cast, sandbox: str, request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Two web processes in front of one database."""
    cache.clear()
    with ExitStack() as stack:
        yield [stack.enter_context(webdesk.serving(cloned_db, **getattr(request, "param", {}))) for _ in range(2)]


def post(visitor: requests.Session, desk: str, path: str, caller: str, page: str = LOGIN, **fields: str) -> Any:
    token = visitor.get(f"{desk}{page}", timeout=30).text.partition('name="csrfmiddlewaretoken" value="')[2]
    told = {"csrfmiddlewaretoken": token.partition('"')[0], **fields}
    return visitor.post(f"{desk}{path}", told, headers={"X-Forwarded-For": caller, "Referer": desk}, timeout=30)


def attempts(desks: list[str], count: int, path: str, caller: str = "203.0.113.{n}", **fields: str) -> list[bool]:
    """Which of `count` attempts were too many, one at this process, the next at that, each pretending to be another."""
    visitor = requests.Session()
    answers = [
        post(visitor, desk, path, caller.format(n=n), **fields)
        for n, desk in zip(range(count), cycle(desks), strict=False)
    ]
    return [answer.status_code == 429 or "Too many" in answer.text for answer in answers]


def at_the_door(desks: list[str], cast: Cast) -> tuple[requests.Session, str, str]:
    """Amir with his password, in front of the second factor; with the digits of his app and a recovery code."""
    cast.approver.set_password(PASSWORD)
    cast.approver.save()
    secret = generate_totp_secret()
    TOTP.activate(cast.approver, secret)
    code = RecoveryCodes.activate(cast.approver).get_unused_codes()[0]
    visitor = requests.Session()
    answer = post(visitor, desks[0], LOGIN, "203.0.113.200", login="amir@example.com", password=PASSWORD)
    assert answer.url.endswith(DOOR)
    return visitor, f"{hotp_value(secret, next(yield_hotp_counters_from_time())):06d}", code


def guess(visitor: requests.Session, desks: list[str], count: int, caller: str) -> list[bool]:
    """Which of the wrong digits were not even looked at."""
    answers = [
        post(visitor, desk, DOOR, caller.format(n=n), page=DOOR, code=f"{n:06d}")
        for n, desk in zip(range(count), cycle(desks), strict=False)
    ]
    return ["Too many" in answer.text for answer in answers]


def opens(visitor: requests.Session, desk: str, caller: str, code: str) -> bool:
    post(visitor, desk, DOOR, caller, page=DOOR, code=code)
    return visitor.get(f"{desk}/preferences/", timeout=30, allow_redirects=False).status_code == 200


def test_wrong_passwords_at_two_processes_are_counted_together(desks: list[str]) -> None:
    said = attempts(desks, 11, LOGIN, login="amir@example.com", password="wrong wrong wrong")
    assert said == [False] * 10 + [True]


def test_codes_asked_for_at_two_processes_are_counted_together(desks: list[str]) -> None:
    assert attempts(desks, 6, LOGIN, login="amir@example.com", code="1") == [False] * 5 + [True]


def test_wrong_passkeys_at_two_processes_are_counted_together(desks: list[str]) -> None:
    said = attempts(desks, 11, "/accounts/2fa/webauthn/login/", credential="{}")
    assert said == [False] * 10 + [True]


def test_wrong_digits_and_recovery_codes_at_two_processes_are_counted_together(desks: list[str], cast: Cast) -> None:
    visitor, digits, code = at_the_door(desks, cast)
    assert guess(visitor, desks, 11, "203.0.113.{n}") == [False] * 10 + [True]
    assert not opens(visitor, desks[0], "203.0.113.50", digits)
    assert not opens(visitor, desks[1], "203.0.113.51", code)


def test_a_recovery_code_opens_one_of_two_processes(desks: list[str], cast: Cast) -> None:
    visitor, _digits, code = at_the_door(desks, cast)
    other = requests.Session()
    post(other, desks[1], LOGIN, "", login="amir@example.com", password=PASSWORD)
    assert opens(visitor, desks[0], "", code)
    assert not opens(other, desks[1], "", code)


@pytest.mark.parametrize("desks", [BEHIND], indirect=True)
def test_behind_a_proxy_wrong_digits_count_against_who_the_proxy_says_it_is(desks: list[str], cast: Cast) -> None:
    visitor, _digits, code = at_the_door(desks, cast)
    assert guess(visitor, desks, 11, "203.0.113.{n}, 198.51.100.1") == [False] * 10 + [True]
    assert not opens(visitor, desks[1], "203.0.113.50, 198.51.100.1", code)
    assert opens(visitor, desks[1], "198.51.100.1, 198.51.100.2", code)


@pytest.mark.parametrize("desks", [BEHIND | SAML], indirect=True)
def test_the_doors_of_providers_are_counted_together_at_two_processes_behind_a_proxy(desks: list[str]) -> None:
    def knock(n: int, caller: str) -> int:
        path, door = (desks[n % 2] + (CALLBACK, ACS)[n // 2 % 2], {"X-Forwarded-For": caller.format(n=n)})
        if path.endswith(ACS):
            answer = requests.post(path, {"SAMLResponse": "PHg+"}, headers=door, timeout=30, allow_redirects=False)
        else:
            answer = requests.get(path, headers=door, timeout=30)
        return answer.status_code

    said = [knock(n, "203.0.113.{n}, 198.51.100.1") for n in range(64)]
    assert 429 not in said[:60]
    assert said[60:] == [429] * 4
    assert knock(0, "198.51.100.1, 198.51.100.2") != 429
