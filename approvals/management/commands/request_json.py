"""A launch request as JSON, for scripts: its axes, and when each step happened (RFC 3339, UTC)."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet

from approvals.management.numbers import request_number
from approvals.models import LaunchRequest


class Command(BaseCommand):
    help = "Print one launch request (by number or stack) as JSON, or all open ones as a list."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("number", nargs="?", type=request_number, metavar="GH-n")
        which.add_argument("--stack", metavar="ARN", help="the newest request of this stack")
        which.add_argument("--all-open", action="store_true", help="a list of everything that waits")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["all_open"]:
            self.stdout.write(json.dumps([as_json(request) for request in LaunchRequest.objects.open()]))
            return
        request = _found(options).first()
        if request is None:
            raise CommandError("There is no such request.")
        self.stdout.write(json.dumps(as_json(request)))


def as_json(request: LaunchRequest) -> dict[str, str | None]:
    """Times are null until the step has happened."""
    decision = getattr(request, "decision", None)
    signal = request.signals.order_by("-pk").first()
    hold = request.holds.order_by("-pk").first()
    return {
        "number": request.number,
        "uuid": str(request.uuid),
        "state": request.state,
        "signal": request.signal,
        "outcome": request.outcome,
        "stack_id": request.stack_id,
        "opened_at": _utc(request.opened_at),
        "decided_at": _utc(decision.decided_at if decision else None),
        "stored_at": _utc(signal.stored_at if signal else None),
        "hold_ended_at": _utc(hold.ended_at if hold else None),
        "outcome_at": _utc(request.outcome_at),
        "deadline": _utc(request.deadline),
    }


def _found(options: dict[str, Any]) -> QuerySet[LaunchRequest]:
    requests = LaunchRequest.objects.order_by("-pk")
    return requests.filter(stack_id=options["stack"]) if options["stack"] else requests.filter(pk=options["number"])


def _utc(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None
