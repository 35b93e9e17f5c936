"""Every mail as administrators see it before people get it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client

from approvals.choices import NoticeCode
from approvals.models import LaunchRequest, Notice
from approvals.notifications.samples import MAILS
from approvals.views.previews import Preview, groups
from portal.accounts import changes
from portal.accounts.models import User
from tests.support.cast import Cast

ClientFor = Callable[[User], Client]


# Templates of sign-in mails that are parts of others.
PARTS = {"base", "not_you"}
FOLDER = Path(settings.BASE_DIR) / "portal" / "templates" / "account" / "email"


def previews() -> list[Preview]:
    return [one for _name, group in groups() for one in group]


def test_every_code_has_its_mails() -> None:
    assert set(MAILS) == set(NoticeCode)
    assert all(roles for roles, _event in MAILS.values())


def test_every_sign_in_mail_is_shown_in_a_group_of_its_own() -> None:
    group = {str(name): group for name, group in groups()}["Signing in"]
    shown = [one.parts for one in group]
    changed = {("account", "changed", mail.rpartition("/")[2]) for mail in changes.SENTENCES}
    assert changed <= set(shown)
    templates = {path.name.removesuffix("_message.txt").removesuffix(".txt") for path in FOLDER.glob("*.txt")}
    templates = {name for name in templates if not name.endswith("_subject")} - PARTS
    assert {parts[1] for parts in shown} == templates
    assert len(set(shown)) == len(shown)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_mail_is_shown_without_any_data(cast: Cast, client_for: ClientFor, language: str) -> None:
    client = client_for(cast.administrator)
    overview = client.get("/operations/mails/", {"language": language}).text
    for one in previews():
        assert f'href="{one.path}?language={language}"' in overview
        page = client.get(one.path, {"language": language})
        assert page.status_code == 200
        assert f'src="{one.html_path}?language={language}"' in page.text
        html = client.get(one.html_path, {"language": language})
        assert f'<html lang="{language}">' in html.text
        assert "{{" not in html.text + page.text
    assert not LaunchRequest.objects.exists()
    assert not Notice.objects.exists()
    assert not mail.outbox


def test_a_sign_in_mail_has_a_code_of_nobody_and_no_link_that_lets_in(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.administrator)
    page = client.get("/operations/mails/account/login_code/")
    assert "Gatehouse: your sign-in code" in page.text
    assert "SMPL-CDXY" in page.text
    html = client.get("/operations/mails/account/login_code/html/").text
    assert "SMPL-CDXY" in html
    assert "href" not in html
    assert client.get("/operations/mails/account/login_code/html/").text == html
    changed = client.get("/operations/mails/account/changed/recovery_code_used/").text
    assert "Firefox on Windows" in changed
    assert "203.0.113.9" in changed
    assert "127.0.0.1" not in changed


def test_the_page_says_who_reads_a_mail(cast: Cast, client_for: ClientFor) -> None:
    """What an administrator changed is told to the one whose rights they are, not to approvers."""
    client = client_for(cast.administrator)
    said = {
        path: client.get(f"/operations/mails/{path}/").text
        for path in (
            "rights/desk",
            "invited/desk",
            "opened/desk",
            "digest/administrator",
            "account/changed/totp_activated",
        )
    }
    for path, whom in (
        ("rights/desk", "The owner of the account"),
        ("invited/desk", "Whoever is invited"),
        ("opened/desk", "Approvers"),
        ("digest/administrator", "Administrators"),
        ("account/changed/totp_activated", "The owner of the account"),
    ):
        assert f"· {whom}</p>" in said[path]
    assert "Ada Moreau made Rita Okafor an auditor." in said["rights/desk"]


@pytest.mark.parametrize("mail", ["opened/desk", "account/login_code", "account/changed/totp_activated"])
def test_html_of_a_mail_may_do_nothing_but_look_so(cast: Cast, client_for: ClientFor, mail: str) -> None:
    client = client_for(cast.administrator)
    html = client.get(f"/operations/mails/{mail}/html/")
    assert html["Content-Security-Policy"] == (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    )
    assert html["X-Frame-Options"] == "SAMEORIGIN"
    page = client.get(f"/operations/mails/{mail}/")
    assert "frame-src 'self'" in page["Content-Security-Policy"]
    assert "unsafe-inline" not in page["Content-Security-Policy"]
    assert page["X-Frame-Options"] == "DENY"
    assert "<iframe" in page.text
    assert "sandbox" in page.text
    assert "frame-src" not in client.get("/operations/mails/")["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["", "opened/desk/", "opened/desk/html/", "account/login_code/html/"])
def test_previews_are_for_who_looks_after_the_desk(cast: Cast, client_for: ClientFor, path: str) -> None:
    seen = {
        person.name: client_for(person).get("/operations/mails/" + path).status_code
        for person in (cast.administrator, cast.auditor, cast.approver, cast.requester, cast.outsider)
    }
    assert seen == {"Ada": 200, "Otto": 200, "Amir": 404, "Rita": 404, "Olga": 404}
    assert Client().get("/operations/mails/" + path).status_code == 302
    assert client_for(cast.administrator).post("/operations/mails/" + path).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "nothing/desk/",
        "opened/requester/",
        "decided/requester/",
        "opened/desk/approved/",
        "account/changed/",
        "account/changed/nothing/",
        "account/base/",
    ],
)
def test_a_mail_that_is_never_sent_is_not_found(cast: Cast, client_for: ClientFor, path: str) -> None:
    assert client_for(cast.administrator).get("/operations/mails/" + path).status_code == 404


def test_number_of_queries_does_not_depend_on_the_number_of_mails(
    cast: Cast, client_for: ClientFor, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    client = client_for(cast.administrator)
    client.get("/operations/mails/")
    with django_assert_max_num_queries(8):  # type: ignore[attr-defined]
        client.get("/operations/mails/")
