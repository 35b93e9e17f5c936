"""Signing in at an OpenID Connect provider, end to end: allauth.idp in a process of its own, over HTTP."""

import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from portal.accounts.models import User
from tests.support.cast import Cast
from tests.support.idp.server import IdentityProvider
from tests.support.idp.visiting import AGAIN, BEGIN, CALLBACK, come_back, configure, sign_in, signed_in


@pytest.fixture(autouse=True)
def _configured(fresh_limits: None, idp: IdentityProvider, settings: Any) -> None:
    idp.say()
    configure(settings, idp)


def test_a_person_with_that_verified_address_is_let_in_and_led_where_they_wanted(
    cast: Cast, idp: IdentityProvider
) -> None:
    client = Client()
    answer = sign_in(idp, "amir", client)
    assert (answer.status_code, answer["Location"]) == (302, "/requests/")
    assert client.session["_auth_user_id"] == str(cast.approver.pk)
    assert SocialAccount.objects.get().user == cast.approver


def test_nothing_but_the_address_is_kept_of_what_the_provider_said(cast: Cast, idp: IdentityProvider) -> None:
    sign_in(idp, "amir")
    assert SocialAccount.objects.get().extra_data == {"email": "amir@example.com"}


def test_the_same_identity_comes_back_after_its_address_changed(cast: Cast, idp: IdentityProvider) -> None:
    sign_in(idp, "amir")
    idp.say(claims={"email": "amir.new@example.com"})
    client = Client()
    sign_in(idp, "amir", client)
    assert client.session["_auth_user_id"] == str(cast.approver.pk)


def test_an_address_given_to_somebody_else_does_not_open_the_earlier_person_s_account(
    cast: Cast, idp: IdentityProvider
) -> None:
    sign_in(idp, "amir")
    idp.say(claims={"email": "amir@example.com"})
    client = Client()
    answer = sign_in(idp, "nadia", client)
    assert b"belongs to another identity" in answer.content
    assert not signed_in(client)


def test_an_unverified_address_opens_no_account(cast: Cast, idp: IdentityProvider) -> None:
    idp.say(claims={"email": "amir@example.com"})
    client = Client()
    answer = sign_in(idp, "mallory", client)
    assert answer.status_code == 403
    assert b"did not say that your e-mail address is verified" in answer.content
    assert not signed_in(client)
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("word", ["false", 1, "yes", None])
def test_only_true_means_verified(cast: Cast, idp: IdentityProvider, word: Any) -> None:
    idp.say(claims={"email_verified": word})
    assert sign_in(idp, "amir").status_code == 403


@pytest.mark.parametrize(
    "said",
    [
        {"token": {"email": "ada@example.com"}, "withheld": ["email_verified"]},
        {
            "token": {"email_verified": True},
            "withheld": ["email"],
            "userinfo": {"email": "ada@example.com", "email_verified": False},
        },
    ],
)
def test_what_one_document_says_is_verified_is_not_the_address_of_another(
    cast: Cast, idp: IdentityProvider, said: dict[str, Any]
) -> None:
    idp.say(**said)
    assert sign_in(idp, "amir").status_code == 403
    assert not SocialAccount.objects.exists()


def test_an_address_that_only_the_userinfo_has_is_verified_there(cast: Cast, idp: IdentityProvider) -> None:
    idp.say(withheld=["email", "email_verified"])
    sign_in(idp, "amir")
    assert SocialAccount.objects.get().user == cast.approver


def test_a_provider_that_is_trusted_for_addresses_need_not_say_that_they_are_verified(
    cast: Cast, idp: IdentityProvider, settings: Any
) -> None:
    configure(settings, idp, trusts_addresses=True)
    idp.say(claims={"email": "Amir@Example.com"})
    client = Client()
    sign_in(idp, "mallory", client)
    assert client.session["_auth_user_id"] == str(cast.approver.pk)


