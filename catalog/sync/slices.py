"""A slice: the time one worker is at a run, and the claim under which it stores what it reads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet

from catalog.models import SyncRun
from catalog.sync import runs
from catalog.sync.reading import Reader
from catalog.sync.trouble import Denied, General, Passing, Trouble
from portal import clock

# At once at AWS. Its limits are kept by botocore's adaptive retries, which slow all hands of a client down.
HANDS = 8
BATCH = 64
# So many in a row that cannot be read are no odd ones.
MOST_IN_A_ROW = 20
# Seconds after which a worker that waits for AWS gives a sign of life.
BEAT = 10.0
Item = TypeVar("Item", bound=Model)
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
        self._in_a_row = 0

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
        self.run.phase, self.run.done, self.run.total, self.run.left_out = phase, 0, 0, []
        self._in_a_row = 0
        self.save("phase", "done", "total", "left_out")

    def expect(self, left: int) -> None:
        """So much of this phase is still to be done."""
        self.run.total = self.run.done + left
        self.save("total")

    def breathe(self) -> None:
        """Raises TimeIsUp when it is."""
        if time.monotonic() >= self.ends:
            raise TimeIsUp

    def each(
        self,
        left: QuerySet[Item],
        named: str,
        read: Callable[[Item], Found],
        store: Callable[[Item, Found], None],
        leave: Callable[[Item, Trouble], None] = lambda _item, _trouble: None,
    ) -> None:
        """`read` every item side by side, without the database; `store` one after another, each with its unit.

        `left`: what is still to be read, in order; what was stored must not be in it again. What cannot be read is
        left out of this run, under the id in its field `named`; `leave` may store that. Raises Trouble where that is
        no matter of single items.
        """
        self.expect(left.exclude(pk__in=self.run.left_out).count())
        while items := list(left.exclude(pk__in=self.run.left_out)[:BATCH]):
            for item, found in self._in_order(items, read):
                try:
                    if isinstance(found, Trouble):
                        raise found
                    store(item, found)
                    self._in_a_row = 0
                except Trouble as trouble:
                    self._leave_out(item, getattr(item, named), trouble, leave)
                self.breathe()

    def leave_out(self, name: str, trouble: Trouble) -> None:
        """One thing cannot be read. Raises `trouble` again where more than this one cannot, or it may go later."""
        self._judge(trouble)
        with self.unit():
            self._note(name, trouble)

    def _leave_out(self, item: Item, name: str, trouble: Trouble, leave: Callable[[Item, Trouble], None]) -> None:
        self._judge(trouble)
        nothing_else = len(self.run.left_out) == self.run.done and self.run.done + 1 >= self.run.total
        if nothing_else and isinstance(trouble, Denied | Passing):
            raise trouble
        with self.unit(done=1):
            self.run.left_out.append(item.pk)
            self._note(name, trouble)
            self.save("left_out")
            leave(item, trouble)

    def _judge(self, trouble: Trouble) -> None:
        if isinstance(trouble, General) or (isinstance(trouble, Passing) and not self._is_endured(trouble)):
            raise trouble
        self._in_a_row += 1
        if self._in_a_row >= MOST_IN_A_ROW:
            raise trouble

    def _is_endured(self, trouble: Passing) -> bool:
        """Whether it stayed through all pauses; then it need not be the whole of AWS."""
        return trouble.code != "throttled" and self.run.stumbles >= len(runs.PAUSES)

    def _note(self, name: str, trouble: Trouble) -> None:
        self.count("left_out")
        self.run.counts.setdefault("first_left_out", f"part:{name}:{trouble.code}")

    def _in_order(self, items: list[Item], read: Callable[[Item], Found]) -> Iterator[tuple[Item, Found | Trouble]]:
        asked = [(item, self._pool.submit(_tried, read, item)) for item in items]
        try:
            for item, future in asked:
                self._wait(future)
                yield item, future.result()
        finally:
            for _item, future in asked:
                future.cancel()

    def _wait(self, future: Future[Found | Trouble]) -> None:
        """With a sign of life as long as answers come, to whatever was asked."""
        heard = self.reader.calls
        while not wait([future], BEAT).done:
            if self.reader.calls > heard:
                heard = self.reader.calls
                self.save()


def _tried(read: Callable[[Item], Found], item: Item) -> Found | Trouble:
    try:
        return read(item)
    except Trouble as trouble:
        return trouble
