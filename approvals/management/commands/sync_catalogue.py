import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from approvals import names, places
from catalog import sync
from catalog.models import Place, SyncRun
from catalog.models.places import Result
from catalog.sync import problems
from portal import clock

PATIENCE = 120.0


class Command(BaseCommand):
    help = "Read the watched accounts' Service Catalog, and name the requests that lack a name."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--place", metavar="ACCOUNT/REGION", default="", help="only this one")

    def handle(self, *_args: Any, place: str, **_options: Any) -> None:
        places.look_for_places(clock.now())
        failed = [one for one in _chosen(place) if not self._read(one)]
        self.stdout.write(f"{names.fill()} requests named")
        if failed:
            raise CommandError(f"Not everything could be read: {', '.join(map(str, failed))}.")

    def _read(self, place: Place) -> bool:
        began = time.monotonic()
        run = sync.run(place)
        while run is None and time.monotonic() < began + PATIENCE:
            # The worker is at it; what it began before may lack what was made since.
            time.sleep(0.5)
            run = sync.run(place)
        if run is None:
            self.stdout.write(f"{place}: another worker is reading it")
            return False
        self.stdout.write(f"{place}: {_said(run)}, {run.calls} calls, {time.monotonic() - began:.1f} s")
        return run.result == Result.DONE


def _chosen(wanted: str) -> list[Place]:
    account, _slash, region = wanted.partition("/")
    if not wanted:
        return list(Place.objects.filter(enabled=True).order_by("pk"))
    found = list(Place.objects.filter(account=account, region=region))
    if not found:
        raise CommandError(f"{wanted} is not watched. Write ACCOUNT/REGION, or add it on the page of places.")
    return found


def _said(run: SyncRun) -> str:
    read = ", ".join(f"{run.counts.get(what, 0)} {what}" for what in ("products", "versions", "templates"))
    trouble = f"; {problems.of_run(run.error)}" if run.error else ""
    return f"{run.result or 'unfinished'}: {read}{trouble}"
