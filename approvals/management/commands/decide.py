"""Decide from the command line, under the same rules as at the desk."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from approvals import actions
from approvals.actor import Actor
from approvals.choices import Channel
from approvals.errors import Refused
from approvals.management.numbers import request_number
from portal.accounts.models import User
from portal.clock import now


class Command(BaseCommand):
    help = "Approve or reject a launch request as a person: decide GH-12 reject --reason '…' --as amir@example.com"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", type=request_number, metavar="GH-n")
        parser.add_argument("verdict", choices=("approve", "reject"))
        parser.add_argument("--reason", default="", help="needed to reject")
        parser.add_argument("--as", dest="person", required=True, metavar="E-MAIL", help="who decides")

    def handle(self, *args: Any, **options: Any) -> None:
        person = User.objects.filter(email__iexact=options["person"]).first()
        if person is None:
            raise CommandError(f"There is nobody with the address {options['person']}.")
        verb = actions.approve if options["verdict"] == "approve" else actions.reject
        actor = Actor(person, Channel.COMMAND)
        try:
            request = verb(options["number"], actor=actor, now=now(), reason=options["reason"])
        except Refused as refused:
            raise CommandError(refused.sentence) from None
        self.stdout.write(f"{request.number}: {request.state}")
