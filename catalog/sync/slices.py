"""A slice: the time one worker is at a run, and the claim under which it stores what it reads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from django.db import transaction

from catalog.models import SyncRun
from catalog.sync.reading import Reader
from portal import clock

# At once at AWS. Its limits are kept by botocore's adaptive retries, which slow all hands of a client down.
HANDS = 8
BATCH = 64
Item = TypeVar("Item")
Found = TypeVar("Found")


class ClaimLost(Exception):
    """Another worker took the run over, or somebody stopped it."""


class TimeIsUp(Exception):
    """The slice is over and the run is not."""


class Slice:
    """`ends`: by time.monotonic()."""

    def __init__(self, run: SyncRun, pool: ThreadPoolExecutor, ends: float) -> None:
        self.run, self.place, self.reader, self.ends = run, run.place, Reader(run.place), ends
        self._pool = pool
        self._calls_before = run.calls

    @contextmanager
    def unit(self, done: int = 0, **counts: int) -> Iterator[None]:
        """One transaction that stores what belongs together. Raises ClaimLost, and then stores nothing."""
        with transaction.atomic(durable=True):
            yield
            self.run.done += done
            for what, number in counts.items():
                self.count(what, number)
            self.save("done", "counts")

    def count(self, what: str, number: int = 1) -> None:
        if number:
            self.run.counts[what] = self.run.counts.get(what, 0) + number

    @property
    def calls(self) -> int:
        """Of the whole run until now."""
        return self._calls_before + self.reader.calls

    def save(self, *fields: str) -> None:
        """Write these fields of the run, with a sign of life. Raises ClaimLost."""
        self.run.calls = self.calls
        values = {name: getattr(self.run, name) for name in (*fields, "calls")}
        held = SyncRun.objects.open().filter(pk=self.run.pk, claims=self.run.claims)
        if not held.update(**{"heartbeat_at": clock.now(), **values}):
            raise ClaimLost

    def enter(self, phase: str) -> None:
        self.run.phase, self.run.done, self.run.total = phase, 0, 0
        self.save("phase", "done", "total")

    def expect(self, left: int) -> None:
        """So much of this phase is still to be done."""
        self.run.total = self.run.done + left
        self.save("total")

    def breathe(self) -> None:
        """Raises TimeIsUp when it is."""
        if time.monotonic() >= self.ends:
            raise TimeIsUp

    def each(
        self, batch: Callable[[], list[Item]], read: Callable[[Item], Found], store: Callable[[Item, Found], None]
    ) -> None:
        """`read` every item side by side, without the database; `store` one after another, each with its unit.

        `batch` gives the next items until there are none: what was stored must not be among them again.
        """
        while items := batch():
            for item, found in self._in_order(items, read):
                store(item, found)
                self.breathe()

    def _in_order(self, items: list[Item], read: Callable[[Item], Found]) -> Iterable[tuple[Item, Found]]:
        return zip(items, self._pool.map(read, items), strict=True)
