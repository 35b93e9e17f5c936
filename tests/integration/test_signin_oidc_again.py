"""“Is it still you?”, answered at the OpenID Connect provider somebody came through."""

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.mfa.models import Authenticator
from django.test import Client

from portal.accounts.models import User
from tests.support.cast import Cast
from tests.support.idp.server import IdentityProvider
from tests.support.idp.visiting import AGAIN, come_back, configure, sign_in, signed_in
from tests.support.proving import prove

CODE = "/accounts/reauthenticate/code/"
# A page that wants to know.
WANTS = "/people/invite/"


@pytest.fixture(autouse=True)
def _configured(fresh_limits: None, idp: IdentityProvider, settings: Any) -> None:
    idp.say()
    configure(settings, idp)


@pytest.fixture
def amir(cast: Cast, idp: IdentityProvider) -> Client:
    """An administrator who came through the provider."""
    User.objects.filter(pk=cast.approver.pk).update(is_administrator=True)
    client = Client()
    sign_in(idp, "amir", client)
    return client


def again(idp: IdentityProvider, client: Client, name: str = "amir", browser: requests.Session | None = None) -> Any:
    return client.get(come_back(idp, client, name, AGAIN, browser))


def test_the_page_leads_to_the_provider_which_is_told_to_ask(amir: Client) -> None:
    answer = amir.get(WANTS, follow=True)
    hops = [hop for hop, _ in answer.redirect_chain]
    assert hops[0].startswith(AGAIN)
    asked = parse_qs(urlsplit(hops[1]).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])


def test_signing_in_there_once_more_proves_it_and_leads_back(amir: Client, idp: IdentityProvider) -> None:
    idp.say(tells_when=True)
    before = amir.session["began"]
    answer = again(idp, amir)
    assert (answer.status_code, answer["Location"]) == (302, "/requests/")
    assert amir.get(WANTS).status_code == 200
    assert amir.session["began"] == before


def test_the_provider_asks_for_the_password_although_it_knows_the_browser(
    amir: Client, cast: Cast, idp: IdentityProvider
) -> None:
    browser = requests.Session()
    sign_in(idp, "amir", amir, browser)
    begun = amir.get(f"{AGAIN}?next={WANTS}")["Location"]
    assert "/accounts/reauthenticate/" in browser.get(begun, timeout=10).url
    idp.say(tells_when=True)
    answer = again(idp, amir, browser=browser)
    assert answer["Location"] == "/requests/"
    assert amir.get(WANTS).status_code == 200


def test_who_comes_back_without_having_been_asked_has_proved_nothing(amir: Client, idp: IdentityProvider) -> None:
    """Somebody takes `prompt` out of the address, or the provider does not care."""
    idp.say(token={"auth_time": int(time.time()) - 3600})
    answer = again(idp, amir)
    assert answer["Location"].startswith(CODE)
    assert amir.get(WANTS).status_code == 302


def test_a_provider_that_says_nothing_is_not_asked_twice_and_a_code_does(amir: Client, idp: IdentityProvider) -> None:
    answer = again(idp, amir)
    assert answer["Location"] == f"{CODE}?next=%2Frequests%2F"
    page = amir.get(answer["Location"])
    assert b"did not say that you signed in there just now" in page.content
    assert b"Sign in at Example SSO" not in page.content
    assert amir.get(WANTS)["Location"].startswith(CODE)


def test_a_moment_in_the_future_is_no_proof_for_ever(amir: Client, idp: IdentityProvider) -> None:
    idp.say(token={"auth_time": 4_000_000_000_000})
    again(idp, amir)
    assert amir.session["provider_proved_at"] <= time.time()


def test_somebody_else_s_password_proves_nothing(amir: Client, cast: Cast, idp: IdentityProvider) -> None:
    sign_in(idp, "rita")
    idp.say(tells_when=True)
    answer = again(idp, amir, "rita")
    assert answer.status_code == 403
    assert b"as somebody else than here" in answer.content
    assert amir.session["_auth_user_id"] == str(cast.approver.pk)
    assert amir.get(WANTS).status_code == 302


def test_an_answer_proves_nothing_after_signing_out(amir: Client, idp: IdentityProvider) -> None:
    idp.say(tells_when=True)
    answer = come_back(idp, amir, "amir", AGAIN)
    amir.post("/accounts/logout/")
    assert amir.get(answer).status_code == 403
    assert not signed_in(amir)


def test_a_code_by_mail_is_always_another_way(amir: Client) -> None:
    page = amir.get(CODE)
    assert page.status_code == 200
    assert b"Sign in at Example SSO once more" in page.content


def test_who_has_a_second_factor_is_asked_for_that(amir: Client, cast: Cast, idp: IdentityProvider) -> None:
    Authenticator.objects.create(user=cast.approver, type="totp", data={})
    assert "/accounts/2fa/reauthenticate/" in amir.get(WANTS, follow=True).redirect_chain[-1][0]
    idp.say(tells_when=True)
    again(idp, amir)
    assert amir.get(WANTS).status_code == 302


def test_who_did_not_come_through_a_provider_is_not_sent_to_one(cast: Cast, client_for: Any) -> None:
    assert client_for(cast.administrator).get(WANTS)["Location"].startswith(CODE)
    assert "/accounts/login/" in Client().get(AGAIN)["Location"]


def test_a_role_that_needs_a_second_factor_can_be_proved_to_set_one_up(
    amir: Client, idp: IdentityProvider, settings: Any
) -> None:
    settings.GATEHOUSE_MFA_REQUIRED = "administrators"
    idp.say(tells_when=True)
    again(idp, amir)
    assert amir.get("/accounts/2fa/totp/activate/").status_code == 200


def test_what_was_posted_before_is_done_afterwards(amir: Client, idp: IdentityProvider) -> None:
    page = "/accounts/2fa/totp/activate/"
    prove(amir).get(page)
    prove(amir, minutes_ago=30)
    asked = amir.post(page, {"code": "000000"}, follow=True).redirect_chain[-1][0]
    idp.say(tells_when=True)
    back = urlsplit(idp.go(asked, "amir"))
    assert b"Incorrect code" in amir.get(f"{back.path}?{back.query}").content
