"""Threads that send: I/O-bound work of one process, kept away from the threads that run Celery tasks.

A task only calls the crew and is done, so an endpoint that stalls for a minute holds one hand of the crew and
never a worker's slot. A hand takes row after row until nothing is left, then lingers for a while: opening a
database connection costs more than a claim.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from django.db import close_old_connections, connections

LINGER_SECONDS = 20.0

log = structlog.get_logger(__name__)


Piece = Callable[[], None]


class Crew:
    """At most `size` threads; each takes pieces of work from `take` until that answers None."""

    def __init__(self, name: str, size: int, take: Callable[[], Piece | None]) -> None:
        self.name, self.size = name, size
        self._take = take
        self._changed = threading.Condition()
        self._hands = self._idle = 0
        # How many hands should still go and look.
        self._calls = 0
        self._open = True

    def call(self) -> None:
        """Have a hand look for work; returns at once. A hand that finds some calls the next."""
        with self._changed:
            if not self._open:
                return
            self._calls = min(self.size, self._calls + 1)
            fresh = self._calls > self._idle and self._hands < self.size
            self._hands += fresh
            self._idle += fresh
            self._changed.notify()
        if fresh:
            threading.Thread(target=self._run, name=self.name, daemon=True).start()

    def rest(self, seconds: float) -> bool:
        """Let every hand finish its piece and go home; False when `seconds` were not enough.

        Calls that come meanwhile are not heard.
        """
        with self._changed:
            self._open, self._calls = False, 0
            self._changed.notify_all()
            rested = self._changed.wait_for(lambda: self._hands == 0, seconds)
            self._open = True
            return rested

    def _run(self) -> None:
        try:
            while self._called():
                # Connections that grew old or broke meanwhile are opened anew.
                close_old_connections()
                while self._open and (piece := self._take()):
                    self.call()
                    piece()
                with self._changed:
                    self._idle += 1
        except Exception:
            # Rows in flight are taken over, rows queued are swept: the next hand starts afresh.
            log.exception("a hand of the crew gave up", crew=self.name)
        finally:
            connections.close_all()
            with self._changed:
                self._hands -= 1
                self._changed.notify_all()

    def _called(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._calls or not self._open, LINGER_SECONDS)
            self._idle -= 1
            if not (self._calls and self._open):
                return False
            self._calls -= 1
            return True
