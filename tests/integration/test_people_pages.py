"""The pages about people: who sees them, what they change, and that they do not grow with the number of people."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from approvals.models import Membership, Team
from portal.accounts.models import User
from tests.support.cast import Cast
from tests.support.proving import prove

pytestmark = pytest.mark.usefixtures("fresh_limits")


@pytest.fixture
def ada(cast: Cast, client_for: Any) -> Client:
    client: Client = prove(client_for(cast.administrator))
    return client


INVITATION = {"address": "nadia@example.com", "name": "Nadia", "may_decide": "on", "is_notified": "on"}


def paths(cast: Cast) -> list[str]:
    return ["/people/", f"/people/{cast.approver.uuid}/", "/people/teams/"]


@pytest.mark.parametrize("part", ["approver", "requester", "outsider"])
def test_there_are_no_such_pages_for_people_without_the_role(cast: Cast, client_for: Any, part: str) -> None:
    client = client_for(getattr(cast, part))
    for path in [*paths(cast), "/people/invite/"]:
        assert client.get(path).status_code == 404
    assert client.post("/people/invite/", INVITATION).status_code == 404
    assert client.post(f"/people/{cast.approver.uuid}/roles/", {"administrator": "on"}).status_code == 404
    assert client.post("/people/teams/add/", {"name": "X"}).status_code == 404


def test_an_auditor_reads_and_changes_nothing(cast: Cast, client_for: Any) -> None:
    client = prove(client_for(cast.auditor))
    for path in paths(cast):
        page = client.get(path)
        assert page.status_code == 200
        assert b'<form method="post" action="/people' not in page.content
    assert client.get("/people/invite/").status_code == 404
    assert client.post(f"/people/{cast.approver.uuid}/deactivate/").status_code == 404
    assert client.post(f"/people/teams/{cast.team.pk}/rename/", {"name": "X"}).status_code == 404


def test_visitors_are_led_to_sign_in(cast: Cast) -> None:
    for path in paths(cast):
        assert Client().get(path)["Location"].startswith("/accounts/login/")


def test_the_list_says_roles_teams_second_factor_and_who_is_deactivated(cast: Cast, ada: Client) -> None:
    Authenticator.objects.create(user=cast.approver, type="totp", data={})
    Authenticator.objects.create(user=cast.requester, type="recovery_codes", data={})
    User.objects.filter(pk=cast.outsider.pk).update(is_active=False)
    text = " ".join(ada.get("/people/").content.decode().split())
    for word in ("Administrator", "Auditor", "Platform approvers", "Deactivated", "requester"):
        assert word in text
    assert text.count("yes</td>") == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=bea", {"Bea"}),
        ("q=EXAMPLE.com+ir", {"Amir"}),
        ("show=roles", {"Ada", "Amir", "Bea", "Otto"}),
        ("show=deactivated", {"Olga"}),
        ("show=nonsense&after=q", {"Ravi", "Rita"}),
        ("q=%00", {"Ada", "Amir", "Bea", "Rita", "Ravi", "Otto", "Olga"}),
    ],
)
def test_people_are_found(cast: Cast, ada: Client, query: str, found: set[str]) -> None:
    User.objects.filter(pk=cast.outsider.pk).update(is_active=False)
    page = ada.get(f"/people/?{query}")
    assert {person.name for person in page.context["found"].people} == found


def test_a_page_of_people_costs_the_same_however_many_there_are(
    cast: Cast, ada: Client, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(20) as few:
        ada.get("/people/")
    people = User.objects.bulk_create(User(email=f"p{n}@example.com", name=f"P {n}") for n in range(120))
    Membership.objects.bulk_create(Membership(team=cast.team, person=person) for person in people)
    with django_assert_max_num_queries(20) as many:
        page = ada.get("/people/")
    assert len(many) == len(few)
    assert len(page.context["found"].people) == 50
    following = ada.get(f"/people/?{page.context['next_query']}")
    seen = {person.pk for person in page.context["found"].people}
    assert seen.isdisjoint(person.pk for person in following.context["found"].people)


def test_inviting_asks_first_who_it_is_and_loses_nothing_typed(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.administrator)
    assert "next=%2Fpeople%2Finvite%2F" in client.get("/people/invite/")["Location"]
    assert client.post("/people/invite/", INVITATION).status_code == 302
    assert not User.objects.filter(email="nadia@example.com").exists()


def test_inviting_an_approver(cast: Cast, ada: Client) -> None:
    answer = ada.post("/people/invite/", INVITATION | {"team": cast.team.pk}, follow=True)
    assert b"Nadia is invited" in answer.content
    assert Membership.objects.filter(person__email="nadia@example.com", team=cast.team, may_decide=True).exists()


def test_an_invitation_without_an_address_is_a_sentence_beside_the_field(cast: Cast, ada: Client) -> None:
    answer = ada.post("/people/invite/", INVITATION | {"address": "nobody"})
    assert answer.status_code == 422
    assert b"Enter a valid email address" in answer.content


def test_roles_are_changed_after_proving_who_it_is(cast: Cast, client_for: Any) -> None:
    client, here = client_for(cast.administrator), f"/people/{cast.outsider.uuid}/"
    answer = client.post(f"{here}roles/", {"auditor": "on"})
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert not User.objects.get(pk=cast.outsider.pk).is_auditor
    prove(client)
    assert client.post(f"{here}roles/", {"auditor": "on"})["Location"] == here
    assert User.objects.get(pk=cast.outsider.pk).is_auditor


def test_teams_of_a_person_are_changed(cast: Cast, ada: Client) -> None:
    here = f"/people/{cast.outsider.uuid}/"
    ada.post(f"{here}join/", {"team": cast.team.pk, "is_notified": "on"})
    membership = Membership.objects.get(person=cast.outsider)
    assert (membership.may_decide, membership.is_notified) == (False, True)
    ada.post(f"{here}leave/", {"team": cast.team.pk})
    assert not Membership.objects.filter(person=cast.outsider).exists()


@pytest.mark.parametrize("team", ["", "x", "999999", "-1", "٣", "1" * 40])
def test_a_team_that_is_none_changes_nothing(cast: Cast, ada: Client, team: str) -> None:
    for verb in ("join", "leave"):
        assert ada.post(f"/people/{cast.outsider.uuid}/{verb}/", {"team": team}).status_code == 404


def test_refusals_are_sentences(cast: Cast, ada: Client) -> None:
    answer = ada.post(f"/people/{cast.administrator.uuid}/deactivate/", follow=True)
    assert b"Nobody takes these rights from themselves" in answer.content
    assert ada.post(f"/people/{cast.outsider.uuid}/nonsense/").status_code == 404


def test_teams_are_looked_after(cast: Cast, ada: Client) -> None:
    ada.post("/people/teams/add/", {"name": "Data owners"})
    team = Team.objects.get(name="Data owners")
    ada.post(f"/people/teams/{team.pk}/default/")
    ada.post(f"/people/teams/{cast.team.pk}/rename/", {"name": "Platform"})
    assert Team.objects.get(is_default=True) == team
    assert b"There is a team with this name already" in ada.post("/people/teams/add/", {"name": "platform"}).content
    page = ada.get("/people/teams/").content
    assert b"Nobody is in it" in page
    assert b"Amir" in page


def test_teams_are_changed_only_after_a_proof(cast: Cast, client_for: Any) -> None:
    """Names too: a provider's groups find teams by them."""
    team = Team.objects.create(name="Data owners")
    for path in (f"{team.pk}/default/", f"{team.pk}/rename/", "add/"):
        answer = client_for(cast.administrator).post(f"/people/teams/{path}", {"name": "Another"})
        assert "reauthenticate" in answer["Location"]
    assert list(Team.objects.order_by("pk").values_list("name", "is_default")) == [
        ("Platform approvers", True),
        ("Data owners", False),
    ]


def test_nobody_is_locked_out_without_a_proof(cast: Cast, client_for: Any) -> None:
    for verb in ("deactivate", "leave"):
        answer = client_for(cast.administrator).post(f"/people/{cast.approver.uuid}/{verb}/", {"team": cast.team.pk})
        assert "reauthenticate" in answer["Location"]
    assert User.objects.get(pk=cast.approver.pk).is_active
    assert Membership.objects.filter(person=cast.approver).exists()


def test_a_name_that_nobody_can_see_is_none(cast: Cast, ada: Client) -> None:
    ada.post("/people/invite/", INVITATION | {"name": "\u3164\u2800"})
    assert str(User.objects.get(email="nadia@example.com")) == "nadia@example.com"


def test_changing_needs_a_post(cast: Cast, ada: Client) -> None:
    for verb in ("roles", "join", "leave", "deactivate", "reactivate", "forget", "unlock"):
        assert ada.get(f"/people/{cast.approver.uuid}/{verb}/").status_code == 405
