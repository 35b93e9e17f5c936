"""Guessing and flooding, from one place or from everywhere: docs/decisions/0008."""

from typing import Any

import pytest
from django.core import mail, signing
from django.core.cache import cache
from django.db import connection
from django.test import Client

from tests.support.signing_in import (
    CONFIRM,
    LOGIN,
    PASSWORD,
    TOO_MANY,
    ask_for_code,
    code_of,
    signed_in,
    without_tokens,
)

pytestmark = pytest.mark.usefixtures("fresh_limits")


def test_guessing_passwords_is_slowed_down_whatever_address_the_caller_claims_to_have(visitor: Client) -> None:
    for n in range(11):
        answer = visitor.post(
            LOGIN,
            {"login": "rita@example.com", "password": f"guess number {n}"},
            headers={"X-Forwarded-For": f"10.0.0.{n}"},
        )
    assert TOO_MANY in answer.content
    answer = visitor.post(LOGIN, {"login": "rita@example.com", "password": PASSWORD})
    assert not signed_in(visitor)


def test_who_guesses_at_one_door_locks_nobody_out_of_the_other(visitor: Client) -> None:
    for n in range(11):
        visitor.post(LOGIN, {"login": "rita@example.com", "password": f"guess number {n}"})
    owner = Client(REMOTE_ADDR="192.0.2.7")
    ask_for_code(owner)
    owner.post(CONFIRM, {"code": code_of(mail.outbox[-1])})
    assert signed_in(owner)


def test_codes_cannot_be_used_to_flood_a_mailbox(visitor: Client) -> None:
    for _ in range(6):
        answer = ask_for_code(Client())
    assert len(mail.outbox) == 5
    assert TOO_MANY in answer.content
    for n in range(40):
        ask_for_code(Client(REMOTE_ADDR=f"203.0.113.{n}"))
    assert len(mail.outbox) == 30


@pytest.fixture
def low(settings: Any) -> None:
    """The same limits in small, so that a storm is over soon."""
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {
        "login_failed": "14/h/key",
        "login_failed_here": "8/h/key",
        "code": "7/h/key",
    }


def storm(count: int, address: str = "rita@example.com") -> Any:
    """Wrong passwords for one account, each from another address of the network."""
    for n in range(count):
        guess = {"login": address, "password": f"guess number {n}"}
        answer = Client(REMOTE_ADDR=f"203.0.{n // 250}.{n % 250}").post(LOGIN, guess)
    return answer


def test_a_storm_of_wrong_passwords_from_elsewhere_keeps_nobody_out(visitor: Client) -> None:
    storm(30)
    visitor.post(LOGIN, {"login": "rita@example.com", "password": PASSWORD})
    assert signed_in(visitor)


def test_no_storm_keeps_a_person_out_of_the_browser_they_have_used_before(visitor: Client, low: None) -> None:
    visitor.post(LOGIN, {"login": "rita@example.com", "password": PASSWORD})
    visitor.post("/accounts/logout/")
    assert TOO_MANY in storm(15).content
    for n in range(8):
        ask_for_code(Client(REMOTE_ADDR=f"203.0.113.{n}"))
    stranger = Client(REMOTE_ADDR="198.51.100.1")
    assert TOO_MANY in stranger.post(LOGIN, {"login": "rita@example.com", "password": PASSWORD}).content
    assert TOO_MANY in ask_for_code(stranger).content
    visitor.post(LOGIN, {"login": "rita@example.com", "password": PASSWORD})
    assert signed_in(visitor)
    visitor.post("/accounts/logout/")
    ask_for_code(visitor)
    visitor.post(CONFIRM, {"code": code_of(mail.outbox[-1])})
    assert signed_in(visitor)


def test_while_passwords_are_guessed_a_code_opens_a_new_browser(visitor: Client, low: None) -> None:
    assert TOO_MANY in storm(15).content
    ask_for_code(visitor)
    visitor.post(CONFIRM, {"code": code_of(mail.outbox[-1])})
    assert signed_in(visitor)


