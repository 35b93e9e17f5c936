import threading
import time
from collections.abc import Callable
from functools import partial

from approvals.outbox.crew import Crew, Piece


class Work:
    """A number of pieces of work; `gate` holds whoever took one."""

    def __init__(self, pieces: int) -> None:
        self.pieces = pieces
        self.done: list[int | None] = []
        self.lock = threading.Lock()
        self.gate = threading.Event()
        self.gate.set()

    def take(self) -> Piece | None:
        with self.lock:
            if not self.pieces:
                return None
            self.pieces -= 1
            return self.piece

    def piece(self) -> None:
        self.gate.wait(5)
        with self.lock:
            self.done.append(threading.current_thread().ident)


def eventually(true: Callable[[], object], seconds: float = 5.0) -> object:
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.005)
    return true()


def test_hands_work_until_nothing_is_left() -> None:
    work = Work(100)
    crew = Crew("test", 4, work.take)
    crew.call()
    assert eventually(lambda: len(work.done) == 100)
    assert crew.rest(5)
    assert 1 <= len(set(work.done)) <= 4


def test_one_call_brings_as_many_hands_as_there_is_work() -> None:
    work = Work(3)
    work.gate.clear()
    crew = Crew("test", 8, work.take)
    crew.call()
    assert eventually(lambda: work.pieces == 0)
    work.gate.set()
    assert eventually(lambda: len(work.done) == 3)
    assert len(set(work.done)) == 3
    assert crew.rest(5)


def test_caller_does_not_wait() -> None:
    work = Work(1)
    work.gate.clear()
    crew = Crew("test", 2, work.take)
    began = time.monotonic()
    crew.call()
    assert time.monotonic() - began < 3
    work.gate.set()
    assert crew.rest(5)


def test_there_are_never_more_hands_than_the_crew_has() -> None:
    work = Work(50)
    work.gate.clear()
    crew = Crew("test", 3, work.take)
    for _ in range(20):
        crew.call()
    assert eventually(lambda: work.pieces == 47)
    time.sleep(0.05)
    assert work.pieces == 47
    work.gate.set()
    assert eventually(lambda: len(work.done) == 50)
    assert crew.rest(5)
    assert len(set(work.done)) <= 3


def test_call_during_the_last_look_is_not_missed() -> None:
    work = Work(0)
    crew = Crew("test", 1, work.take)
    for _ in range(200):
        with work.lock:
            work.pieces += 1
        crew.call()
    assert eventually(lambda: len(work.done) == 200)
    assert crew.rest(5)


def test_hand_that_lingers_is_used_again() -> None:
    work = Work(1)
    crew = Crew("test", 1, work.take)
    for count in (1, 2):
        work.pieces = 1
        crew.call()
        assert eventually(partial(lambda expected: len(work.done) == expected, count))
        time.sleep(0.05)
    assert len(set(work.done)) == 1
    assert crew.rest(5)


def test_resting_crew_finishes_what_it_has_begun_and_takes_nothing_new() -> None:
    work = Work(10)
    work.gate.clear()
    crew = Crew("test", 2, work.take)
    crew.call()
    assert eventually(lambda: work.pieces == 8)
    assert not crew.rest(0.05)
    work.gate.set()
    assert crew.rest(5)
    assert (work.pieces, len(work.done)) == (8, 2)


def test_hand_that_fails_is_replaced_when_the_sweep_calls() -> None:
    failures = [RuntimeError("database gone")]
    work = Work(1)

    def sometimes() -> Piece | None:
        if failures:
            raise failures.pop()
        return work.take()

    crew = Crew("test", 1, sometimes)

    def done() -> bool:
        crew.call()
        return len(work.done) == 1

    assert eventually(done)
    assert not failures
    assert crew.rest(5)