def test_a_deactivated_person_is_refused_with_a_sentence(cast: Cast, idp: IdentityProvider) -> None:
    User.objects.filter(pk=cast.approver.pk).update(is_active=False)
    client = Client()
    assert b"deactivated by an administrator" in sign_in(idp, "amir", client).content
    assert not signed_in(client)


def test_somebody_unknown_becomes_a_requester_without_any_right(cast: Cast, idp: IdentityProvider) -> None:
    sign_in(idp, "nadia")
    person = User.objects.get(email="nadia@example.com")
    assert (person.name, person.is_administrator, person.is_auditor) == ("Nadia", False, False)
    assert not person.memberships.exists()
    assert not person.has_usable_password()


@pytest.mark.parametrize(("who_may", "sentence"), [("none", b"no account here"), ("groups", b"None of your groups")])
def test_nobody_unknown_is_let_in_where_the_setting_says_so(
    cast: Cast, idp: IdentityProvider, settings: Any, who_may: str, sentence: bytes
) -> None:
    settings.GATEHOUSE_NEW_PEOPLE = who_may
    assert sentence in sign_in(idp, "nadia").content
    assert not User.objects.filter(email="nadia@example.com").exists()


def test_groups_count_only_from_a_provider_that_is_configured_for_them(
    cast: Cast, idp: IdentityProvider, settings: Any
) -> None:
    settings.GATEHOUSE_GROUPS = {"desk-admins": ["administrator", "team:Platform approvers"]}
    idp.say(claims={"groups": ["desk-admins"], "roles": ["administrator"]})
    sign_in(idp, "nadia")
    person = User.objects.get(email="nadia@example.com")
    assert not person.is_administrator
    configure(settings, idp, groups_claim="groups")
    sign_in(idp, "nadia")
    person.refresh_from_db()
    assert person.is_administrator
    assert person.memberships.get().team == cast.team
    idp.say(claims={"groups": []})
    sign_in(idp, "nadia")
    person.refresh_from_db()
    assert not person.is_administrator
    assert not person.memberships.exists()


def test_a_session_of_the_provider_is_no_fresh_proof_unless_it_says_so(cast: Cast, idp: IdentityProvider) -> None:
    ada = Client()
    idp.say(claims={"email": "ada@example.com"})
    sign_in(idp, "amir", ada)
    assert ada.get("/people/invite/")["Location"].startswith(AGAIN)
    idp.say(claims={"email": "ada@example.com"}, token={"auth_time": int(time.time())})
    sign_in(idp, "amir", ada)
    assert ada.get("/people/invite/").status_code == 200


# What must not work.


