"""What a provider's groups give and take, at every sign-in there."""

from typing import Any

import pytest

from approvals.actions import people
from approvals.actions.grouping import apply_groups
from approvals.actor import Actor
from approvals.choices import Channel
from approvals.models import AuditEvent, Membership, Team
from approvals.sentences import sentence
from portal.accounts.models import GroupRole, User
from portal.clock import now
from tests.support.cast import Cast


def say(person: User, *roles: str, provider: str = "oidc") -> User:
    apply_groups(person.pk, provider=provider, roles=frozenset(roles), now=now())
    return User.objects.get(pk=person.pk)


def in_team(person: User, team: Team) -> bool:
    return Membership.objects.filter(person=person, team=team, may_decide=True).exists()


def said() -> list[str]:
    events = AuditEvent.objects.filter(chain__subject="people").order_by("number").prefetch_related("texts")
    return [sentence(event) for event in events]


def test_groups_give_roles_and_take_them_again(cast: Cast) -> None:
    person = say(cast.outsider, "administrator", "auditor", "team:Platform approvers")
    assert (person.is_administrator, person.is_auditor, in_team(person, cast.team)) == (True, True, True)
    person = say(cast.outsider, "auditor")
    assert (person.is_administrator, person.is_auditor, in_team(person, cast.team)) == (False, True, False)
    assert said() == [
        "Gatehouse made Olga an administrator",
        "Gatehouse made Olga an auditor",
        "Gatehouse put Olga into the team Platform approvers",
        "Gatehouse took the role of administrator from Olga",
        "Gatehouse took Olga out of the team Platform approvers",
    ]


def test_saying_the_same_again_changes_nothing(cast: Cast) -> None:
    for _ in range(3):
        say(cast.outsider, "auditor", "team:Platform approvers")
    assert len(said()) == 2


def test_what_was_given_by_hand_is_taken_by_no_group(cast: Cast) -> None:
    say(cast.auditor, "auditor")
    assert say(cast.auditor).is_auditor
    say(cast.approver, "team:Platform approvers")
    say(cast.approver)
    assert in_team(cast.approver, cast.team)
    assert said() == []
    assert not GroupRole.objects.exists()


def test_what_an_administrator_takes_comes_back_only_with_the_group(cast: Cast) -> None:
    say(cast.outsider, "auditor")
    people.change_roles(
        cast.outsider.pk,
        roles=frozenset(),
        is_fresh=True,
        actor=Actor(cast.administrator, Channel.DESK),
        now=now(),
    )
    assert not say(cast.outsider).is_auditor
    assert say(cast.outsider, "auditor").is_auditor


def test_a_role_of_two_providers_stays_until_both_take_it(cast: Cast) -> None:
    say(cast.outsider, "auditor")
    say(cast.outsider, "auditor", provider="saml")
    assert say(cast.outsider).is_auditor
    assert not say(cast.outsider, provider="saml").is_auditor


def test_a_renamed_team_keeps_its_members_marks(cast: Cast) -> None:
    say(cast.outsider, "team:Platform approvers")
    Team.objects.filter(pk=cast.team.pk).update(name="Renamed")
    say(cast.outsider)
    assert not in_team(cast.outsider, cast.team)


def test_the_last_administrator_keeps_the_role_and_loses_it_when_there_is_another(cast: Cast) -> None:
    User.objects.filter(pk=cast.administrator.pk).update(is_administrator=False)
    say(cast.outsider, "administrator")
    assert say(cast.outsider).is_administrator
    User.objects.filter(pk=cast.administrator.pk).update(is_administrator=True)
    assert not say(cast.outsider).is_administrator


@pytest.mark.parametrize("role", ["team:Nobody's", "team:", "owner", "superuser"])
def test_what_is_no_role_or_team_gives_nothing(cast: Cast, role: str) -> None:
    person = say(cast.outsider, role)
    assert not any((person.is_administrator, person.is_auditor, person.memberships.exists()))
    assert said() == []


def test_groups_of_the_environment_become_roles(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal import providers
    from portal.accounts.signin.groups import roles_of

    monkeypatch.setenv("G", "desk-admins=administrator, approvers=team:Platform approvers,approvers=auditor")
    settings.GATEHOUSE_GROUPS = providers.groups("G")
    assert roles_of(["approvers", "others"]) == {"team:Platform approvers", "auditor"}
    monkeypatch.setenv("G", '{"CN=admins,OU=x": "administrator", "b": ["auditor", "team:A"]}')
    settings.GATEHOUSE_GROUPS = providers.groups("G")
    assert roles_of(["CN=admins,OU=x", "b"]) == {"administrator", "auditor", "team:A"}
