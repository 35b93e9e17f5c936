"""Signing in with SAML: a signed assertion for this desk, this browser and this moment, and no other."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.sessions.models import Session
from django.test import Client

from approvals.models import Membership
from portal import clock
from portal.accounts.models import User
from tests.support.cast import Cast
from tests.support.saml import provider
from tests.support.saml.provider import Signer, assertion, inner, request_id, response

LOGIN = "/accounts/saml/saml/login/"
ACS = "/accounts/saml/saml/acs/"
_TRANSIENT = "2.0:nameid-format:transient"


@pytest.fixture(scope="module")
def idp() -> Signer:
    return Signer.make()


@pytest.fixture(autouse=True)
def _configured(fresh_limits: None, idp: Signer, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.support.saml.urls"
    configure(settings, idp)


def configure(settings: Any, idp: Signer, **more: Any) -> None:
    settings.GATEHOUSE_SAML = [provider.settings(idp, **more)]
    settings.SOCIALACCOUNT_PROVIDERS = {"saml": {"APPS": settings.GATEHOUSE_SAML}}


def begin(client: Client) -> str:
    answer = client.get(f"{LOGIN}?next=/requests/")
    assert answer["Location"].startswith(provider.SSO)
    return request_id(answer["Location"])


def post(client: Client, raw: str) -> Any:
    answer = client.post(ACS, {"SAMLResponse": raw})
    assert answer.status_code == 302
    return client.get(answer["Location"])


def honest(idp: Signer, client: Client, address: str = "amir@example.com", **more: Any) -> str:
    answers = begin(client)
    return response(answers, inner(idp.sign(assertion(answers, address, **more))))


def signed_in(client: Client) -> bool:
    return client.get("/preferences/").status_code == 200


def refused(answer: Any, client: Client) -> None:
    assert answer.status_code == 403
    assert b"could not be used" in answer.content
    assert not signed_in(client)
    assert not SocialAccount.objects.exists()


def test_a_signed_assertion_lets_the_person_in(cast: Cast, idp: Signer) -> None:
    client = Client()
    answer = post(client, honest(idp, client))
    assert (answer.status_code, answer["Location"]) == (302, "/requests/")
    assert client.session["_auth_user_id"] == str(cast.approver.pk)


def test_groups_in_the_assertion_give_roles(cast: Cast, idp: Signer, settings: Any) -> None:
    settings.GATEHOUSE_GROUPS = {"approvers": ["team:Platform approvers"]}
    client = Client()
    post(client, honest(idp, client, "olga@example.com", groups=("approvers", "others")))
    assert Membership.objects.filter(person=cast.outsider, team=cast.team).exists()


def test_whose_groups_gave_them_something_is_refused_when_there_are_too_many_to_list(
    cast: Cast, idp: Signer, settings: Any
) -> None:
    settings.GATEHOUSE_GROUPS = {"approvers": ["team:Platform approvers"]}
    for address, too_many in (("olga@example.com", 403), ("rita@example.com", 302)):
        client = Client()
        if too_many == 403:
            post(client, honest(idp, client, address, groups=("approvers",)))
        client, link = Client(), "http://schemas.microsoft.com/claims/groups.link"
        answer = post(client, honest(idp, client, address, groups=("https://graph.example/",), attribute=link))
        assert answer.status_code == too_many
        assert signed_in(client) is (too_many == 302)
    assert Membership.objects.filter(person=cast.outsider, team=cast.team).exists()


def test_no_word_of_groups_means_none(cast: Cast, idp: Signer, settings: Any) -> None:
    settings.GATEHOUSE_GROUPS = {"approvers": ["team:Platform approvers"]}
    for groups in (("approvers",), ()):
        client = Client()
        post(client, honest(idp, client, "olga@example.com", groups=groups))
        assert signed_in(client)
        assert Membership.objects.filter(person=cast.outsider).exists() is bool(groups)


@pytest.mark.parametrize("address", ["adm\u0131n@example.com", "amir@example.com, ada@example.com", "amir"])
def test_an_address_that_is_none_opens_nothing(cast: Cast, idp: Signer, address: str) -> None:
    User.objects.create_user("admin@example.com")
    client = Client()
    answer = post(client, honest(idp, client, address))
    assert answer.status_code == 403
    assert not signed_in(client)


def test_addresses_of_a_provider_nobody_vouched_for_open_nothing(cast: Cast, idp: Signer, settings: Any) -> None:
    configure(settings, idp, trusts_addresses=False)
    client = Client()
    answer = post(client, honest(idp, client))
    assert b"did not say that your e-mail address is verified" in answer.content
    assert not signed_in(client)


def test_what_one_kind_of_subject_calls_somebody_another_may_call_somebody_else(cast: Cast, idp: Signer) -> None:
    client = Client()
    post(client, honest(idp, client, "amir@example.com"))
    client, kind = Client(), "urn:oasis:names:tc:SAML:attribute:subject-id"
    post(client, honest(idp, client, "olga@example.com", groups=("amir@example.com",), attribute=kind))
    assert client.session["_auth_user_id"] == str(cast.outsider.pk)


def test_an_address_names_whom_nothing_lasting_names_while_addresses_are_trusted(
    cast: Cast, idp: Signer, settings: Any
) -> None:
    lets_in = []
    for trusts in (True, True, False):
        configure(settings, idp, trusts_addresses=trusts)
        client = Client()
        answers = begin(client)
        said = assertion(answers, "amir@example.com").replace("1.1:nameid-format:emailAddress", _TRANSIENT)
        post(client, response(answers, inner(idp.sign(said))))
        lets_in.append(signed_in(client))
    assert lets_in == [True, True, False]
    assert SocialAccount.objects.count() == 1


def test_an_assertion_nobody_signed_is_refused(cast: Cast) -> None:
    client = Client()
    answers = begin(client)
    refused(post(client, response(answers, assertion(answers, "amir@example.com"))), client)


def test_an_assertion_somebody_else_signed_is_refused(cast: Cast) -> None:
    client = Client()
    refused(post(client, honest(Signer.make(), client)), client)


@pytest.mark.parametrize(
    "wrong", [{"audience": "https://another.example.com/"}, {"late": True}, {"confirmed": ' InResponseTo="_other"'}]
)
def test_an_assertion_for_another_place_time_or_request_is_refused(
    cast: Cast, idp: Signer, wrong: dict[str, Any]
) -> None:
    client = Client()
    refused(post(client, honest(idp, client, **wrong)), client)


def test_an_assertion_that_answers_nobody_s_request_cannot_be_put_into_a_response_that_does(
    cast: Cast, idp: Signer
) -> None:
    """Its signature is the provider's and everything in it is true: it was stolen."""
    client = Client()
    refused(post(client, honest(idp, client, confirmed="")), client)


