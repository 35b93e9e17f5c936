"""The parts of one desk on this machine: started in order, stopped in reverse."""

import contextlib
import time
import urllib.request
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Self

from sandbox.demo import catalogue, environment, hub, interruptions, publisher
from sandbox.demo.environment import Ports
from sandbox.demo.supervisor import ChildError, Supervisor
from sandbox.postgres import Postgres
from sandbox.problems import ProblemError
from sandbox.processes import taken

DATABASE = "gatehouse"
DESK = {
    "web": (
        "-m",
        "gunicorn",
        "portal.wsgi",
        "--no-control-socket",
        "--workers=1",
        "--threads=8",
        "--bind=127.0.0.1:{port}",
    ),
    "worker": ("-m", "celery", "-A", "portal", "worker", "--pool=threads", "--concurrency=4", "--loglevel=INFO"),
    "beat": ("-m", "celery", "-A", "portal", "beat", "--pidfile=", "--loglevel=WARNING"),
    "intake": ("manage.py", "intake"),
}
ADMINISTRATOR = "ada@example.com"
PATIENCE = 60.0


class PortTakenError(ProblemError):
    """Somebody else listens on a port of ours; one sentence that says which and what to do."""


class Installation:
    """One desk with its own AWS under `home`; `say` is told each stage. Without `fsync` nothing is kept.

    `spokes` are the other accounts it works for; `hub` has the outputs of its hub stack once it is deployed.
    """

    def __init__(
        self,
        home: Path,
        ports: Ports,
        say: Callable[[str], None],
        *,
        fsync: bool = True,
        spokes: Collection[str] = (),
    ) -> None:
        self.home = home.resolve()
        self.ports = ports
        self.postgres = Postgres(self.home, fsync=fsync)
        self.supervisor = Supervisor(self.home)
        self.clients = hub.clients(ports.sandbox_url)
        self.spokes = spokes
        self.hub: dict[str, str] = {}
        self._say = say

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def environment(self) -> dict[str, str]:
        """What the desk's processes are told, before the hub stack has said its addresses."""
        urls = self.postgres.app_url(DATABASE), self.postgres.owner_url(DATABASE)
        return environment.desk(self.home, self.ports, urls, self.spokes)

    @property
    def running(self) -> bool:
        """Whether anything of it runs."""
        return self.postgres.pid is not None or self.supervisor.busy

    def start(self) -> None:
        """Bring everything up. Raises ProblemError."""
        if left := self.supervisor.end_leftovers():
            self._say(f"ended what an earlier run left behind: {', '.join(left)}")
        self._check_ports()
        self._say("starting PostgreSQL and the sandbox")
        self._start_sandbox()
        with interruptions.held():
            self.postgres.start()
        self.postgres.create_database(DATABASE)
        self._say("migrating the database")
        self.supervisor.begin("migrate", ("manage.py", "migrate", "--no-input"), self.environment)
        self._await("sandbox", f"{self.ports.sandbox_url}/_gatehouse/health")
        self._say("deploying Gatehouse into the sandbox's AWS account")
        self.hub = hub.prepare(self.ports.desk_url, self.ports.sandbox_url, ADMINISTRATOR, self.spokes)
        catalogue.register(self.clients, notify_arn=self.hub["NotifyArn"], verify_arn=self.hub["VerifyArn"])
        self.supervisor.finish("migrate")
        self._say("starting web, worker, beat and intake, and making the cast")
        self.supervisor.begin("fill", ("-m", "sandbox.demo.fill"), self.environment)
        self._start_desk()
        self.supervisor.finish("fill")

    def enliven(self) -> None:
        """More launches, and the doctor's first look, while the desk is open already."""
        self.supervisor.begin("lively", ("-m", "sandbox.demo.lively"), self.environment)

    def stop(self) -> None:
        """End the desk first, then its AWS, then its database. Safe at any time."""
        self.supervisor.stop("lively", *DESK)
        self.supervisor.stop()
        self.postgres.stop()

    def check(self) -> None:
        """Raises ChildError when a part ended by itself."""
        if name := self.supervisor.ended():
            raise ChildError(f"{name} ended; {self.supervisor.log(name)} says why.")
        if self.postgres.pid is None:
            raise ChildError(f"PostgreSQL ended; {self.postgres.log} says why.")

    def _check_ports(self) -> None:
        for name, port in (("PORT", self.ports.desk), ("SANDBOX_PORT", self.ports.sandbox)):
            if taken(port):
                raise PortTakenError(f"Port {port} is taken: `make demo {name}={port + 1}` uses another.")

    def _start_sandbox(self) -> None:
        state = str(self.home / "sandbox")
        command = ("-m", "sandbox", "--port", str(self.ports.sandbox), "--state", state)
        self.supervisor.start("sandbox", command, environment.inherited())

    def _start_desk(self) -> None:
        queue = {"GATEHOUSE_QUEUE_URL": self.hub["QueueUrl"]}
        talk = {
            "GATEHOUSE_FILES_BUCKET": self.hub["FilesBucket"],
            "GATEHOUSE_MAIL_BUCKET": self.hub["MailBucket"],
            "GATEHOUSE_REPLY_DOMAIN": environment.REPLY_DOMAIN,
        }
        common = self.environment | queue | talk | publisher.prepare(self.clients)
        signing = {"GATEHOUSE_SIGNING_KEY": self.hub["SigningKeyArn"]}
        for name, arguments in DESK.items():
            told = common | signing if name == "worker" else common
            self.supervisor.start(name, [part.format(port=self.ports.desk) for part in arguments], told)
        self._await("web", f"{self.ports.desk_url}/readyz")

    def _await(self, name: str, url: str) -> None:
        """Wait until a part answers 200."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            self.check()
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
                if answer.status == 200:
                    return
            time.sleep(0.05)
        raise ChildError(f"{name} did not answer within {PATIENCE:g} s; {self.supervisor.log(name)} says why.")
