from typing import Any

from django.core.management.base import BaseCommand

from approvals import names
from catalog import sync
from portal import clock


class Command(BaseCommand):
    help = "Read products and versions from Service Catalog, and name the requests that lack a name."

    def handle(self, *_args: Any, **_options: Any) -> None:
        products = sync.run(clock.now())
        self.stdout.write(f"{products} products read, {names.fill()} requests named")
