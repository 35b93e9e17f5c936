"""Second factors: app and recovery codes at the door, and roles that need one."""

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client

from tests.support.cast import Cast
from tests.support.proving import prove
from tests.support.signing_in import digits

pytestmark = pytest.mark.usefixtures("fresh_limits")

PASSWORD = "correct horse battery"
DOOR = "/accounts/2fa/authenticate/"


@pytest.fixture
def secret(cast: Cast) -> str:
    """Amir has a password and an app."""
    cast.approver.set_password(PASSWORD)
    cast.approver.save()
    made = str(generate_totp_secret())
    TOTP.activate(cast.approver, made)
    return made


def at_the_door(**extra: Any) -> Client:
    client = Client(**extra)
    answer = client.post("/accounts/login/", {"login": "amir@example.com", "password": PASSWORD})
    assert answer["Location"].startswith(DOOR)
    return client


def signed_in(client: Client) -> bool:
    return client.get("/preferences/").status_code == 200


def test_a_password_alone_does_not_open_the_door(secret: str) -> None:
    client = at_the_door()
    assert client.get(DOOR).status_code == 200
    assert not signed_in(client)


def test_the_digits_of_the_app_open_it_once(secret: str) -> None:
    code = digits(secret)
    client, other = at_the_door(), at_the_door()
    client.post(DOOR, {"code": code})
    assert signed_in(client)
    other.post(DOOR, {"code": code})
    assert not signed_in(other)


def test_a_code_by_mail_does_not_replace_the_second_factor(secret: str) -> None:
    from django.core import mail

    client = Client()
    client.post("/accounts/login/", {"login": "amir@example.com", "code": "1"})
    found = re.search(r"^ {4}(\S+)$", str(mail.outbox[0].body), re.MULTILINE)
    assert found
    client.post("/accounts/login/code/confirm/", {"code": found[1]})
    assert not signed_in(client)
    assert client.get(DOOR).status_code == 200


def test_guessing_digits_ends_after_ten(secret: str) -> None:
    client = at_the_door()
    for n in range(11):
        answer = client.post(DOOR, {"code": f"{n:06d}"}, headers={"X-Forwarded-For": f"10.0.0.{n}"})
    assert b"Too many attempts. Wait a while, then try again." in answer.content
    client.post(DOOR, {"code": digits(secret)})
    assert not signed_in(client)


def test_who_has_a_second_factor_proves_themselves_again_by_it(cast: Cast, secret: str, client_for: Any) -> None:
    client = client_for(cast.approver)
    for weaker in ("/accounts/reauthenticate/", "/accounts/reauthenticate/code/"):
        assert client.get(weaker)["Location"].startswith("/accounts/2fa/reauthenticate/")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert client.get("/accounts/2fa/totp/deactivate/").status_code == 302
    client.post("/accounts/2fa/reauthenticate/", {"code": digits(secret)})
    assert client.get("/accounts/2fa/totp/deactivate/").status_code == 200


def test_the_first_app_brings_recovery_codes_each_of_which_opens_once(cast: Cast, client_for: Any) -> None:
    client = prove(client_for(cast.approver))
    page = client.get("/accounts/2fa/totp/activate/")
    made = page.context["form"].secret
    answer = client.post("/accounts/2fa/totp/activate/", {"code": digits(made)})
    # Adding it counts as using it once the transaction is over (tests/e2e/test_passkeys.py); here it never is.
    answer = prove(client, "mfa").get(answer["Location"])
    codes = re.findall(r"<li>(\w+)</li>", answer.content.decode())
    assert len(codes) == 10
    cast.approver.set_password(PASSWORD)
    cast.approver.save()
    for opens in (True, False):
        client = at_the_door()
        client.post(DOOR, {"code": codes[0]})
        assert signed_in(client) is opens


def test_secrets_lie_encrypted_in_the_database(secret: str) -> None:
    assert secret not in str(Authenticator.objects.get().data)


@pytest.mark.parametrize("page", ["totp/activate/", "webauthn/add/", "recovery-codes/"])
def test_nobody_adds_a_factor_to_a_borrowed_session(cast: Cast, client_for: Any, page: str) -> None:
    client = client_for(cast.approver)
    assert client.get(f"/accounts/2fa/{page}").status_code in (302, 404)
    prove(client)
    assert client.get(f"/accounts/2fa/{page}").status_code in (200, 404)


# Roles that need one.


@pytest.mark.parametrize(
    ("needed", "led"),
    [("none", set()), ("administrators", {"administrator"}), ("deciders", {"administrator", "approver"})],
)
def test_whose_role_needs_a_second_factor_sets_one_up_first(
    cast: Cast, client_for: Any, settings: Any, needed: str, led: set[str]
) -> None:
    settings.GATEHOUSE_MFA_REQUIRED = needed
    for part in ("administrator", "approver", "requester", "auditor"):
        client = client_for(getattr(cast, part))
        answer = client.get("/requests/")
        assert (answer.status_code == 302) is (part in led), part
        if part in led:
            assert answer["Location"] == "/accounts/2fa/"
            assert b"Your role needs a second factor" in client.get("/accounts/2fa/").content
            assert client.post("/people/invite/", {}).status_code == 302
            live = client.get("/desk/live/", headers={"HX-Request": "true"})
            assert live["HX-Redirect"] == "/accounts/2fa/"
            assert prove(client).get("/accounts/2fa/totp/activate/").status_code == 200
            assert client.post("/accounts/logout/").status_code == 302


def test_with_a_second_factor_everything_is_open_and_recovery_codes_are_none(
    cast: Cast, client_for: Any, settings: Any
) -> None:
    settings.GATEHOUSE_MFA_REQUIRED = "deciders"
    client = client_for(cast.approver)
    Authenticator.objects.create(user=cast.approver, type="recovery_codes", data={})
    assert client.get("/requests/").status_code == 302
    Authenticator.objects.create(user=cast.approver, type="totp", data={})
    assert client.get("/requests/").status_code == 200


def test_a_provider_that_asks_for_one_itself_counts(cast: Cast, client_for: Any, settings: Any) -> None:
    settings.GATEHOUSE_MFA_REQUIRED = "administrators"
    settings.GATEHOUSE_OIDC = [{"provider_id": "oidc", "name": "SSO", "settings": {"second_factor": True}}]
    client = client_for(cast.administrator)
    assert client.get("/requests/").status_code == 302
    session = client.session
    session["provider"] = "oidc"
    session.save()
    assert client.get("/requests/").status_code == 200


def test_people_see_where_they_are_signed_in_and_end_other_sessions(cast: Cast, settings: Any) -> None:
    cast.approver.set_password(PASSWORD)
    cast.approver.save()
    here, there = Client(HTTP_USER_AGENT="Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"), Client()
    for client in (here, there):
        client.post("/accounts/login/", {"login": "amir@example.com", "password": PASSWORD})
    page = here.get("/accounts/sessions/").content.decode()
    assert "Firefox on Windows" in page
    assert "this one" in page
    here.post("/accounts/sessions/")
    assert signed_in(here)
    assert not signed_in(there)
