"""A sandbox as a child process: for tests, `make smoke` and the demo."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Self

from sandbox.processes import free_port

ROOT = Path(__file__).parent.parent


class SandboxProcess:
    """Runs in its own session and process group, so that ending it ends everything it started."""

    def __init__(self, state: Path | None = None, port: int | None = None, log: Path | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://localhost:{self.port}"
        self._state = state
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id, which is also its group's."""
        if self._process is None:
            raise RuntimeError("the sandbox is not running")
        return self._process.pid

    def start(self, seconds: float = 30) -> Self:
        """Start it and wait until it answers. Raises RuntimeError when it ends or does not answer in time."""
        command = [sys.executable, "-m", "sandbox", "--port", str(self.port)]
        if self._state:
            command += ["--state", str(self._state)]
        with self._log.open("ab") if self._log else contextlib.nullcontext() as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                command, cwd=ROOT, start_new_session=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._wait(seconds)
        return self

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                raise RuntimeError(f"the sandbox ended with status {self._process.returncode}")
            with (
                contextlib.suppress(OSError, ValueError),
                urllib.request.urlopen(f"{self.url}/_gatehouse/health", timeout=2) as answer,  # noqa: S310 - loopback
            ):
                if json.load(answer)["ready"]:
                    return
            time.sleep(0.05)
        self.kill()
        raise RuntimeError(f"the sandbox did not answer within {seconds:g} s")

    def stop(self, seconds: float = 5) -> None:
        """Ask it to end, and end it if it does not."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End it and all it started, at once."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
