"""Every mail as administrators see it before people get it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core import mail
from django.test import Client

from approvals.choices import NoticeCode
from approvals.models import LaunchRequest, Notice
from approvals.notifications.readers import Role
from approvals.notifications.samples import MAILS, kinds
from portal.accounts.models import User
from tests.support.cast import Cast

ClientFor = Callable[[User], Client]


def address(code: str, role: str, end: str, part: str = "") -> str:
    return "/operations/mails/" + "/".join(filter(None, (code, role, end, part))) + "/"


def test_every_code_has_its_mails() -> None:
    assert set(MAILS) == set(NoticeCode)
    assert all(roles for roles, _event in MAILS.values())


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_mail_is_shown_without_any_data(cast: Cast, client_for: ClientFor, language: str) -> None:
    client = client_for(cast.administrator)
    overview = client.get("/operations/mails/", {"language": language}).text
    for code, role, end in kinds():
        path = address(code, role.value, end)
        assert f'href="{path}?language={language}"' in overview
        page = client.get(path, {"language": language})
        assert page.status_code == 200
        assert f'src="{address(code, role.value, end, "html")}?language={language}"' in page.text
        html = client.get(address(code, role.value, end, "html"), {"language": language})
        assert f'<html lang="{language}">' in html.text
        assert "{{" not in html.text + page.text
    assert not LaunchRequest.objects.exists()
    assert not Notice.objects.exists()
    assert not mail.outbox


def test_html_of_a_mail_may_do_nothing_but_look_so(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.administrator)
    html = client.get("/operations/mails/opened/desk/html/")
    assert html["Content-Security-Policy"] == (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    )
    assert html["X-Frame-Options"] == "SAMEORIGIN"
    page = client.get("/operations/mails/opened/desk/")
    assert "frame-src 'self'" in page["Content-Security-Policy"]
    assert "unsafe-inline" not in page["Content-Security-Policy"]
    assert page["X-Frame-Options"] == "DENY"
    assert "<iframe" in page.text
    assert "sandbox" in page.text
    assert "frame-src" not in client.get("/operations/mails/")["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["", "opened/desk/", "opened/desk/html/"])
def test_previews_are_for_who_looks_after_the_desk(cast: Cast, client_for: ClientFor, path: str) -> None:
    seen = {
        person.name: client_for(person).get("/operations/mails/" + path).status_code
        for person in (cast.administrator, cast.auditor, cast.approver, cast.requester, cast.outsider)
    }
    assert seen == {"Ada": 200, "Otto": 200, "Amir": 404, "Rita": 404, "Olga": 404}
    assert Client().get("/operations/mails/" + path).status_code == 302
    assert client_for(cast.administrator).post("/operations/mails/" + path).status_code == 405


@pytest.mark.parametrize("path", ["nothing/desk/", "opened/requester/", "decided/requester/", "opened/desk/approved/"])
def test_a_mail_that_is_never_sent_is_not_found(cast: Cast, client_for: ClientFor, path: str) -> None:
    assert client_for(cast.administrator).get("/operations/mails/" + path).status_code == 404


def test_number_of_queries_does_not_depend_on_the_number_of_mails(
    cast: Cast, client_for: ClientFor, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    client = client_for(cast.administrator)
    client.get("/operations/mails/")
    with django_assert_max_num_queries(8):  # type: ignore[attr-defined]
        client.get("/operations/mails/")
    assert Role.DESK in {role for _code, role, _end in kinds()}