def test_a_response_counts_once(cast: Cast, idp: Signer) -> None:
    client = Client()
    raw = honest(idp, client)
    post(client, raw)
    client.post("/accounts/logout/")
    assert post(client, raw).status_code == 403
    assert not signed_in(client)


def test_a_response_for_another_browser_is_refused(cast: Cast, idp: Signer) -> None:
    raw, thief = honest(idp, Client()), Client()
    begin(thief)
    refused(post(thief, raw), thief)


def test_a_response_that_nobody_asked_for_is_refused(cast: Cast, idp: Signer) -> None:
    client = Client()
    raw = response("", inner(idp.sign(assertion("", "amir@example.com", confirmed=""))))
    refused(post(client, raw), client)


def test_an_address_changed_after_signing_is_refused(cast: Cast, idp: Signer) -> None:
    client = Client()
    answers = begin(client)
    signed = inner(idp.sign(assertion(answers, "olga@example.com")))
    refused(post(client, response(answers, signed.replace("olga@", "ada@"))), client)


@pytest.mark.parametrize("way", ["before", "after", "around", "extensions"])
def test_a_forged_assertion_beside_the_signed_one_is_refused(cast: Cast, idp: Signer, way: str) -> None:
    """XML signature wrapping: the signature is true, but of another element than the one that would be read."""
    client = Client()
    answers = begin(client)
    signed = inner(idp.sign(assertion(answers, "olga@example.com")))
    forged = assertion(answers, "ada@example.com")
    body = {
        "before": forged + signed,
        "after": signed + forged,
        "around": forged.replace("</saml:Assertion>", f"{signed}</saml:Assertion>"),
        "extensions": f"<samlp:Extensions>{signed}</samlp:Extensions>{forged}",
    }[way]
    refused(post(client, response(answers, body)), client)