def test_the_code_is_exchanged_with_proof_that_it_is_ours(cast: Cast, idp: IdentityProvider) -> None:
    asked = parse_qs(urlsplit(Client().get(BEGIN)["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["nonce"][0]) >= 32
    assert asked["response_type"] == ["code"]
    assert set(asked["scope"][0].split()) == {"openid", "profile", "email"}


def test_nothing_of_the_request_decides_what_is_asked_of_the_provider(cast: Cast, idp: IdentityProvider) -> None:
    asked = Client().get(f"{BEGIN}?scope=admin&auth_params=prompt%3Dnone&process=connect")["Location"]
    assert "admin" not in asked
    assert "prompt" not in asked


def refused(answer: Any, client: Client) -> None:
    assert answer.status_code == 403
    assert b"could not be used" in answer.content
    assert not signed_in(client)


@pytest.mark.parametrize("state", ["", "0123456789abcdef"])
def test_a_wrong_state_is_refused(cast: Cast, idp: IdentityProvider, state: str) -> None:
    client = Client()
    code = parse_qs(urlsplit(come_back(idp, client, "amir")).query)["code"][0]
    refused(client.get(f"{CALLBACK}?{urlencode({'code': code, 'state': state})}"), client)


def test_an_answer_for_another_browser_is_refused(cast: Cast, idp: IdentityProvider) -> None:
    answer = come_back(idp, Client(), "amir")
    victim = Client()
    victim.get(BEGIN)
    refused(victim.get(answer), victim)


def test_an_answer_counts_once(cast: Cast, idp: IdentityProvider) -> None:
    client = Client()
    answer = come_back(idp, client, "amir")
    client.get(answer)
    client.post("/accounts/logout/")
    refused(client.get(answer), client)


def test_a_replayed_code_is_refused_by_the_provider_and_here(cast: Cast, idp: IdentityProvider) -> None:
    client = Client()
    used = parse_qs(urlsplit(come_back(idp, client, "amir")).query)["code"][0]
    fresh = parse_qs(urlsplit(come_back(idp, client, "amir")).query)
    client.get(f"{CALLBACK}?{urlencode({'code': fresh['code'][0], 'state': fresh['state'][0]})}")
    client.post("/accounts/logout/")
    begun = parse_qs(urlsplit(client.get(BEGIN)["Location"]).query)
    refused(client.get(f"{CALLBACK}?{urlencode({'code': fresh['code'][0], 'state': begun['state'][0]})}"), client)
    # Meant for an earlier attempt: neither its verifier nor its nonce fits.
    begun = parse_qs(urlsplit(client.get(BEGIN)["Location"]).query)
    refused(client.get(f"{CALLBACK}?{urlencode({'code': used, 'state': begun['state'][0]})}"), client)


@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": ["gatehouse", "another-client"]},
        {"iss": "http://127.0.0.1:1"},
        {"exp": 1_700_000_000},
        {"iat": 4_000_000_000},
    ],
    ids="-".join,
)
def test_an_id_token_that_is_not_for_this_sign_in_is_refused(
    cast: Cast, idp: IdentityProvider, lie: dict[str, Any]
) -> None:
    idp.say(token=lie)
    client = Client()
    refused(sign_in(idp, "amir", client), client)


def test_user_info_about_somebody_else_is_refused(cast: Cast, idp: IdentityProvider) -> None:
    idp.say(userinfo={"sub": "999", "email": "ada@example.com"})
    client = Client()
    refused(sign_in(idp, "amir", client), client)


def test_a_provider_that_calls_itself_otherwise_is_refused(cast: Cast, idp: IdentityProvider, settings: Any) -> None:
    configure(settings, idp, server_url=idp.url.replace("127.0.0.1", "localhost"))
    client = Client()
    answer = client.get(BEGIN)
    assert answer.status_code in (400, 403)


def test_saying_no_at_the_provider_is_a_calm_sentence(cast: Cast, idp: IdentityProvider) -> None:
    client = Client()
    state = parse_qs(urlsplit(client.get(BEGIN)["Location"]).query)["state"][0]
    answer = client.get(f"{CALLBACK}?error=access_denied&state={state}")
    assert answer.status_code == 200
    assert b"You did not finish at Example SSO" in answer.content


def test_a_provider_that_does_not_answer_is_a_sentence(cast: Cast, idp: IdentityProvider, settings: Any) -> None:
    configure(settings, idp, server_url="http://127.0.0.1:1")
    assert b"does not answer" in Client().get(BEGIN).content


def test_a_link_on_another_site_shows_a_button_first(cast: Cast, idp: IdentityProvider) -> None:
    answer = Client().get(BEGIN, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert b"Sign in to Gatehouse?" in answer.content


def test_an_unknown_provider_is_not_found(cast: Cast) -> None:
    assert Client().get("/accounts/oidc/another/login/").status_code == 404
    assert Client().get("/accounts/oidc/another/login/callback/").status_code == 404


def test_the_doors_of_providers_are_counted(cast: Cast, idp: IdentityProvider, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"provider": "3/m/ip"}
    answers = [Client().get(CALLBACK, headers={"X-Forwarded-For": f"10.0.0.{n}"}).status_code for n in range(4)]
    assert answers[-1] == 429
    assert 429 not in answers[:3]
