import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from approvals.intake.consumer import Consumer


class Command(BaseCommand):
    help = "Take launch messages from the desk's queue until told to stop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="end when the queue is empty")
        parser.add_argument("--idle-exit", type=float, metavar="SECONDS", help="end after so many quiet seconds")
        parser.add_argument("--receivers", type=int, default=2, help="long polls at a time (default 2)")

    def handle(self, *_args: Any, **options: Any) -> None:
        if not settings.GATEHOUSE_QUEUE_URL:
            raise CommandError("GATEHOUSE_QUEUE_URL is not set: the stack gatehouse-hub has it in its outputs.")
        consumer = Consumer(
            settings.GATEHOUSE_QUEUE_URL,
            receivers=options["receivers"],
            wait_seconds=1 if options["once"] or options["idle_exit"] else 20,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: consumer.stop.set())
        counts = consumer.run(once=options["once"], idle_exit=options["idle_exit"])
        self.stdout.write(", ".join(f"{number} {result}" for result, number in sorted(counts.items())) or "nothing")
