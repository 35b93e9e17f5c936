"""One runner per folder: a lock the system releases however the runner ends, so it can never be stale."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from signal import SIGTERM

from sandbox.problems import ProblemError
from sandbox.processes import Identity, send


def _path(home: Path) -> Path:
    return home / "run" / "lock"


class AlreadyRunningError(ProblemError):
    """Another runner holds the folder; one sentence with its pid."""


@contextlib.contextmanager
def claimed(home: Path) -> Iterator[None]:
    """Hold the folder for this process. Raises AlreadyRunningError."""
    path = _path(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise AlreadyRunningError(f"Gatehouse runs already (process {file.read()}); end that one first.") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def end_holder(home: Path, seconds: float = 40) -> None:
    """Ask a runner that holds the folder to stop, and wait until it has."""
    until = time.monotonic() + seconds
    asked = False
    while True:
        try:
            with claimed(home):
                return
        except AlreadyRunningError:
            if time.monotonic() > until:
                raise
        if not asked and (holder := Identity.of(int(_path(home).read_text() or 0))):
            send(SIGTERM, [holder])
            asked = True
        time.sleep(0.1)
