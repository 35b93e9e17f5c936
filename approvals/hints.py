"""Hints: telling the workers that rows wait.

Invariant: a hint may be lost, but it never costs its sender anything. `publish` only notes which hint is
wanted and wakes the one thread of this process that talks to the broker; hints of a kind melt into one.
After a failure the thread keeps quiet for some seconds, and beat's sweeps find the rows meanwhile. Nothing
is ever raised.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache

import structlog
from celery import Celery
from django.conf import settings

from portal.celery import hinting

QUIET_SECONDS = 3.0
EXIT_SECONDS = 1.0
# A hint that nobody took within this time is stale: sweeps have passed many times.
EXPIRES_SECONDS = 30

log = structlog.get_logger(__name__)


class Hint(StrEnum):
    """The value is the name of the task that looks for the rows."""

    SIGNALS = "approvals.tasks.drain_signals"
    DELIVERIES = "approvals.tasks.drain_deliveries"
    CATALOGUE = "approvals.tasks.sync_catalogue"
    DOCTOR = "approvals.tasks.examine"
    TEMPLATES = "approvals.tasks.read_templates"
    LINT = "approvals.tasks.lint_templates"
    PUBLISH = "approvals.tasks.publish"
    REPLIES = "approvals.tasks.take_replies"


class Publisher:
    """One thread, started at the first hint and again after a fork."""

    def __init__(self, send: Callable[[Hint], None], *, quiet: float = QUIET_SECONDS) -> None:
        self._send = send
        self._quiet = quiet
        self._quiet_until = 0.0
        self._pid = 0
        self._reset()
        #: How many hints were "published", "failed" or "skipped" by this process.
        self.counts: Counter[str] = Counter()

    def publish(self, hint: Hint) -> None:
        """Note the hint and return at once."""
        if self._pid != os.getpid():
            self._start()
        with self._changed:
            self._wanted[hint] = None
            self._changed.notify_all()

    def flush(self, seconds: float) -> bool:
        """Wait until everything wanted was dealt with; False when `seconds` were not enough."""
        if self._pid != os.getpid():
            return True
        with self._changed:
            return self._changed.wait_for(lambda: not self._wanted and not self._busy, seconds)

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._wanted: dict[Hint, None] = {}
        self._busy = False

    def _start(self) -> None:
        with _starting:
            if self._pid != os.getpid():
                self._reset()
                threading.Thread(target=self._run, name="hints", daemon=True).start()
                self._pid = os.getpid()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._wanted))
                hint = next(iter(self._wanted))
                del self._wanted[hint]
                self._busy = True
            self._publish_one(hint)
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _publish_one(self, hint: Hint) -> None:
        if time.monotonic() < self._quiet_until:
            self.counts["skipped"] += 1
            return
        try:
            self._send(hint)
        except Exception as error:  # noqa: BLE001 - whatever a broker client raises, the rows are the truth
            self._quiet_until = time.monotonic() + self._quiet
            self.counts["failed"] += 1
            log.warning("hint lost", hint=hint.value, error=type(error).__name__, lost=self.counts["failed"])
        else:
            self.counts["published"] += 1


_starting = threading.Lock()


@lru_cache(maxsize=1)
def _app(broker_url: str) -> Celery:
    return hinting(broker_url)


def _send(hint: Hint) -> None:
    _app(settings.CELERY_BROKER_URL).send_task(hint.value, expires=EXPIRES_SECONDS, ignore_result=True, retry=False)


publisher = Publisher(_send)
# A command that decides and ends takes its hint along.
atexit.register(publisher.flush, EXIT_SECONDS)


def publish(hint: Hint) -> None:
    publisher.publish(hint)
