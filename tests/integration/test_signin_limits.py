"""Limits of signing in hold for all web processes together, and a caller cannot write itself another address."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle
from typing import Any

import pytest
import requests
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache

from tests.support import databases, webdesk
from tests.support.cast import Cast
from tests.support.signing_in import digits

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


@pytest.fixture(scope="module")
def database(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    with databases.cloned(django_db_blocker) as name:
        yield name


@pytest.fixture(scope="module")
def people(database: str) -> Cast:
    return Cast.make()


@pytest.fixture
def cast(people: Cast) -> Cast:
    """The same people in every test, with no way to sign in left from the one before."""
    Authenticator.objects.all().delete()
    return people


@pytest.fixture(scope="module")
def web(database: str, people: Cast, sandbox: str, request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Two web processes in front of one database."""
    environment: dict[str, Any] = getattr(request, "param", {})
    with ExitStack() as stack, ThreadPoolExecutor(2) as starting:
        both = [webdesk.serving(database, **environment) for _ in range(2)]
        yield list(starting.map(stack.enter_context, both))


@pytest.fixture
def desks(web: list[str]) -> list[str]:
    """The addresses of both; nobody has tried to sign in yet."""
    cache.clear()
    return web


def post(visitor: requests.Session, desk: str, path: str, caller: str, page: str = LOGIN, **fields: str) -> Any:
    token = visitor.get(f"{desk}{page}", timeout=30).text.partition('name="csrfmiddlewaretoken" value="')[2]
    told = {"csrfmiddlewaretoken": token.partition('"')[0], **fields}
    answer = visitor.post(f"{desk}{path}", told, headers={"X-Forwarded-For": caller, "Referer": desk}, timeout=30)
    # What failed for another reason was not counted.
    assert answer.status_code in (200, 429), f"{answer.status_code}: {answer.text[:2000]}"
    return answer


def attempts(desks: list[str], count: int, path: str, caller: str = "203.0.113.{n}", **fields: str) -> list[bool]:
    """Which of `count` attempts were too many, one at this process, the next at that, each pretending to be another."""
    visitor = requests.Session()
    answers = [
        post(visitor, desk, path, caller.format(n=n), **fields)
        for n, desk in zip(range(count), cycle(desks), strict=False)
    ]
    too_many = [answer.status_code == 429 or "Too many" in answer.text for answer in answers]
    if not any(too_many):
        print(*[(answer.status_code, answer.url, answer.text.partition("<main")[2]) for answer in answers], sep="\n\n")
    return too_many


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
    return visitor, digits(secret), code


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


@pytest.mark.parametrize("web", [BEHIND], indirect=True)
def test_behind_a_proxy_wrong_digits_count_against_who_the_proxy_says_it_is(desks: list[str], cast: Cast) -> None:
    visitor, _digits, code = at_the_door(desks, cast)
    assert guess(visitor, desks, 11, "203.0.113.{n}, 198.51.100.1") == [False] * 10 + [True]
    assert not opens(visitor, desks[1], "203.0.113.50, 198.51.100.1", code)
    assert opens(visitor, desks[1], "198.51.100.1, 198.51.100.2", code)


@pytest.mark.parametrize("web", [BEHIND | SAML], indirect=True)
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
