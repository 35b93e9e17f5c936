"""`manage.py add_person`: how an installation gets its first administrator and its approvers.

No password is set: they sign in by a code that is mailed to them, which also proves the address.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from approvals.models import Membership, Team
from portal.accounts.addresses import address_of
from portal.accounts.models import User
from portal.accounts.names import name_of

TEAM = "Approvers"


class Command(BaseCommand):
    help = "Add a person, or give a known one more roles. They sign in by e-mail code."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="")
        parser.add_argument("--administrator", action="store_true")
        parser.add_argument("--auditor", action="store_true")
        parser.add_argument("--approver", action="store_true", help="a member of the default team who may decide")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        email = address_of(options["email"])
        if not email:
            raise CommandError(f"{options['email']!r} is not an e-mail address.")
        person = User.objects.filter(email=email).first() or User.objects.create_user(email)
        person.name = name_of(options["name"]) or person.name
        person.is_administrator |= options["administrator"]
        person.is_auditor |= options["auditor"]
        person.save(update_fields=["name", "is_administrator", "is_auditor"])
        if options["approver"]:
            team, _ = Team.objects.get_or_create(is_default=True, defaults={"name": TEAM})
            Membership.objects.get_or_create(team=team, person=person)
        self.stdout.write(f"{person.email} can sign in by e-mail code.")
