"""Inviting people, giving and taking roles and teams: what may happen, what may not, and what is written down."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from approvals import audit
from approvals.actions import people, teams
from approvals.actor import Actor
from approvals.choices import Channel, NoticeCode
from approvals.errors import Refused, Why
from approvals.models import AuditEvent, Membership, Notice, Team
from approvals.notifications.content import render
from approvals.notifications.recipients import recipients
from approvals.sentences import sentence
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast

AT = "@example.com"


def by(person: User) -> dict[str, Any]:
    return {"actor": Actor(person, Channel.DESK), "now": now()}


def invite(cast: Cast, address: str = "nadia@example.com", **more: Any) -> User:
    given: dict[str, Any] = {
        "name": "Nadia",
        "roles": frozenset(),
        "team": cast.team,
        "may_decide": True,
        "is_notified": False,
        "is_fresh": True,
    }
    return people.invite(address, **(given | by(cast.administrator) | more))


def said() -> list[str]:
    events = AuditEvent.objects.filter(chain__subject="people").order_by("number").prefetch_related("texts")
    return [sentence(event) for event in events]


def test_an_invited_approver_has_an_account_a_team_and_a_mail_that_is_owed(cast: Cast) -> None:
    person = invite(cast)
    membership = Membership.objects.get(person=person)
    assert (membership.team, membership.may_decide, membership.is_notified) == (cast.team, True, False)
    notice = Notice.objects.get(code=NoticeCode.INVITED)
    assert notice.request is None
    assert notice.event.params["person"] == person.pk
    assert said() == ["Ada put Nadia into the team Platform approvers", "Ada invited Nadia"]
    assert not person.has_usable_password()


def test_a_requester_who_is_invited_keeps_their_account(cast: Cast) -> None:
    assert invite(cast, "RITA@example.com", roles=frozenset({"auditor"})) == cast.requester
    assert User.objects.get(pk=cast.requester.pk).is_auditor
    assert User.objects.filter(email__iexact="rita@example.com").count() == 1


@pytest.mark.parametrize(
    "address",
    [
        "adm\u0131n@example.com",
        "ADM\u0130N@example.com",
        "admin@ban\u212a.com",
        "\uff41dmin@example.com",
        "re\u017fu@bank.com",
    ],
)
def test_an_address_that_only_looks_like_one_is_not_invited(cast: Cast, address: str) -> None:
    for known in (f"admin{AT}", "admin@bank.com", f"resu{AT}"):
        User.objects.create_user(known)
    before = User.objects.count()
    with pytest.raises(Refused) as refused:
        invite(cast, address, roles=frozenset({"administrator"}))
    assert refused.value.why is Why.NO_ADDRESS
    assert User.objects.count() == before
    assert User.objects.filter(is_administrator=True).get() == cast.administrator


def test_who_is_deactivated_is_not_invited_but_reactivated(cast: Cast) -> None:
    people.deactivate(cast.approver.pk, is_fresh=True, **by(cast.administrator))
    with pytest.raises(Refused) as refused:
        invite(cast, "amir@example.com")
    assert refused.value.why is Why.DEACTIVATED


@pytest.mark.parametrize("part", ["approver", "requester", "auditor", "outsider"])
def test_only_administrators_change_who_may_do_what(cast: Cast, part: str) -> None:
    actor = by(getattr(cast, part))
    attempts: list[Callable[[], object]] = [
        lambda: invite(cast, **actor),
        lambda: people.change_roles(cast.outsider.pk, roles=frozenset({"administrator"}), is_fresh=True, **actor),
        lambda: people.deactivate(cast.administrator.pk, is_fresh=True, **actor),
        lambda: people.reactivate(cast.approver.pk, is_fresh=True, **actor),
        lambda: people.forget_identities(cast.approver.pk, is_fresh=True, **actor),
        lambda: people.remove_second_factors(cast.approver.pk, is_fresh=True, **actor),
        lambda: teams.add_team("Another", is_fresh=True, **actor),
        lambda: teams.rename_team(cast.team.pk, "Another", is_fresh=True, **actor),
        lambda: teams.make_default(cast.team.pk, is_fresh=True, **actor),
        lambda: teams.take_out_of_team(cast.approver.pk, cast.team.pk, is_fresh=True, **actor),
        lambda: teams.put_into_team(
            cast.outsider.pk, cast.team.pk, may_decide=True, is_notified=True, is_fresh=True, **actor
        ),
    ]
    for attempt in attempts:
        with pytest.raises(Refused) as refused:
            attempt()
        assert refused.value.why is Why.NOT_ALLOWED
    assert said() == []


def test_an_administrator_who_was_deactivated_meanwhile_changes_nothing(cast: Cast) -> None:
    stale = User.objects.get(pk=cast.administrator.pk)
    User.objects.filter(pk=stale.pk).update(is_active=False)
    with pytest.raises(Refused):
        people.deactivate(cast.approver.pk, is_fresh=True, **by(stale))


def test_rights_are_given_and_taken_only_by_somebody_who_has_just_proved_who_they_are(cast: Cast) -> None:
    actor = by(cast.administrator)
    attempts: list[Callable[[], object]] = [
        lambda: invite(cast, is_fresh=False),
        lambda: people.change_roles(cast.outsider.pk, roles=frozenset({"auditor"}), is_fresh=False, **actor),
        lambda: people.deactivate(cast.approver.pk, is_fresh=False, **actor),
        lambda: people.reactivate(cast.approver.pk, is_fresh=False, **actor),
        lambda: teams.add_team("Another", is_fresh=False, **actor),
        lambda: teams.rename_team(cast.team.pk, "Another", is_fresh=False, **actor),
        lambda: teams.take_out_of_team(cast.approver.pk, cast.team.pk, is_fresh=False, **actor),
        lambda: teams.make_default(Team.objects.create(name="Others").pk, is_fresh=False, **actor),
        lambda: teams.put_into_team(
            cast.outsider.pk, cast.team.pk, may_decide=True, is_notified=True, is_fresh=False, **actor
        ),
    ]
    for attempt in attempts:
        with pytest.raises(Refused) as refused:
            attempt()
        assert refused.value.why is Why.PROVE_AGAIN
    assert said() == []


def test_nobody_takes_the_role_of_administrator_from_themselves(cast: Cast) -> None:
    User.objects.filter(pk=cast.auditor.pk).update(is_administrator=True)
    with pytest.raises(Refused) as refused:
        people.change_roles(cast.administrator.pk, roles=frozenset(), is_fresh=True, **by(cast.administrator))
    assert refused.value.why is Why.OWN_RIGHTS
    with pytest.raises(Refused):
        people.deactivate(cast.administrator.pk, is_fresh=True, **by(cast.administrator))
    people.change_roles(cast.auditor.pk, roles=frozenset({"auditor"}), is_fresh=True, **by(cast.administrator))
    assert said() == ["Ada took the role of administrator from Otto"]


def test_the_last_active_administrator_stays(cast: Cast) -> None:
    command: dict[str, Any] = {"actor": Actor.system(Channel.COMMAND), "now": now()}
    attempts: list[Callable[[], object]] = [
        lambda: people.change_roles(cast.administrator.pk, roles=frozenset(), is_fresh=True, **command),
        lambda: people.deactivate(cast.administrator.pk, is_fresh=True, **command),
    ]
    for attempt in attempts:
        with pytest.raises(Refused) as refused:
            attempt()
        assert refused.value.why is Why.LAST_ADMINISTRATOR


def test_who_is_deactivated_is_signed_out_everywhere_and_stays_so_when_reactivated(cast: Cast) -> None:
    cast.approver.set_password("correct horse battery")
    cast.approver.save()
    client = Client()
    client.post("/accounts/login/", {"login": "amir@example.com", "password": "correct horse battery"})
    assert client.get("/preferences/").status_code == 200
    people.deactivate(cast.approver.pk, is_fresh=True, **by(cast.administrator))
    people.reactivate(cast.approver.pk, is_fresh=True, **by(cast.administrator))
    assert client.get("/preferences/").status_code == 302
    assert Membership.objects.filter(person=cast.approver).exists()
    assert said() == ["Ada deactivated the account of Amir", "Ada reactivated the account of Amir"]


def test_doing_something_twice_is_written_down_once(cast: Cast) -> None:
    for _ in range(2):
        people.change_roles(cast.outsider.pk, roles=frozenset({"auditor"}), is_fresh=True, **by(cast.administrator))
        people.deactivate(cast.requester.pk, is_fresh=True, **by(cast.administrator))
        teams.make_default(cast.team.pk, is_fresh=True, **by(cast.administrator))
        teams.rename_team(cast.team.pk, "Platform approvers", is_fresh=True, **by(cast.administrator))
        teams.take_out_of_team(cast.approver.pk, cast.team.pk, is_fresh=True, **by(cast.administrator))
    assert said() == [
        "Ada made Olga an auditor",
        "Ada deactivated the account of Rita",
        "Ada took Amir out of the team Platform approvers",
    ]


def test_identities_and_second_factors_of_somebody_can_be_taken_away(cast: Cast) -> None:
    SocialAccount.objects.create(user=cast.approver, provider="oidc", uid="1")
    Authenticator.objects.create(user=cast.approver, type="totp", data={})
    people.forget_identities(cast.approver.pk, is_fresh=True, **by(cast.administrator))
    people.remove_second_factors(cast.approver.pk, is_fresh=True, **by(cast.administrator))
    assert not SocialAccount.objects.exists()
    assert not Authenticator.objects.exists()
    with pytest.raises(Refused):
        people.remove_second_factors(cast.administrator.pk, is_fresh=True, **by(cast.administrator))


def test_teams_are_added_renamed_and_made_the_default(cast: Cast) -> None:
    team = teams.add_team("  Data \n owners ", is_fresh=True, **by(cast.administrator))
    assert (team.name, team.is_default) == ("Data   owners", False)
    teams.rename_team(team.pk, "Data owners", is_fresh=True, **by(cast.administrator))
    teams.make_default(team.pk, is_fresh=True, **by(cast.administrator))
    assert list(Team.objects.filter(is_default=True)) == [team]
    assert said()[-2:] == ["Ada renamed a team to Data owners", "Ada made Data owners the default team"]


def test_the_first_team_is_the_default(cast: Cast) -> None:
    Membership.objects.all().delete()
    Team.objects.all().delete()
    assert teams.add_team("First", is_fresh=True, **by(cast.administrator)).is_default


@pytest.mark.parametrize("name", ["Platform approvers", "PLATFORM APPROVERS"])
def test_two_teams_do_not_have_the_same_name(cast: Cast, name: str) -> None:
    with pytest.raises(Refused) as refused:
        teams.add_team(name, is_fresh=True, **by(cast.administrator))
    assert refused.value.why is Why.NAME_TAKEN


def test_the_chain_of_people_holds(cloned_db: str, cast: Cast) -> None:
    invite(cast)
    people.deactivate(cast.approver.pk, is_fresh=True, **by(cast.administrator))
    assert audit.verify().first_bad == ""
    assert "Nadia" not in str(list(AuditEvent.objects.values_list("params", flat=True)))


def test_a_person_is_told_by_mail_what_an_administrator_changed(cast: Cast) -> None:
    Authenticator.objects.create(user=cast.approver, type="totp", data={})
    SocialAccount.objects.create(user=cast.approver, provider="oidc", uid="1")
    ada, pk = by(cast.administrator), cast.approver.pk
    for _ in range(2):  # the second time nothing changes
        people.change_roles(pk, roles=frozenset({"auditor"}), is_fresh=True, **ada)
        teams.put_into_team(pk, cast.team.pk, may_decide=False, is_notified=True, is_fresh=True, **ada)
        people.remove_second_factors(pk, is_fresh=True, **ada)
        people.forget_identities(pk, is_fresh=True, **ada)
    people.change_roles(pk, roles=frozenset(), is_fresh=True, **ada)
    teams.take_out_of_team(pk, cast.team.pk, is_fresh=True, **ada)
    notices = Notice.objects.filter(code=NoticeCode.RIGHTS).order_by("pk")
    assert [render(notice, cast.approver).text.splitlines()[0] for notice in notices] == [
        "Ada made Amir an auditor.",
        "Ada put Amir into the team Platform approvers.",
        "Ada removed the second factors of Amir.",
        "Ada had the sign-in identities of Amir forgotten.",
        "Ada took the role of auditor from Amir.",
        "Ada took Amir out of the team Platform approvers.",
    ]
    assert {tuple(recipients(notice)) for notice in notices} == {(cast.approver,)}


def test_who_is_deactivated_gets_no_mail_about_it(cast: Cast) -> None:
    people.deactivate(cast.approver.pk, is_fresh=True, **by(cast.administrator))
    assert not Notice.objects.exists()


def test_no_wish_holds_that_mail_back_and_nobody_is_told_what_they_did(cast: Cast) -> None:
    User.objects.update(mail_wish="none")
    people.change_roles(cast.approver.pk, roles=frozenset({"auditor"}), is_fresh=True, **by(cast.administrator))
    people.change_roles(
        cast.administrator.pk, roles=frozenset({"administrator", "auditor"}), is_fresh=True, **by(cast.administrator)
    )
    first, second = Notice.objects.order_by("pk")
    assert list(recipients(first)) == [cast.approver]
    assert list(recipients(second)) == []


def test_an_invitation_is_one_mail(cast: Cast) -> None:
    invite(cast, roles=frozenset({"auditor"}))
    assert [notice.code for notice in Notice.objects.all()] == [NoticeCode.INVITED]
