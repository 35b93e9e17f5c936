"""Pages around the desk: errors that say what to do, health, language and time, second factors."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from structlog.testing import capture_logs

from approvals.views import request as request_view
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch

ROOT = Path(__file__).resolve().parents[2]
SignIn = Callable[[User], Client]


@pytest.mark.parametrize(
    "path",
    [
        "/nothing/",
        "/requests/00000000-0000-0000-0000-000000000000/",
        "/requests/not-a-uuid/",
        "/f/" + "0" * 64 + "/",
        "/f/short/",
        "/operations/alarms/99999999999999999999/acknowledge/",
        "/accounts/",
        "/admin/",
        "/%00/",
        "/\u202e/",
    ],
)
def test_what_does_not_exist_says_what_to_do(cast: Cast, client_for: SignIn, path: str) -> None:
    answer = client_for(cast.administrator).get(path)
    assert answer.status_code in (404, 405)
    if answer.status_code == 404:
        assert b"There is no such page" in answer.content


def test_a_foreign_host_name_is_refused_with_a_page(db: None) -> None:
    answer = Client(headers={"Host": "evil.example"}).get("/accounts/login/")
    assert answer.status_code == 400
    assert b"This request could not be read" in answer.content
    assert b"evil.example" not in answer.content


def test_a_body_too_large_is_refused_with_a_page(cast: Cast, client_for: SignIn) -> None:
    launch = open_launch(now())
    answer = client_for(cast.approver).post(f"{launch.get_absolute_url()}comment/", {"text": "a" * 300_000})
    assert answer.status_code in (400, 413, 422)
    assert not launch.messages.exists()


def test_a_failure_of_ours_is_a_page_that_needs_nothing(
    cast: Cast, client_for: SignIn, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("https://secret.example/?X-Amz-Signature=canary")

    launch = open_launch(now())
    client = client_for(cast.approver)
    client.raise_request_exception = False
    monkeypatch.setattr(request_view, "visible", broken)
    answer = client.get(launch.get_absolute_url())
    assert answer.status_code == 500
    assert b"Something went wrong" in answer.content
    assert b"canary" not in answer.content
    assert b"RuntimeError" not in answer.content


def test_health_needs_no_database(django_assert_num_queries: Any, db: None) -> None:
    with django_assert_num_queries(0):
        assert Client().get("/healthz").content == b"ok\n"


def test_readiness_is_the_databases(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Client().get("/readyz").status_code == 200

    def away(*_: object) -> None:
        raise OperationalError("connection refused at 10.0.0.1")

    with monkeypatch.context() as patched:
        patched.setattr(connection, "cursor", away)
        answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert b"10.0.0.1" not in answer.content


def test_a_refused_verb_is_written_down_with_who_what_and_why(cast: Cast, client_for: SignIn) -> None:
    launch = open_launch(now())
    with capture_logs() as lines:
        client_for(cast.requester).post(f"{launch.get_absolute_url()}approve/", {"text": "Please!"})
        client_for(cast.approver).post(f"{launch.get_absolute_url()}reject/")
        client_for(cast.administrator).post("/operations/signals/7/retry/")
    assert [line for line in lines if line["event"] == "verb refused"] == [
        {
            "event": "verb refused",
            "log_level": "info",
            "person": who.pk,
            "subject": subject,
            "verb": verb,
            "why": why,
        }
        for who, subject, verb, why in (
            (cast.requester, launch.number, "approve", "own_request"),
            (cast.approver, launch.number, "reject", "text_missing"),
            (cast.administrator, "signals/7", "retry", "not_found"),
        )
    ]


class TestLanguageAndTime:
    def test_the_browser_chooses_until_the_person_does(self, cast: Cast, client_for: SignIn) -> None:
        client = client_for(cast.requester)
        chinese = {"Accept-Language": "zh-CN"}
        assert b'lang="zh-hans"' in client.get("/requests/", headers=chinese).content
        answer = client.post("/language/", {"language": "en", "next": "/requests/"}, headers=chinese)
        assert answer["Location"] == "/requests/"
        assert b'lang="en"' in client.get("/requests/", headers=chinese).content
        cast.requester.refresh_from_db()
        assert cast.requester.language == "en"

    @pytest.mark.parametrize("chosen", ["de", "fr@euro", "de@aaaaaaaaaaaaaaaaaaaa", "x" * 2000, "\x00"])
    def test_a_language_that_is_none_of_ours_changes_nothing(self, cast: Cast, client_for: SignIn, chosen: str) -> None:
        assert client_for(cast.requester).post("/language/", {"language": chosen}).status_code == 302
        cast.requester.refresh_from_db()
        assert cast.requester.language == ""

    def test_a_stranger_may_switch_the_language_of_the_sign_in_page(self, db: None) -> None:
        client = Client()
        client.post("/language/", {"language": "zh-hans", "next": "/accounts/login/"})
        assert "登录" in client.get("/accounts/login/").content.decode()

    @pytest.mark.parametrize("language", ["xx", "", "../../etc", "en-\x00"])
    def test_an_unknown_language_changes_nothing(self, cast: Cast, client_for: SignIn, language: str) -> None:
        assert client_for(cast.requester).post("/language/", {"language": language}).status_code == 302
        cast.requester.refresh_from_db()
        assert cast.requester.language == ""

    def test_the_switch_leads_nowhere_else(self, db: None) -> None:
        answer = Client().post("/language/", {"language": "en", "next": "https://evil.example/"})
        assert answer["Location"] == "/"

    def test_times_are_shown_in_the_persons_zone_and_told_to_machines_in_utc(
        self, cast: Cast, client_for: SignIn
    ) -> None:
        launch = open_launch(now())
        client = client_for(cast.requester)
        client.post("/preferences/", {"language": "en", "time_zone": "Asia/Shanghai"})
        page = client.get(launch.get_absolute_url()).content.decode()
        assert " UTC+8</time>" in page
        assert f'datetime="{launch.opened_at:%Y-%m-%dT%H:%M:%SZ}"' in page

    def test_a_zone_that_does_not_exist_is_refused(self, cast: Cast, client_for: SignIn) -> None:
        answer = client_for(cast.requester).post("/preferences/", {"language": "", "time_zone": "Mars/Olympus"})
        assert answer.status_code == 422

    def test_a_stored_zone_this_machine_does_not_know_is_utc(self, cast: Cast, client_for: SignIn) -> None:
        User.objects.filter(pk=cast.requester.pk).update(time_zone="../../etc/passwd")
        assert client_for(cast.requester).get("/preferences/").status_code == 200

    def test_nobody_renames_themselves(self, cast: Cast, client_for: SignIn) -> None:
        client_for(cast.requester).post(
            "/preferences/", {"language": "", "time_zone": "", "name": "Amir", "email": "amir2@example.com"}
        )
        cast.requester.refresh_from_db()
        assert (cast.requester.name, cast.requester.email) == ("Rita", "rita@example.com")


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/login/",
        "/accounts/login/code/",
        "/accounts/password/reset/",
        "/accounts/password/reset/done/",
        "/accounts/inactive/",
    ],
)
def test_pages_for_strangers_wear_our_clothes(db: None, path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 200
    assert b"desk/desk.css" in answer.content
    assert b"<style" not in answer.content
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/accounts/password/set/", "/accounts/logout/", "/accounts/sessions/"])
def test_pages_about_signing_in_wear_our_clothes(cast: Cast, client_for: SignIn, path: str) -> None:
    answer = client_for(cast.requester).get(path)
    assert answer.status_code == 200
    assert b"desk/desk.css" in answer.content


_SECOND_FACTORS = """
import django, re
django.setup()
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.test.utils import setup_test_environment
from django.core import mail
from allauth.mfa.models import Authenticator
from portal.accounts.models import User
setup_test_environment()
person = User.objects.create_user("mia@example.com", name="Mia")
client = Client()
assert b"passkey" in client.get("/accounts/login/").content
client.post("/accounts/login/", {"login": "mia@example.com", "code": "1"})
code = re.search(r"^ {4}(\\S+)$", mail.outbox[0].body, re.M)[1]
client.post("/accounts/login/code/confirm/", {"code": code})
for page in ("", "totp/activate/", "webauthn/add/", "webauthn/"):
    answer = client.get(f"/accounts/2fa/{page}", follow=True)
    assert answer.status_code == 200, page
    assert b"desk/desk.css" in answer.content, page
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
secret = generate_totp_secret()
TOTP.activate(person, secret)
assert secret not in str(Authenticator.objects.get().data)
again = Client()
again.post("/accounts/login/", {"login": "mia@example.com", "code": "1"})
code = re.search(r"^ {4}(\\S+)$", mail.outbox[1].body, re.M)[1]
answer = again.post("/accounts/login/code/confirm/", {"code": code}, follow=True)
assert b"your authenticator app" in answer.content
assert again.get("/requests/").status_code == 302
"""


def test_passkeys_and_authenticator_apps_can_be_switched_on(cloned_db: str) -> None:
    """In a process of its own: the choice is part of the settings."""
    base = os.environ["DATABASE_URL"].rpartition("/")[0]
    environment = os.environ | {
        "GATEHOUSE_MFA": "totp,webauthn,recovery_codes",
        "DATABASE_URL": f"{base}/{cloned_db}",
        "DATABASE_OWNER_URL": "",
    }
    done = subprocess.run(
        [sys.executable, "-c", _SECOND_FACTORS], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
