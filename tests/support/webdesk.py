"""A real web process in front of a database: what browsers and benchmarks look at. No AWS stands behind it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sandbox.processes import free_port
from tests.support import run


@contextmanager
def serving(database: str, *, workers: int = 1, **environment: str) -> Iterator[str]:
    """The desk's address. `database`: the name of one of the run's databases."""
    port = free_port()
    url = f"http://localhost:{port}"
    told = os.environ | {
        "DATABASE_URL": run.postgres().app_url(database),
        "GATEHOUSE_DESK_URL": url,
        "GATEHOUSE_LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "gunicorn", "portal.wsgi", "--no-control-socket", f"--workers={workers}"]
    log = run.folder() / f"web-{port}.log"
    with log.open("wb") as said:
        web = subprocess.Popen(
            [*command, "--threads=8", f"--bind=127.0.0.1:{port}"],
            cwd=run.ROOT,
            env=told | environment,
            stdout=said,
            stderr=said,
        )
    try:
        _await(web, url)
        yield url
    finally:
        web.terminate()
        web.wait(20)


def _await(web: subprocess.Popen[bytes], url: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if web.poll() is not None:
            break
        with suppress(OSError), urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:  # noqa: S310
            if answer.status == 200:
                return
        time.sleep(0.05)
    raise RuntimeError("the web process did not start")
