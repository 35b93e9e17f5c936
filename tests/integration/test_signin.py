"""How people get in, and how others do not."""

from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.sessions.models import Session
from django.core import mail, signing
from django.core.mail.backends.base import BaseEmailBackend
from django.core.signing import JSONSerializer
from django.test import Client

from portal.accounts.models import User
from portal.sessions import EncryptedSerializer
from tests.support.cast import Cast
from tests.support.signing_in import CONFIRM, LOGIN, PASSWORD, ask_for_code, code_of, signed_in, without_tokens

pytestmark = pytest.mark.usefixtures("fresh_limits")


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


def test_a_code_goes_to_the_address_that_is_known_and_to_none_that_looks_like_it(cast: Cast) -> None:
    User.objects.create_user("mark@example.com")
    for address in ("mar\u212a@example.com", "MARK@Example.com", "amir@example.com\u200b", "am\u0131r@example.com"):
        ask_for_code(Client(), address)
    known = [message.to for message in mail.outbox if "sign-in code" in message.subject]
    assert known == [["mark@example.com"]] * 2


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
    assert b"This address and this password do not go together." in answer.content


def test_asking_for_a_code_says_the_same_whether_or_not_the_address_is_known(visitor: Client) -> None:
    pages = []
    for address in ("rita@example.com", "nobody@example.com"):
        client = Client()
        pages.append(client.get(ask_for_code(client, address)["Location"]).content.decode().replace(address, "…"))
    assert without_tokens(pages[0]) == without_tokens(pages[1])
    assert "There is no account for" in mail.outbox[1].body


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
    assert "There is no account for" in mail.outbox[0].body


@pytest.mark.parametrize(
    "path", ["/accounts/signup/", "/accounts/email/", "/accounts/confirm-email/x/", "/accounts/3rdparty/"]
)
def test_nobody_signs_up_or_changes_the_address_they_are_known_by(cast: Cast, client_for: Any, path: str) -> None:
    for client in (Client(), client_for(cast.requester)):
        assert client.get(path).status_code == 404
        assert client.post(path, {"email": "amir@example.com"}).status_code == 404


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
