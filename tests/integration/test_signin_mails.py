"""Whoever's way to sign in was changed reads it in a mail, and no mail stands in the way of the change."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import allauth
import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.test import Client
from structlog.testing import capture_logs

from portal.accounts import changes
from portal.accounts.models import User
from tests.support.cast import Cast
from tests.support.proving import prove
from tests.support.signing_in import digits

pytestmark = pytest.mark.usefixtures("fresh_limits")

PASSWORD, OTHER = "correct horse battery", "another horse battery"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"


class Broken(BaseEmailBackend):
    def send_messages(self, _messages: Any) -> int:
        raise TimeoutError("SES does not answer")


@pytest.fixture
def amir(cast: Cast) -> Client:
    """Signed in, and he has just proved that it is him."""
    cast.approver.set_password(PASSWORD)
    cast.approver.save()
    client = Client(headers={"User-Agent": FIREFOX}, REMOTE_ADDR="203.0.113.9")
    client.force_login(cast.approver)
    prove(client, "mfa")
    return client


def switch_app_on(amir: Client, _person: User) -> Any:
    secret = amir.get("/accounts/2fa/totp/activate/").context["form"].secret
    return amir.post("/accounts/2fa/totp/activate/", {"code": digits(secret)})


def switch_app_off(amir: Client, person: User) -> Any:
    TOTP.activate(person, generate_totp_secret())
    return amir.post("/accounts/2fa/totp/deactivate/")


def remove_passkey(amir: Client, person: User) -> Any:
    key = Authenticator.objects.create(user=person, type="webauthn", data={"name": "Phone"})
    return amir.post(f"/accounts/2fa/webauthn/keys/{key.pk}/remove/")


def make_codes(amir: Client, person: User) -> Any:
    TOTP.activate(person, generate_totp_secret())
    return amir.post("/accounts/2fa/recovery-codes/generate/")


def use_code(_amir: Client, person: User) -> Any:
    TOTP.activate(person, generate_totp_secret())
    code = RecoveryCodes.activate(person).get_unused_codes()[0]
    client = Client(headers={"User-Agent": FIREFOX}, REMOTE_ADDR="203.0.113.9")
    client.post("/accounts/login/", {"login": person.email, "password": PASSWORD})
    return client.post("/accounts/2fa/authenticate/", {"code": code})


def change_password(amir: Client, _person: User) -> Any:
    fields = {"oldpassword": PASSWORD, "password1": OTHER, "password2": OTHER}
    return amir.post("/accounts/password/change/", fields)


def set_password(amir: Client, person: User) -> Any:
    person.set_unusable_password()
    person.save()
    amir.force_login(person)
    return prove(amir, "mfa").post("/accounts/password/set/", {"password1": OTHER, "password2": OTHER})


def disconnect(amir: Client, person: User) -> Any:
    account = SocialAccount.objects.create(user=person, provider="oidc", uid="1")
    return amir.post(f"/accounts/connected/{account.pk}/remove/")


CHANGES: list[tuple[Callable[[Client, User], Any], str]] = [
    (switch_app_on, "An authenticator app was switched on."),
    (switch_app_off, "The authenticator app was removed."),
    (remove_passkey, "A passkey was removed."),
    (make_codes, "New recovery codes were made. The earlier ones no longer work."),
    (use_code, "A recovery code was used. Unused ones: 9."),
    (change_password, "The password was changed."),
    (set_password, "A password was set."),
    (disconnect, "Signing in through Example SSO no longer opens the account."),
]


@pytest.fixture(autouse=True)
def _provider(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No transaction of these tests is ever over; what waits for that is done at once."""
    monkeypatch.setattr("django.db.transaction.on_commit", lambda run, **_: run())
    settings.GATEHOUSE_OIDC = [{"provider_id": "oidc", "name": "Example SSO", "settings": {"second_factor": False}}]


@pytest.mark.parametrize(("change", "said"), CHANGES, ids=[change.__name__ for change, _ in CHANGES])
def test_the_person_reads_what_changed_from_where_and_what_to_do(
    amir: Client,
    cast: Cast,
    change: Callable[[Client, User], Any],
    said: str,
) -> None:
    assert change(amir, cast.approver).status_code == 302
    (told,) = mail.outbox
    assert (told.to, told.subject) == (["amir@example.com"], f"Gatehouse: {said}")
    assert isinstance(told, EmailMultiAlternatives)
    html = str(told.alternatives[0][0])
    for text in (str(told.body), html):
        for fact in (said, "Firefox on Windows", "203.0.113.9", " UTC", "If it was not, somebody else can use your"):
            assert fact in text
    assert re.findall(r"https?://\S+", str(told.body)) == ["http://localhost:8000"]
    assert "href" not in html


@pytest.mark.parametrize("change", [change for change, _ in CHANGES], ids=lambda change: change.__name__)
def test_a_mail_server_that_is_down_undoes_nothing(
    amir: Client,
    cast: Cast,
    settings: Any,
    change: Callable[[Client, User], Any],
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Broken"
    with capture_logs() as lines:
        answer = change(amir, cast.approver)
    assert answer.status_code == 302
    assert "/accounts/login/" not in answer["Location"]
    assert [line["error"] for line in lines if line["event"] == "sign-in mail not sent"] == ["TimeoutError"]


def test_a_password_that_was_reset_is_told(cast: Cast) -> None:
    client = Client()
    client.post("/accounts/password/reset/", {"email": "amir@example.com"})
    link = re.search(r"/accounts/password/reset/key/\S+", str(mail.outbox[0].body))
    assert link
    page = client.get(link[0], follow=True).redirect_chain[-1][0]
    client.post(page, {"password1": OTHER, "password2": OTHER})
    assert mail.outbox[1].subject == "Gatehouse: The password was set anew with a link from a mail."


def test_it_is_in_the_language_and_zone_of_its_reader(amir: Client, cast: Cast) -> None:
    User.objects.filter(pk=cast.approver.pk).update(language="zh-hans", time_zone="Asia/Shanghai")
    use_code(amir, User.objects.get(pk=cast.approver.pk))
    body = str(mail.outbox[0].body)
    assert re.search(r"^浏览器：", body, re.MULTILINE)
    assert "UTC+8" in body


def test_a_browser_that_writes_what_it_likes_writes_one_line(amir: Client, cast: Cast) -> None:
    amir.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": OTHER, "password2": OTHER},
        headers={"User-Agent": "<b>call 555</b>\u202e" + "x" * 500},
    )
    told = mail.outbox[0]
    assert isinstance(told, EmailMultiAlternatives)
    assert "x" * 100 not in str(told.body)
    assert "\u202e" not in str(told.body)
    assert "<b>call" not in str(told.alternatives[0][0])


def test_every_change_that_allauth_tells_has_words_of_ours() -> None:
    folder = Path(str(allauth.__file__)).parent / "templates"
    found = {
        str(path.relative_to(folder)).removesuffix("_message.txt")
        for path in folder.rglob("*/email/*_message.txt")
        if "base_notification.txt" in path.read_text()
    }
    addresses = {f"account/email/email_{what}" for what in ("changed", "confirm", "deleted")}
    assert found - addresses <= set(changes.SENTENCES)