def test_a_comment_inside_an_address_does_not_cut_it(cast: Cast, idp: Signer) -> None:
    client = Client()
    answers = begin(client)
    raw = assertion(answers, "ada@example.com<!-- x -->.evil.example")
    answer = post(client, response(answers, inner(idp.sign(raw))))
    assert client.session.get("_auth_user_id") != str(cast.administrator.pk)
    assert answer.status_code in (302, 403)


@pytest.mark.parametrize("raw", ["", "no base64!", "bäse64==", "PHg"])
def test_what_is_no_base64_is_a_sentence_and_is_not_kept(cast: Cast, raw: str) -> None:
    client = Client()
    begin(client)
    before = Session.objects.count()
    refused(client.post(ACS, {"SAMLResponse": raw}), client)
    assert Session.objects.count() == before


def test_a_response_waits_five_minutes_for_its_browser_and_no_longer(cast: Cast) -> None:
    Client().post(ACS, {"SAMLResponse": "PHg+"})
    left = Session.objects.get().expire_date - clock.now()
    assert timedelta(minutes=4) < left <= timedelta(minutes=5)


def test_lines_in_a_response_are_no_mistake(cast: Cast, idp: Signer) -> None:
    client = Client()
    raw = honest(idp, client)
    post(client, "\r\n".join(raw[at : at + 76] for at in range(0, len(raw), 76)))
    assert signed_in(client)


@pytest.mark.parametrize("raw", ["PHg+", "PD94bWwgdmVyc2lvbj0iMS4wIj8+", "A" * 200])
def test_what_is_no_response_is_a_sentence(cast: Cast, raw: str) -> None:
    client = Client()
    begin(client)
    assert post(client, raw).status_code == 403
    assert not signed_in(client)


def test_a_huge_response_is_not_kept(cast: Cast) -> None:
    assert Client().post(ACS, {"SAMLResponse": "A" * 200_001}).status_code == 400
    assert Client().post(ACS, {"SAMLResponse": "PHg+", "RelayState": "A" * 200_001}).status_code == 400


def test_finishing_what_was_never_begun_is_a_sentence(cast: Cast) -> None:
    assert Client().get(f"{ACS}finish/").status_code == 403


def test_the_desk_describes_itself_to_providers(cast: Cast) -> None:
    answer = Client().get("/accounts/saml/saml/metadata/")
    assert answer["Content-Type"] == "text/xml"
    assert b'WantAssertionsSigned="true"' in answer.content
    assert b"http://testserver/accounts/saml/saml/acs/" in answer.content


def test_an_unknown_provider_is_not_found(cast: Cast) -> None:
    assert Client().get("/accounts/saml/another/login/").status_code == 404


def test_the_doors_are_counted(cast: Cast, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"provider": "2/m/ip"}
    answers = [Client().post(ACS, {"SAMLResponse": "PHg+"}).status_code for _ in range(3)]
    assert answers == [302, 302, 429]


def test_a_deactivated_person_is_refused(cast: Cast, idp: Signer) -> None:
    User.objects.filter(pk=cast.approver.pk).update(is_active=False)
    client = Client()
    assert b"deactivated by an administrator" in post(client, honest(idp, client)).content
