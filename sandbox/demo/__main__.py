"""`make demo` and `make reset`."""

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

from sandbox.demo import claim, database, interruptions, waiting
from sandbox.demo.environment import Ports
from sandbox.demo.installation import Installation
from sandbox.demo.supervisor import ROOT, Supervisor
from sandbox.demo.welcome import welcome
from sandbox.postgres import Postgres
from sandbox.problems import ProblemError

KEPT = ("secrets", "sandbox", "run", "logs")


def home() -> Path:
    """Where this installation keeps everything."""
    return Path(os.environ.get("GATEHOUSE_HOME") or ROOT / ".gatehouse").resolve()


def say(sentence: str) -> None:
    """One line of progress, visible at once."""
    sys.stdout.write(f"  {sentence}\n")
    sys.stdout.flush()


def run(ports: Ports) -> None:
    """Start everything, say where it is, and stay until interrupted or until a part ends."""
    started = time.monotonic()
    with claim.claimed(home()):
        installation = Installation(home(), ports, say)
        try:
            installation.start()
            database.connect(installation.environment)
            say("opening launches that wait for a decision")
            waiting.keep_waiting(installation)
            sys.stdout.write(welcome(installation, time.monotonic() - started))
            sys.stdout.flush()
            installation.enliven()
            while True:
                time.sleep(0.5)
                installation.check()
        finally:
            interruptions.ignore()
            if installation.running:
                say("stopping")
            installation.stop()


def reset() -> None:
    """Stop what runs and delete everything it kept."""
    claim.end_holder(home())
    Supervisor(home()).end_leftovers()
    Postgres(home()).forget()
    for name in KEPT:
        shutil.rmtree(home() / name, ignore_errors=True)
    if not any(home().iterdir()):
        home().rmdir()
    say("forgotten")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("run", "reset"), default="run")
    parser.add_argument("--port", type=int, default=8000, help="where the desk answers")
    parser.add_argument("--sandbox-port", type=int, default=4566, help="where the local AWS answers")
    options = parser.parse_args()
    interruptions.listen()
    try:
        if options.command == "reset":
            reset()
        else:
            run(Ports(options.port, options.sandbox_port))
    except KeyboardInterrupt:
        say("stopped")
        return 0
    except ProblemError as problem:
        sys.stderr.write(f"gatehouse: {problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
