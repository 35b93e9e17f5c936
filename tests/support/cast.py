"""The cast: one person per role, the same names everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from approvals.models import Membership, Team
from portal.accounts.models import User


@dataclass(frozen=True)
class Cast:
    administrator: User
    approver: User
    second_approver: User
    requester: User
    other_requester: User
    auditor: User
    outsider: User
    team: Team

    @classmethod
    def make(cls) -> Cast:
        def person(name: str, **roles: Any) -> User:
            return User.objects.create_user(f"{name.lower()}@example.com", name=name, **roles)

        team = Team.objects.create(name="Platform approvers", is_default=True)
        cast = cls(
            administrator=person("Ada", is_administrator=True),
            approver=person("Amir"),
            second_approver=person("Bea"),
            requester=person("Rita"),
            other_requester=person("Ravi"),
            auditor=person("Otto", is_auditor=True),
            outsider=person("Olga"),
            team=team,
        )
        for approver in (cast.approver, cast.second_approver):
            Membership.objects.create(team=team, person=approver)
        return cast
