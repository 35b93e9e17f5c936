"""Who can sign in at the demo's desk: the people `manage.py make_cast` makes, with the passwords in `home`."""

import json
from dataclasses import dataclass
from pathlib import Path

APPROVER = "approver"


@dataclass(frozen=True)
class Person:
    """One of the cast; `part` is what the desk lets them do."""

    name: str
    email: str
    part: str
    password: str


def cast(home: Path) -> list[Person]:
    """Everyone with a password, approvers first. Needs `database.connect`."""
    from django.contrib.auth import get_user_model

    from approvals.models import Membership

    passwords: dict[str, str] = json.loads((home / "secrets" / "cast.json").read_text())
    deciding = set(Membership.objects.filter(may_decide=True).values_list("person__email", flat=True))

    def part(email: str, administrator: bool, auditor: bool) -> str:
        if email in deciding:
            return APPROVER
        return "administrator" if administrator else "auditor" if auditor else "requester"

    columns = ("name", "email", "is_administrator", "is_auditor")
    people = get_user_model().objects.filter(email__in=passwords).values_list(*columns)
    found = [Person(name, email, part(email, *roles), passwords[email]) for name, email, *roles in people]
    return sorted(found, key=lambda person: (person.part != APPROVER, person.part == "requester", person.name))
