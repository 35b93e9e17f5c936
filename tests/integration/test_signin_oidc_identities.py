"""What a sign-in at a provider leaves behind: an identity and roles, once everything else has passed, and a trace."""

from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.test import Client

from approvals.models import AuditEvent, Membership
from approvals.sentences import sentence
from portal.accounts.leaving import forget_identities
from portal.accounts.models import GroupRole, User
from tests.support.cast import Cast
from tests.support.idp.server import IdentityProvider
from tests.support.idp.visiting import configure, sign_in, signed_in
from tests.support.proving import prove
from tests.support.signing_in import digits

DOOR = "/accounts/2fa/authenticate/"


@pytest.fixture(autouse=True)
def _configured(fresh_limits: None, idp: IdentityProvider, settings: Any) -> None:
    idp.say()
    settings.GATEHOUSE_GROUPS = {"desk-auditors": ["auditor", "team:Platform approvers"]}
    configure(settings, idp, groups_claim="groups")


def said() -> list[str]:
    events = AuditEvent.objects.filter(chain__subject="people").order_by("number").prefetch_related("texts")
    return [sentence(event) for event in events]


def at_the_door(idp: IdentityProvider, person: User) -> tuple[Client, str]:
    """Somebody with an authenticator app, come from the provider and asked for its digits."""
    secret = str(generate_totp_secret())
    TOTP.activate(person, secret)
    client = Client()
    assert sign_in(idp, "amir", client)["Location"] == DOOR
    return client, digits(secret)


def test_nothing_is_connected_or_given_before_the_second_factor(cast: Cast, idp: IdentityProvider) -> None:
    idp.say(claims={"groups": ["desk-auditors"]})
    client, digits = at_the_door(idp, cast.approver)
    assert not SocialAccount.objects.exists()
    assert not User.objects.get(pk=cast.approver.pk).is_auditor
    assert not GroupRole.objects.exists()
    assert said() == []
    answer = client.post(DOOR, {"code": digits})
    assert answer["Location"] == "/requests/"
    assert signed_in(client)
    assert SocialAccount.objects.get().user == cast.approver
    assert User.objects.get(pk=cast.approver.pk).is_auditor
    assert client.session["provider"] == "oidc"


def test_nothing_is_taken_before_the_second_factor(cast: Cast, idp: IdentityProvider) -> None:
    idp.say(claims={"groups": ["desk-auditors"]})
    sign_in(idp, "amir")
    idp.say(claims={"groups": []})
    client, digits = at_the_door(idp, cast.approver)
    assert User.objects.get(pk=cast.approver.pk).is_auditor
    client.post(DOOR, {"code": digits})
    assert not User.objects.get(pk=cast.approver.pk).is_auditor


def test_what_happened_in_front_of_the_second_factor_counts(cast: Cast, idp: IdentityProvider) -> None:
    client, digits = at_the_door(idp, cast.approver)
    other = {"user": cast.approver, "provider": "oidc", "uid": "another"}
    SocialAccount.objects.create(**other)
    assert b"belongs to another identity" in client.post(DOOR, {"code": digits}).content
    assert not signed_in(client)
    assert SocialAccount.objects.get().uid == "another"


def test_an_identity_forgotten_in_front_of_the_second_factor_stays_forgotten(cast: Cast, idp: IdentityProvider) -> None:
    sign_in(idp, "amir")
    client, digits = at_the_door(idp, cast.approver)
    forget_identities(cast.approver)
    assert client.post(DOOR, {"code": digits}).status_code == 403
    assert not signed_in(client)
    assert not SocialAccount.objects.exists()


def test_connecting_and_removing_an_identity_is_recorded(cast: Cast, idp: IdentityProvider) -> None:
    client = Client()
    for _ in range(2):
        sign_in(idp, "amir", client)
    pk = SocialAccount.objects.get().pk
    for _ in range(2):
        prove(client).post(f"/accounts/connected/{pk}/remove/")
    assert not SocialAccount.objects.exists()
    assert said() == [
        "Amir signed in through oidc for the first time: it opens their account from now on",
        "Amir removed the sign-in through oidc from their account",
    ]
    assert {event.actor for event in AuditEvent.objects.all()} == {cast.approver}


def test_an_identity_that_opens_the_account_from_now_on_is_told_by_mail_once(
    cast: Cast, idp: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody may have been given the address, or have the provider believe it is theirs."""
    monkeypatch.setattr("django.db.transaction.on_commit", lambda run, **_: run())
    for _ in range(2):
        sign_in(idp, "amir")
    (told,) = mail.outbox
    assert told.to == ["amir@example.com"]
    assert told.subject == "Gatehouse: Signing in through Example SSO opens the account from now on."


WITHHELD: list[dict[str, Any]] = [{"_claim_names": {"groups": "src1"}}, {"hasgroups": True}]


@pytest.mark.parametrize("claims", WITHHELD)
def test_whose_groups_gave_them_something_is_refused_when_the_provider_withholds_them(
    cast: Cast, idp: IdentityProvider, claims: dict[str, Any]
) -> None:
    idp.say(claims={"groups": ["desk-auditors"]})
    sign_in(idp, "nadia")
    idp.say(claims=claims)
    client = Client()
    answer = sign_in(idp, "nadia", client)
    assert answer.status_code == 403
    assert b"limit the groups claim to groups assigned to the application" in answer.content
    assert not signed_in(client)


@pytest.mark.parametrize("claims", WITHHELD)
def test_groups_withheld_change_nothing_for_others(cast: Cast, idp: IdentityProvider, claims: dict[str, Any]) -> None:
    idp.say(claims=claims)
    client = Client()
    sign_in(idp, "amir", client)
    assert signed_in(client)
    assert Membership.objects.filter(person=cast.approver, team=cast.team).exists()


@pytest.mark.parametrize(
    "odd", [{"_claim_names": ["groups"]}, {"_claim_names": {"other": "src1"}}, {"hasgroups": "no"}]
)
def test_no_word_of_groups_means_none(cast: Cast, idp: IdentityProvider, odd: dict[str, Any]) -> None:
    idp.say(claims={"groups": ["desk-auditors"]})
    sign_in(idp, "nadia")
    idp.say(claims=odd)
    sign_in(idp, "nadia")
    assert not User.objects.get(email="nadia@example.com").is_auditor


@pytest.mark.parametrize(
    "address",
    [
        "adm\u0131n@example.com",
        "admin@bigban\u212a.com",
        "re\u017fu@example.com",
        "amir@example.com\nada@example.com",
        "amir@example.com\x00",
        "amir\ud800@example.com",
        "amir",
        "a" * 250 + "@example.com",
        ["amir@example.com"],
        7,
    ],
)
def test_an_address_that_only_looks_like_one_opens_nothing(cast: Cast, idp: IdentityProvider, address: Any) -> None:
    for known in ("admin@example.com", "admin@bigbank.com", "resu@example.com"):
        User.objects.create_user(known)
    before = User.objects.count()
    idp.say(claims={"email": address})
    client = Client()
    answer = sign_in(idp, "amir", client)
    assert answer.status_code == 403
    assert b"did not say that your e-mail address is verified" in answer.content
    assert not signed_in(client)
    assert User.objects.count() == before
    assert not SocialAccount.objects.exists()


def test_a_name_loses_what_no_database_keeps(cast: Cast, idp: IdentityProvider) -> None:
    idp.say(claims={"name": "Na\x00d\ud800ia\u202e Ö"})
    sign_in(idp, "nadia")
    assert User.objects.get(email="nadia@example.com").name == "Nadia Ö"
