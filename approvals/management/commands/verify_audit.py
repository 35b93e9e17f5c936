"""`manage.py verify_audit`: recompute the audit trail and name the first row that is not as it was written."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from approvals import audit


class Command(BaseCommand):
    help = "Recompute the audit trail; exit 1 and name the first bad row when it was changed."

    def handle(self, *_args: Any, **_options: Any) -> None:
        result = audit.verify()
        last = result.last_checkpoint
        seen = f"last checkpoint: {last.number} at {last.at.isoformat()} {last.digest}" if last else "no checkpoint yet"
        self.stdout.write(f"{result.events} events in {result.chains} chains; {seen}")
        if result.first_bad:
            raise CommandError(f"The audit trail is not as it was written. First bad row: {result.first_bad}")
