"""GATEHOUSE_SIGN_IN=providers: whom a provider lets go is out, and strangers learn nothing."""

from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.accounts import bound
from portal.accounts.models import GroupRole, User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.idp.server import IdentityProvider
from tests.support.idp.visiting import configure, sign_in
from tests.support.proving import prove
from tests.support.signing_in import CONFIRM, LOGIN, PASSWORD, ask_for_code, code_of, signed_in, without_tokens

pytestmark = pytest.mark.usefixtures("fresh_limits")
RESET = "/accounts/password/reset/"


@pytest.fixture(autouse=True)
def _configured(settings: Any, idp: IdentityProvider) -> None:
    idp.say()
    configure(settings, idp)
    settings.GATEHOUSE_SIGN_IN = "providers"


@pytest.fixture
def rita(visitor: Client, cast: Cast) -> User:
    """She has a password, and came in through the provider before."""
    SocialAccount.objects.create(user=cast.requester, provider="oidc", uid="1")
    return cast.requester


def by_code(address: str) -> bool:
    client = Client()
    ask_for_code(client, address)
    client.post(CONFIRM, {"code": code_of(mail.outbox[-1])})
    return signed_in(client)


def by_password(address: str) -> bytes:
    return bytes(Client().post(LOGIN, {"login": address, "password": PASSWORD}).content)


def test_the_mail_that_would_bring_a_code_says_where_to_sign_in(rita: User) -> None:
    client = Client()
    ask_for_code(client, "Rita@Example.com")
    client.post(CONFIRM, {"action": "resend"})
    client.post(RESET, {"email": "rita@example.com"})
    assert {(message.subject, *message.to) for message in mail.outbox} == {
        ("Gatehouse: how to sign in", "rita@example.com")
    }
    assert "opens only through Example SSO" in mail.outbox[0].body
    assert len(mail.outbox) == 2


def test_the_right_password_is_as_wrong_as_any(rita: User) -> None:
    pages = [by_password(address).decode() for address in ("rita@example.com", "nobody@example.com")]
    assert "This address and this password do not go together." in pages[0]
    assert without_tokens(pages[0]).replace("rita", "nobody") == without_tokens(pages[1])


def test_asking_costs_the_same_whoever_has_the_address(rita: User, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counting(self: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return str(encode(self, password, salt))

    monkeypatch.setattr(MD5PasswordHasher, "encode", counting)
    spent = []
    for address in ("rita@example.com", "nobody@example.com"):
        before, sent = len(hashed), len(mail.outbox)
        with CaptureQueriesContext(connection) as asked:
            by_password(address)
            ask_for_code(Client(), address)
        people = [one for one in asked.captured_queries if "accounts_user" in one["sql"]]
        spent.append((len(hashed) - before, len(mail.outbox) - sent, len(people)))
    assert spent[0] == spent[1]


def test_a_code_page_says_the_same_whoever_has_the_address(rita: User) -> None:
    pages = []
    for address in ("rita@example.com", "nobody@example.com"):
        client = Client()
        pages.append(client.get(ask_for_code(client, address)["Location"]).content.decode().replace(address, "…"))
    assert without_tokens(pages[0]) == without_tokens(pages[1])


def test_a_code_sent_before_somebody_was_bound_opens_nothing(visitor: Client, cast: Cast) -> None:
    ask_for_code(visitor)
    SocialAccount.objects.create(user=cast.requester, provider="oidc", uid="1")
    answer = visitor.post(CONFIRM, {"code": code_of(mail.outbox[-1])}, follow=True)
    assert b"Your account opens only through Example SSO" in answer.content
    assert not signed_in(visitor)


def test_a_role_that_groups_gave_closes_the_other_ways_too(cast: Cast) -> None:
    GroupRole.objects.create(person=cast.auditor, provider="gone", role="auditor", since=now())
    ask_for_code(Client(), "otto@example.com")
    assert mail.outbox[0].subject == "Gatehouse: how to sign in"


def test_who_is_deactivated_is_told_nothing_of_providers(rita: User) -> None:
    User.objects.filter(pk=rita.pk).update(is_active=False)
    ask_for_code(Client())
    assert "There is no account for" in mail.outbox[0].body


def test_the_provider_lets_its_people_in(cast: Cast, idp: IdentityProvider) -> None:
    for _ in range(2):
        client = Client()
        sign_in(idp, "amir", client)
        assert signed_in(client)
    ask_for_code(Client(), "amir@example.com")
    assert mail.outbox[-1].subject == "Gatehouse: how to sign in"


def test_whom_no_provider_knows_gets_codes_and_so_does_an_administrator_made_on_the_shell(cast: Cast) -> None:
    call_command("add_person", "grace@example.com", "--administrator")
    assert by_code("grace@example.com")
    assert by_code("ravi@example.com")


def test_nobody_opens_the_other_ways_by_removing_the_identity(rita: User, client_for: Any) -> None:
    client = prove(client_for(rita))
    account = SocialAccount.objects.get()
    assert b"/remove/" not in client.get("/accounts/connected/").content
    assert client.post(f"/accounts/connected/{account.pk}/remove/").status_code == 404
    assert SocialAccount.objects.exists()


def test_the_sign_in_page_names_the_providers(visitor: Client, settings: Any) -> None:
    assert "come in through Example SSO before" in visitor.get(LOGIN).content.decode()
    settings.GATEHOUSE_SIGN_IN = "any"
    assert "that is the only way" not in visitor.get(LOGIN).content.decode()


def test_as_it_is_by_default_every_way_stays_open(rita: User, settings: Any) -> None:
    settings.GATEHOUSE_SIGN_IN = "any"
    assert by_code("rita@example.com")
    assert not bound.is_bound("rita@example.com")