def test_one_address_of_the_network_cannot_use_up_the_attempts_of_an_account(
    visitor: Client, low: None, at: Any
) -> None:
    for n in range(12):
        at.shift(7)
        guess = {"login": "rita@example.com", "password": f"guess number {n}"}
        Client(REMOTE_ADDR="198.51.100.7").post(LOGIN, guess)
    storm(5)
    visitor.post(LOGIN, {"login": "rita@example.com", "password": PASSWORD})
    assert signed_in(visitor)


def test_a_known_browser_has_few_attempts_and_only_for_its_own_person(visitor: Client, low: None) -> None:
    visitor.post(LOGIN, {"login": "rita@example.com", "password": PASSWORD})
    visitor.post("/accounts/logout/")
    for n in range(11):
        answer = visitor.post(LOGIN, {"login": "rita@example.com", "password": f"guess number {n}"})
    assert TOO_MANY in answer.content
    storm(15, "amir@example.com")
    assert TOO_MANY in visitor.post(LOGIN, {"login": "amir@example.com", "password": "x" * 12}).content


@pytest.mark.parametrize("forged", ["", "x", "WyJyaXRhIiwgImEiXQ:1vAAAA:c2lnbmF0dXJl"])
def test_a_browser_is_known_by_a_signed_cookie_that_names_nobody_and_opens_nothing(
    visitor: Client, low: None, forged: str
) -> None:
    visitor.post(LOGIN, {"login": "rita@example.com", "password": PASSWORD})
    cookie = visitor.cookies["gatehouse-device"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert b"rita" not in signing.b64_decode(cookie.value.split(":")[0].encode())
    alone = Client()
    alone.cookies["gatehouse-device"] = cookie.value
    assert not signed_in(alone)
    storm(15)
    alone.cookies["gatehouse-device"] = forged
    assert TOO_MANY in alone.post(LOGIN, {"login": "rita@example.com", "password": PASSWORD}).content


def test_a_storm_says_the_same_whether_or_not_the_address_is_known(visitor: Client, low: None) -> None:
    pages = [storm(15, address).content.decode() for address in ("rita@example.com", "nobody@example.com")]
    assert without_tokens(pages[0]).replace("rita", "nobody") == without_tokens(pages[1])


def test_the_limits_remember_more_than_a_few_hundred_attempts(db: None) -> None:
    cache.set("0-the-first", [1.0], 300)
    for n in range(310):
        cache.set(f"attempt-{n}", [1.0], 300)
    assert cache.get("0-the-first") == [1.0]


@pytest.mark.parametrize("form", [{"password": "wrong wrong wrong"}, {"code": "1"}])
def test_a_flood_from_one_address_leaves_no_row_for_each_address_it_types(
    db: None, settings: Any, form: dict[str, str]
) -> None:
    limits = {"login_failed_ip": "4/m/ip", "code_ip": "4/m/ip"}
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | limits
    for n in range(8):
        answer = Client().post(LOGIN, {"login": f"person{n}@example.com", **form})
    assert TOO_MANY in answer.content
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM gatehouse_cache WHERE cache_key LIKE '%/3600/key%'")
        assert cursor.fetchone()[0] == 2 * 4


@pytest.mark.parametrize(
    ("proxies", "forwarded", "reached"),
    [
        (0, "203.0.113.{n}", 10),  # no proxy of ours: the caller wrote it
        (1, "203.0.113.{n}", 12),  # twelve callers behind one proxy
        (1, "203.0.113.{n}, 198.51.100.1", 10),  # one caller who pretends to be twelve
        (2, "203.0.113.{n}, 10.0.0.2", 12),
    ],
)
def test_behind_a_proxy_limits_count_the_caller_and_believe_only_what_our_proxies_wrote(
    visitor: Client, settings: Any, proxies: int, forwarded: str, reached: int
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    pages = []
    for n in range(12):
        caller = Client(REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": forwarded.format(n=n)})
        pages.append(caller.post(LOGIN, {"login": f"person{n}@example.com", "password": "wrong wrong"}).content)
    assert sum(TOO_MANY not in page for page in pages) == reached
