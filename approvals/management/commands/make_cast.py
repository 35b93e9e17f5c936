"""The people of the demo, one per role. Run it as often as you like: who is there stays as they are."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from approvals.models import Membership, Team
from portal.accounts.models import Principal, User
from portal.clock import now

ACCOUNT = "111122223333"
TEAM = "Platform approvers"
PEOPLE: dict[str, dict[str, Any]] = {
    "ada@example.com": {"name": "Ada Administrator", "is_administrator": True},
    "amir@example.com": {"name": "Amir Approver"},
    "bea@example.com": {"name": "Bea Approver"},
    "rita@example.com": {"name": "Rita Requester"},
    "ravi@example.com": {"name": "Ravi Requester"},
    "otto@example.com": {"name": "Otto Auditor", "is_auditor": True},
}
APPROVERS = ("amir@example.com", "bea@example.com")
# Requester → their role in the demo account, one of IAM Identity Center's.
REQUESTERS = {
    "rita@example.com": "AWSReservedSSO_Developer_0123456789abcdef",
    "ravi@example.com": "AWSReservedSSO_DataScientist_fedcba9876543210",
}


class Command(BaseCommand):
    help = "Make an administrator, two approvers, two requesters and an auditor, with passwords in secrets/cast.json."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.SECURE:
            raise CommandError("The cast is for demonstrations; a desk with an https address has people of its own.")
        path = home() / "secrets" / "cast.json"
        passwords, fresh = kept_passwords(path)
        with transaction.atomic():
            people = {email: _person(email, passwords[email], set_anew=email in fresh) for email in PEOPLE}
            team = Team.objects.filter(is_default=True).first() or Team.objects.create(name=TEAM, is_default=True)
            for email in APPROVERS:
                Membership.objects.get_or_create(team=team, person=people[email])
            for email in REQUESTERS:
                Principal.objects.get_or_create(
                    arn=principal(email), defaults={"person": people[email], "first_seen": now()}
                )
        self.stdout.write(f"{len(people)} people; their passwords are in {path}")


def home() -> Path:
    return Path(os.environ.get("GATEHOUSE_HOME") or settings.BASE_DIR / ".gatehouse")


def principal(email: str) -> str:
    """How AWS names a requester of the demo: a session named by their address."""
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{REQUESTERS[email]}/{email}"


def kept_passwords(path: Path) -> tuple[dict[str, str], list[str]]:
    """E-mail address → password, and whose is new. Read from the file, completed, kept for its owner's eyes only."""
    found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = [email for email in PEOPLE if email not in found]
    if missing:
        found |= {email: secrets.token_urlsafe(12) for email in missing}
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        scratch.touch(mode=0o600)
        scratch.write_text(json.dumps(found, indent=2) + "\n")
        scratch.replace(path)
    return found, missing


def _person(email: str, password: str, *, set_anew: bool) -> User:
    """Known people keep what they have, except a password that the file no longer knew."""
    person = User.objects.filter(email=email).first()
    if person is None:
        return User.objects.create_user(email, password, **PEOPLE[email])
    if set_anew:
        person.set_password(password)
        person.save(update_fields=["password"])
    return person
