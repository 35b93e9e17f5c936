"""Proving once more who one is, before what a borrowed session must not do."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.core.context import request_context
from django.core import mail
from django.test import Client, RequestFactory

from portal import clock
from portal.accounts import stepup
from portal.accounts.models import User
from tests.support.cast import Cast
from tests.support.proving import prove

pytestmark = pytest.mark.usefixtures("fresh_limits")

PASSWORD = "correct horse battery"
CODE = "/accounts/reauthenticate/code/"
NEXT = "?next=/requests/"


def request_of(client: Client, person: User) -> Any:
    request = RequestFactory().get("/")
    request.session, request.user = client.session, person
    return request


def fresh(client: Client, person: User) -> bool:
    return stepup.is_fresh(request_of(client, User.objects.get(pk=person.pk)))


def led(client: Client, person: User, to: str) -> str:
    """Where to prove it, in the best way there is."""
    request = request_of(client, person)
    with request_context(request):
        return str(stepup.prove_again(request, to)["Location"])


def code() -> str:
    found = re.search(r"^ {4}(\S+)$", str(mail.outbox[-1].body), re.MULTILINE)
    assert found
    return found[1]


def test_signing_in_counts_for_ten_minutes(cast: Cast) -> None:
    cast.approver.set_password(PASSWORD)
    cast.approver.save()
    client = Client()
    client.post("/accounts/login/", {"login": "amir@example.com", "password": PASSWORD})
    assert fresh(client, cast.approver)
    with time_machine.travel(clock.now() + timedelta(minutes=11)):
        assert not fresh(client, cast.approver)


def test_a_proof_of_somebody_else_does_not_count(cast: Cast, client_for: Any) -> None:
    client = prove(client_for(cast.approver))
    assert not fresh(client, cast.second_approver)


def test_without_a_password_a_code_by_mail_proves_it_and_leads_back(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.approver)
    assert led(client, cast.approver, "/requests/") == f"{CODE}?next=%2Frequests%2F"
    assert client.get(CODE + NEXT).status_code == 200
    assert mail.outbox == []
    assert client.post(CODE, {"send": "1", "next": "/requests/"})["Location"] == f"{CODE}?next=%2Frequests%2F"
    assert mail.outbox[0].to == ["amir@example.com"]
    assert not fresh(client, cast.approver)
    answer = client.post(CODE, {"code": code(), "next": "/requests/"})
    assert (answer.status_code, answer["Location"]) == (302, "/requests/")
    assert fresh(client, cast.approver)


def test_a_code_proves_it_once(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.approver)
    client.post(CODE, {"send": "1"})
    client.post(CODE, {"code": code()})
    prove(client, minutes_ago=20)
    client.post(CODE, {"code": code()})
    assert not fresh(client, cast.approver)


def test_a_code_of_an_hour_ago_proves_nothing(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.approver)
    client.post(CODE, {"send": "1"})
    with time_machine.travel(clock.now() + timedelta(minutes=6)):
        client.post(CODE, {"code": code()})
        assert not fresh(client, cast.approver)


def test_three_wrong_codes_end_it(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.approver)
    client.post(CODE, {"send": "1"})
    right = code()
    assert b"Incorrect code" in client.post(CODE, {"code": "AAAAAA"}).content
    for _ in range(2):
        answer = client.post(CODE, {"code": "AAAAAA"}, follow=True)
    assert b"Too many wrong codes" in answer.content
    client.post(CODE, {"code": right})
    assert not fresh(client, cast.approver)


def test_an_empty_code_is_no_code(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.approver)
    for typed in ("", " "):
        client.post(CODE, {"code": typed})
        assert not fresh(client, cast.approver)


def test_a_password_proves_it_and_a_wrong_one_does_not(cast: Cast, client_for: Any) -> None:
    cast.approver.set_password(PASSWORD)
    cast.approver.save()
    client = client_for(cast.approver)
    assert "/reauthenticate/?" in led(client, cast.approver, "/")
    client.post("/accounts/reauthenticate/", {"password": "wrong wrong wrong"})
    assert not fresh(client, cast.approver)
    answer = client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/requests/"})
    assert answer["Location"] == "/requests/"
    assert fresh(client, cast.approver)


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example"])
def test_proving_it_leads_nowhere_else(cast: Cast, client_for: Any, target: str) -> None:
    client = client_for(cast.approver)
    client.post(CODE, {"send": "1"})
    assert client.post(CODE, {"code": code(), "next": target})["Location"] == "/"


def test_codes_to_prove_it_count_with_those_of_the_sign_in_page(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.approver)
    for _ in range(7):
        answer = client.post(CODE, {"send": "1"}, follow=True)
    assert len(mail.outbox) == 5
    assert b"Too many codes were sent" in answer.content


def test_guessing_codes_ends_after_ten_tries_a_minute(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.approver)
    client.post(CODE, {"send": "1"})
    answers = [client.post(CODE, {"code": "AAAAAA"}).status_code for _ in range(11)]
    assert answers[-1] == 429


def test_nobody_proves_anything_before_signing_in(cast: Cast) -> None:
    answer = Client().get(CODE)
    assert answer["Location"].startswith("/accounts/login/")
