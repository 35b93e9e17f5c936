"""Processes of ours: who they are, whether they still run, and how they are ended.

A pid alone proves nothing after a crash (the number may belong to a stranger by now), so a process is
remembered by pid and start time, and only the one that fits both, or its session, is ever sent a signal.
"""

import json
import os
import signal
import socket
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import psutil  # type: ignore[import-untyped]

GONE = (psutil.NoSuchProcess, psutil.ZombieProcess)


@dataclass(frozen=True)
class Identity:
    """A process as this machine knows it; `started` in seconds since the epoch."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The process with this pid; None when there is none."""
        try:
            return cls(pid, float(psutil.Process(pid).create_time()))
        except GONE:
            return None

    def alive(self) -> bool:
        """Whether this very process still runs; a finished child nobody has waited for does not count."""
        try:
            process = psutil.Process(self.pid)
            return self._is(process) and process.status() != psutil.STATUS_ZOMBIE
        except GONE:
            return False

    def session(self) -> list["Identity"]:
        """Everything that still runs in the session this process leads or led, itself included.

        The system does not reuse a pid while a session has its number: who holds it and is not this process
        proves that the session ended.
        """
        holder = Identity.of(self.pid)
        if holder and abs(holder.started - self.started) >= 1:
            return []
        members = (Identity.of(pid) for pid in psutil.pids() if _session(pid) == self.pid)
        return [one for one in members if one and one.alive()]

    def _is(self, process: psutil.Process) -> bool:
        return abs(float(process.create_time()) - self.started) < 1

    def save(self, path: Path) -> None:
        """Remember it for the next start."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """What `save` wrote; None when there is nothing that can be read."""
        try:
            found = json.loads(path.read_text())
            return cls(int(found["pid"]), float(found["started"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return 0


def command_line(pid: int) -> list[str]:
    """The arguments it was started with; empty when it is gone."""
    try:
        return [str(part) for part in psutil.Process(pid).cmdline()]
    except GONE:
        return []


def send(number: signal.Signals, those: Iterable[Identity]) -> None:
    """Send a signal to each that still runs."""
    for one in those:
        if one.alive():
            try:
                os.kill(one.pid, number)
            except ProcessLookupError:
                continue


def end(one: Identity, *steps: tuple[signal.Signals, float]) -> bool:
    """Send each signal in turn, waiting its seconds, until it is gone. False: it outlived them all."""
    for number, seconds in steps:
        send(number, [one])
        if wait_gone([one], seconds):
            return True
    return False


def wait_gone(those: Iterable[Identity], seconds: float) -> bool:
    """Wait until none of them runs; False when the time is over first."""
    until = time.monotonic() + seconds
    left = list(those)
    while left := [one for one in left if one.alive()]:
        if time.monotonic() >= until:
            return False
        time.sleep(0.02)
    return True


def free_port() -> int:
    """A loopback port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def taken(port: int) -> bool:
    """Whether a server could not listen on this loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
