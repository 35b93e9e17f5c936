"""How people get in, and how others do not."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core import mail, signing
from django.core.cache import cache
from django.core.mail.backends.base import BaseEmailBackend
from django.core.signing import JSONSerializer
from django.test import Client
from structlog.testing import capture_logs

from portal.accounts import journal
from portal.clock import now
from portal.sessions import EncryptedSerializer
from tests.support.cast import Cast
from tests.support.launches import open_launch

LOGIN = "/accounts/login/"
CONFIRM = "/accounts/login/code/confirm/"
PASSWORD = "correct horse battery"
TOO_MANY = b"Too many failed login attempts"


@pytest.fixture(autouse=True)
def _fresh_limits(db: None, settings: Any) -> Iterator[None]:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def visitor(cast: Cast) -> Client:
    cast.requester.set_password(PASSWORD)
    cast.requester.save()
    return Client()


def ask_for_code(client: Client, address: str = "rita@example.com", **extra: Any) -> Any:
    return client.post(LOGIN, {"login": address, "code": "1", **extra})


def code_of(message: Any) -> str:
    found = re.search(r"^ {4}(\S+)$", message.body, re.MULTILINE)
    assert found
    return found[1]


def signed_in(client: Client) -> bool:
    return client.get("/preferences/").status_code == 200


def test_a_code_by_mail_lets_the_person_in_and_takes_them_where_they_wanted(visitor: Client) -> None:
    answer = ask_for_code(visitor, next="/requests/")
    assert answer.status_code == 302
    assert answer["Location"].startswith(CONFIRM)
    assert mail.outbox[0].to == ["rita@example.com"]
    assert mail.outbox[0].subject == "Gatehouse: your sign-in code"
    answer = visitor.post(answer["Location"], {"code": code_of(mail.outbox[0]), "next": "/requests/"})
    assert (answer.status_code, answer["Location"]) == (302, "/requests/")
    assert signed_in(visitor)


def test_a_code_works_once(visitor: Client) -> None:
    ask_for_code(visitor)
    code = code_of(mail.outbox[0])
    visitor.post(CONFIRM, {"code": code})
    visitor.post("/accounts/logout/")
    assert visitor.post(CONFIRM, {"code": code}).status_code == 302
    assert not signed_in(visitor)


def test_a_wrong_code_is_a_sentence_and_three_end_the_attempt(visitor: Client) -> None:
    ask_for_code(visitor)
    assert b"Incorrect code" in visitor.post(CONFIRM, {"code": "AAAAAA"}).content
    for _ in range(3):
        visitor.post(CONFIRM, {"code": "AAAAAA"})
    visitor.post(CONFIRM, {"code": code_of(mail.outbox[0])})
    assert not signed_in(visitor)


def test_a_password_lets_the_person_in(visitor: Client) -> None:
    answer = visitor.post(LOGIN, {"login": "Rita@Example.com", "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert signed_in(visitor)


@pytest.mark.parametrize("address", ["rita@example.com", "nobody@example.com"])
def test_a_wrong_password_says_the_same_whether_or_not_the_address_is_known(visitor: Client, address: str) -> None:
    answer = visitor.post(LOGIN, {"login": address, "password": "wrong wrong wrong"})
    assert answer.status_code == 200
    assert b"The email address and/or password you specified are not correct." in answer.content


def test_asking_for_a_code_says_the_same_whether_or_not_the_address_is_known(visitor: Client) -> None:
    pages = []
    for address in ("rita@example.com", "nobody@example.com"):
        client = Client()
        pages.append(client.get(ask_for_code(client, address)["Location"]).content.decode().replace(address, "…"))
    assert _without_tokens(pages[0]) == _without_tokens(pages[1])
    assert "no account with this address" in mail.outbox[1].body


def _without_tokens(page: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)


def test_the_button_for_a_code_needs_no_password_and_ignores_one(visitor: Client) -> None:
    answer = visitor.post(LOGIN, {"login": "rita@example.com", "password": "whatever", "code": "1"})
    assert answer["Location"].startswith(CONFIRM)


def test_without_the_button_a_password_is_needed(visitor: Client) -> None:
    assert b"This field is required." in visitor.post(LOGIN, {"login": "rita@example.com"}).content
    assert mail.outbox == []


class _Broken(BaseEmailBackend):
    def send_messages(self, _messages: Any) -> int:
        raise TimeoutError("SES does not answer")


@pytest.mark.parametrize("address", ["rita@example.com", "nobody@example.com"])
def test_a_mail_that_cannot_leave_is_a_sentence(visitor: Client, settings: Any, address: str) -> None:
    settings.EMAIL_BACKEND = f"{__name__}._Broken"
    answer = visitor.post(LOGIN, {"login": address, "code": "1"}, follow=True)
    assert answer.status_code == 200
    assert "The mail could not be sent. Please try again in a minute" in answer.content.decode()


def test_no_code_lies_in_the_database_in_clear(visitor: Client) -> None:
    ask_for_code(visitor)
    code = code_of(mail.outbox[0])
    row = Session.objects.get()
    salt = f"django.contrib.sessions.{type(visitor.session).__name__}"
    with pytest.raises(ValueError, match="Expecting value"):
        signing.loads(row.session_data, salt=salt, serializer=JSONSerializer)
    assert code in str(signing.loads(row.session_data, salt=salt, serializer=EncryptedSerializer))
    assert code not in signing.b64_decode(row.session_data.split(":")[0].lstrip(".").encode()).decode("latin-1")


def test_a_session_whose_key_is_gone_is_no_session(visitor: Client, settings: Any) -> None:
    visitor.post(LOGIN, {"login": "rita@example.com", "password": PASSWORD})
    settings.GATEHOUSE_ENCRYPTION_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
    assert not signed_in(visitor)


def test_the_session_key_changes_when_somebody_signs_in(visitor: Client) -> None:
    ask_for_code(visitor)
    before = visitor.cookies["gatehouse"].value
    visitor.post(CONFIRM, {"code": code_of(mail.outbox[0])})
    assert visitor.cookies["gatehouse"].value != before


def test_who_is_deactivated_is_out_at_once(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.approver)
    assert signed_in(client)
    cast.approver.is_active = False
    cast.approver.save()
    assert not signed_in(client)
    assert client.get("/desk/").status_code == 302


def test_who_is_deactivated_gets_no_code(cast: Cast) -> None:
    cast.requester.is_active = False
    cast.requester.save()
    ask_for_code(Client())
    assert "no account with this address" in mail.outbox[0].body


@pytest.mark.parametrize(
    "path", ["/accounts/signup/", "/accounts/email/", "/accounts/confirm-email/x/", "/accounts/3rdparty/"]
)
def test_nobody_signs_up_or_changes_the_address_they_are_known_by(cast: Cast, client_for: Any, path: str) -> None:
    for client in (Client(), client_for(cast.requester)):
        assert client.get(path).status_code == 404
        assert client.post(path, {"email": "amir@example.com"}).status_code == 404


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


# Storms from elsewhere: docs/decisions/0008.


@pytest.fixture
def low(settings: Any) -> None:
    """The same limits in small, so that a storm is over soon."""
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {
        "login_failed": "10/m/ip,14/h/key",
        "login_failed_here": "8/h/key",
        "code": "20/m/ip,7/h/key",
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
    assert _without_tokens(pages[0]).replace("rita", "nobody") == _without_tokens(pages[1])


def test_the_limits_remember_more_than_a_few_hundred_attempts(db: None) -> None:
    cache.set("0-the-first", [1.0], 300)
    for n in range(310):
        cache.set(f"attempt-{n}", [1.0], 300)
    assert cache.get("0-the-first") == [1.0]


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


# Sessions end.


@pytest.fixture
def at(cast: Cast) -> Iterator[Any]:
    with time_machine.travel(datetime(2026, 11, 22, 8, tzinfo=UTC), tick=False) as clock:
        yield clock


HOUR = timedelta(hours=1)


def test_a_session_ends_after_two_hours_without_a_sign_of_life(cast: Cast, client_for: Any, at: Any) -> None:
    client = client_for(cast.approver)
    at.shift(2 * HOUR - timedelta(seconds=1))
    assert signed_in(client)
    at.shift(2 * HOUR)
    assert not signed_in(client)
    assert not Session.objects.exists()


def test_a_page_that_keeps_itself_fresh_is_no_sign_of_life(cast: Cast, client_for: Any, at: Any) -> None:
    launch = open_launch(now())
    client = client_for(cast.approver)
    polls = ["/desk/live/", f"{launch.get_absolute_url()}live/"]
    for _ in range(11):
        at.shift(HOUR / 6 - timedelta(seconds=1))
        assert [client.get(poll, headers={"HX-Request": "true"}).status_code for poll in polls] == [200, 200]
    at.shift(HOUR / 6 + timedelta(seconds=11))
    answer = client.get(polls[0], headers={"HX-Request": "true"})
    assert answer["HX-Refresh"] == "true"
    assert not signed_in(client)


def test_a_session_ends_after_twelve_hours_however_busy(cast: Cast, client_for: Any, at: Any) -> None:
    client = client_for(cast.approver)
    for _ in range(11):
        at.shift(HOUR)
        assert signed_in(client)
    at.shift(HOUR)
    assert not signed_in(client)


def test_signs_of_life_are_written_once_a_minute_at_most(
    cast: Cast, client_for: Any, at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_for(cast.approver)
    written: list[float] = []
    save = SessionStore.save

    def counting(self: SessionStore, must_create: bool = False) -> None:
        written.append(now().timestamp())
        save(self, must_create)

    monkeypatch.setattr(SessionStore, "save", counting)
    began = now().timestamp()
    for _ in range(13):
        assert signed_in(client)
        at.shift(10)
    assert [at - began for at in written] == [60, 120]


def test_signing_in_again_begins_a_session_anew(visitor: Client, at: Any) -> None:
    for _ in range(2):
        visitor.post(LOGIN, {"login": "rita@example.com", "password": PASSWORD})
        assert signed_in(visitor)
        at.shift(3 * HOUR)
        assert not signed_in(visitor)


# What is written down.


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


def test_an_idle_session_that_ends_is_written_down(cast: Cast, client_for: Any, at: Any) -> None:
    client = client_for(cast.approver)
    at.shift(2 * HOUR)
    with capture_logs() as lines:
        assert not signed_in(client)
    ended = {"event": "session ended", "log_level": "info", "person": cast.approver.pk, "why": "idle"}
    assert lines == [ended]


@pytest.mark.parametrize("address", ["rita@example.com", "nobody@example.com"])
def test_an_address_in_the_log_is_a_digest_of_the_installations_own(settings: Any, address: str) -> None:
    before = journal.digest(address)
    assert re.fullmatch(r"[0-9a-f]{16}", before)
    assert journal.digest(f" {address.upper()} ") == before
    settings.SECRET_KEY = "another" * 8
    assert journal.digest(address) != before


def test_signing_out_needs_a_post(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.requester)
    assert client.get("/accounts/logout/").status_code == 200
    assert signed_in(client)
    client.post("/accounts/logout/")
    assert not signed_in(client)


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_else(visitor: Client, target: str) -> None:
    answer = visitor.post(LOGIN, {"login": "rita@example.com", "password": PASSWORD, "next": target})
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_an_unknown_address_costs_the_same_hash_as_a_known_one(
    visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the time an answer takes would tell who has an account."""
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counting(self: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return str(encode(self, password, salt))

    monkeypatch.setattr(MD5PasswordHasher, "encode", counting)
    visitor.post(LOGIN, {"login": "rita@example.com", "password": "known"})
    visitor.post(LOGIN, {"login": "nobody@example.com", "password": "unknown"})
    assert hashed == ["known", "unknown"]


def test_sessions_are_sealed_with_every_write() -> None:
    sealed = EncryptedSerializer().dumps({"code": "AB12CD"})
    assert b"AB12CD" not in sealed
    assert EncryptedSerializer().loads(sealed) == {"code": "AB12CD"}
