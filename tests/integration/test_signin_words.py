"""What pages about signing in say is in the desk's voice: no Titles Like These, in either language."""

from __future__ import annotations

import re

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.contrib.messages import get_messages
from django.test import Client

from tests.support.cast import Cast
from tests.support.proving import prove
from tests.support.signing_in import LOGIN

pytestmark = pytest.mark.usefixtures("fresh_limits")
PASSWORD, OTHER = "correct horse battery", "another horse battery"
CHANGE, SET = "/accounts/password/change/", "/accounts/password/set/"
RESET, CODE = "/accounts/password/reset/", "/accounts/login/code/"


@pytest.fixture
def amir(cast: Cast) -> Client:
    cast.approver.set_password(PASSWORD)
    cast.approver.save()
    client = Client()
    client.force_login(cast.approver)
    prove(client, "mfa")
    return client


def labels(page: str) -> list[str]:
    return re.findall(r"<label[^>]*>([^<]*)<", page)


def placeholders(page: str) -> set[str]:
    return set(re.findall(r'placeholder="([^"]*)"', page))


def test_fields_for_passwords_and_addresses_are_called_in_plain_words(cast: Cast, amir: Client) -> None:
    assert labels(amir.get(CHANGE).text) == ["Current password", "New password", "New password, once more"]
    key = f"{user_pk_to_url_str(cast.requester)}-{default_token_generator.make_token(cast.requester)}"
    chosen = Client().get(f"/accounts/password/reset/key/{key}/", follow=True).text
    assert labels(chosen) == ["New password", "New password, once more"]
    for path in (RESET, CODE):
        assert labels(Client().get(path).text) == ["E-mail address"]
    for page in (amir.get(CHANGE).text, chosen, Client().get(RESET).text, Client().get(CODE).text):
        assert placeholders(page) <= {""}
    cast.auditor.set_unusable_password()
    cast.auditor.save()
    otto = Client()
    otto.force_login(cast.auditor)
    assert labels(prove(otto, "mfa").get(SET).text) == ["New password", "New password, once more"]


def test_what_was_typed_wrong_is_said_in_a_sentence(amir: Client) -> None:
    wrong = {"oldpassword": "x" * 12, "password1": OTHER, "password2": OTHER}
    assert "This is not your current password." in amir.post(CHANGE, wrong).text
    typed = {"login": "amir@example.com", "password": "x" * 12}
    assert "This address and this password do not go together." in Client().post(LOGIN, typed).text
    chinese = Client(headers={"accept-language": "zh-hans"}).post(LOGIN, typed).text
    assert "地址和密码不匹配。" in chinese


def test_what_was_done_is_said_in_a_sentence(amir: Client) -> None:
    said = [str(one) for one in get_messages(amir.post(CHANGE, changed()).wsgi_request)]
    assert said == ["The password is changed."]
    assert [str(one) for one in get_messages(amir.post("/accounts/logout/").wsgi_request)][-1] == "You are signed out."


def changed() -> dict[str, str]:
    return {"oldpassword": PASSWORD, "password1": OTHER, "password2": OTHER}
