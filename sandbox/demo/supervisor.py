"""Runs children in sessions of their own: a Ctrl-C meant for us reaches us alone, and we choose the order.

Each child is recorded in `home/run/<name>.json` before anything else happens: after a `kill -9` of ours
the next start ends what is left of them. Output goes to `home/logs/<name>.log`, one file per start.
"""

import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from signal import SIGKILL, SIGTERM

from sandbox.demo import interruptions
from sandbox.problems import ProblemError
from sandbox.processes import Identity, send, wait_gone

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 8.0  # seconds between asking a child to end and ending it


class ChildError(ProblemError):
    """A child failed or ended; one sentence that says which and where to look."""


class Supervisor:
    """The children of one installation, by name."""

    def __init__(self, home: Path) -> None:
        self._run = home / "run"
        self._logs = home / "logs"
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._tasks: set[str] = set()

    @property
    def busy(self) -> bool:
        """Whether there are children to stop."""
        return bool(self._children)

    def log(self, name: str) -> Path:
        """Where the child's output goes."""
        return self._logs / f"{name}.log"

    def begin(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a child that is meant to end; `finish` waits for it."""
        self._tasks.add(name)
        self.start(name, arguments, environment)

    def start(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start `python <arguments>` in the repository's folder."""
        self._logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.log(name).open("wb") as log, interruptions.held():
            child = subprocess.Popen(  # noqa: S603
                [sys.executable, *arguments],
                env=dict(environment),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            self._children[name] = child
            if identity := Identity.of(child.pid):
                identity.save(self._record(name))

    def finish(self, name: str) -> None:
        """Wait until a child that is meant to end has ended. Raises ChildError when it failed."""
        code = self._children[name].wait()
        self._children.pop(name)
        self._record(name).unlink(missing_ok=True)
        if code:
            raise ChildError(f"{name} failed; {self.log(name)} says why.")

    def ended(self) -> str | None:
        """The name of a child that ended by itself and was not meant to, if any did."""
        serving = ((name, child) for name, child in self._children.items() if name not in self._tasks)
        return next((name for name, child in serving if child.poll() is not None), None)

    def stop(self, *names: str) -> None:
        """End these children (all when none is named) and everything in their sessions."""
        chosen = [name for name in self._children if name in names or not names]
        leaders = [one for name in chosen if (one := Identity.load(self._record(name)))]
        _end(leaders)
        for name in chosen:
            self._children.pop(name).wait()
            self._record(name).unlink(missing_ok=True)

    def end_leftovers(self) -> list[str]:
        """End what a killed run left behind; the names of those that still ran."""
        records = sorted(self._run.glob("*.json")) if self._run.exists() else []
        found = {path: one for path in records if (one := Identity.load(path)) and one.session()}
        _end(found.values())
        for path in records:
            path.unlink()
        return [path.stem for path in found]

    def _record(self, name: str) -> Path:
        return self._run / f"{name}.json"


def _end(leaders: Collection[Identity]) -> None:
    """Ask the leaders, who end their own children; then end whatever is left of their sessions."""
    asked = [one for leader in leaders for one in ([leader] if leader.alive() else leader.session())]
    send(SIGTERM, asked)
    wait_gone(asked, PATIENCE)
    left = [one for leader in leaders for one in leader.session()]
    send(SIGKILL, left)
    wait_gone(left, PATIENCE)
