"""`make compose-check`: brings the containers up and sees one launch approved through them.

Talks to them as anybody outside would: the desk's pages and the AWS API on the ports they publish. COMPOSE_FILE
may name further files, as always with Compose.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

from sandbox.compose import dotenv
from sandbox.demo import hub
from sandbox.demo.catalogue import DATA_SANDBOX, start_launch
from sandbox.demo.people import RAVI
from sandbox.demo.supervisor import ROOT
from sandbox.problems import ProblemError
from sandbox.smoke.browser import Browser

DESK, SANDBOX, APPROVER = "http://localhost:8000", "http://localhost:4566", "amir@example.com"
SERVING = ("postgres", "sandbox", "web", "worker", "beat", "intake")
CAST = "/state/secrets/cast.json"
T = TypeVar("T")


def main() -> int:
    dotenv.main()
    try:
        say("building and starting the containers")
        compose("up", "--build", "-d")
        until("every service to be healthy", 240, all_healthy)
        client = hub.clients(SANDBOX)
        name = f"compose-{int(time.time())}"
        given = {"UserEmail": RAVI.email, "Purpose": "See that the containers work."}
        stack_id = start_launch(client, DATA_SANDBOX, RAVI, name, given).stack_id
        say(f"launched {name}")
        request = until("the desk to hear of it", 60, lambda: request_of(stack_id))
        approve(request)
        say(f"approved {request['number']} at the desk")
        cloudformation = client("cloudformation")
        status = until("the stack to end", 60, lambda: final_status(cloudformation, stack_id))
    except ProblemError as problem:
        sys.stderr.write(f"gatehouse: {problem}\n")
        return 1
    say(f"the stack is {status}")
    return 0 if status == "CREATE_COMPLETE" else 1


def compose(*arguments: str) -> str:
    """Run Compose, whichever of the two there is; what it wrote."""
    words = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
    return run(*words, *arguments)


def run(*command: str) -> str:
    """What a command wrote. Raises ProblemError when it failed; its own words are on the terminal by then."""
    try:
        done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)  # noqa: S603
    except FileNotFoundError:
        raise ProblemError(f"There is no {command[0]} on this machine.") from None
    if done.returncode:
        raise ProblemError(f"`{' '.join(command)}` failed.")
    return done.stdout.strip()


def until(what: str, seconds: float, look: Callable[[], T | None]) -> T:
    """What `look` finds, asked again until it finds something. Raises ProblemError when the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.5)
    raise ProblemError(f"Waited {seconds:g} s for {what}.")


def all_healthy() -> bool:
    """Whether each service is healthy, or at least running where it has no health check of its own."""
    form = "{{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}"
    containers = [compose("ps", "-q", service) for service in SERVING]
    states = [run("docker", "inspect", "--format", form, one) if one else "missing" for one in containers]
    return all(state in ("healthy", "running") for state in states)


def request_of(stack_id: str) -> dict[str, str] | None:
    """The desk's request for this stack, as `manage.py request_json` shows it."""
    found = compose("exec", "-T", "web", "python", "manage.py", "request_json", "--all-open")
    return next((request for request in json.loads(found) if request["stack_id"] == stack_id), None)


def approve(request: dict[str, str]) -> None:
    """Sign in at the desk as an approver and press the button."""
    passwords: dict[str, str] = json.loads(compose("exec", "-T", "worker", "cat", CAST))
    desk = Browser(DESK)
    desk.sign_in(APPROVER, passwords[APPROVER])
    desk.decide(f"/requests/{request['uuid']}/", "approve")


def final_status(cloudformation: Any, stack_id: str) -> str | None:
    """The stack's status once nothing is in progress any more."""
    status = str(cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"])
    return None if status.endswith("IN_PROGRESS") else status


def say(sentence: str) -> None:
    sys.stdout.write(f"  {sentence}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
