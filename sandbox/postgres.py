"""An embedded PostgreSQL, run as our own child on loopback.

A cluster is whole or not there: `initdb` works in a side folder that is renamed once the roles exist. Nobody
can sign in as the superuser, only as the two roles. PostgreSQL refuses to run as root; then an unprivileged
account runs it, from a folder of its own where it cannot reach ours. No permission of a folder not made here
is changed.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import psycopg

from sandbox import secrets
from sandbox.pgwheel import PostgresError, copied, installation
from sandbox.processes import Identity, command_line, end, free_port, taken

OWNER, APP = "gatehouse_owner", "gatehouse_app"
OUTSIDE = Path("/var/tmp")  # noqa: S108 - survives a reboot, and every account can reach it
SETTINGS = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "200"}
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
}
START, STOP = 30.0, 10.0
ENDING = ((signal.SIGINT, STOP), (signal.SIGQUIT, STOP), (signal.SIGKILL, STOP))


class Postgres:
    """One server and its cluster: `home/postgres` (data), `home/secrets`, `home/logs/postgres.log`.

    `port` 0 takes a free one. Without `fsync` the data does not survive a crash of the machine and is thrown
    away on leaving the `with` block: for tests. `outside`: where the cluster lies if it cannot lie in `home`.
    """

    def __init__(self, home: Path, port: int = 0, *, fsync: bool = True, outside: Path = OUTSIDE) -> None:
        self.home = home.resolve()
        self.port = port
        self.fsync = fsync
        self.outside = outside
        self.log = self.home / "logs" / "postgres.log"
        self._place = self.home / "postgres"
        self._account = None if os.geteuid() else _account(self.data)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if not self.fsync:
            self.forget()

    @property
    def data(self) -> Path:
        return self._place.resolve() / "data"

    @property
    def pid(self) -> int | None:
        """Process id of the running server; None when it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def owner_url(self, database: str) -> str:
        """For migrations: the role that owns every database and table."""
        return self._url(OWNER, database)

    def app_url(self, database: str) -> str:
        """For the desk: may do what the owner granted, creates nothing."""
        return self._url(APP, database)

    def start(self) -> None:
        """Make the cluster if there is none, end a server a killed run left behind, and serve."""
        self.log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._settle()
        if self.data.exists():
            self._end_leftover()
        else:
            self._initialise()
        attempts = 1 if self.port else 3
        for attempt in range(1, attempts + 1):
            port = self.port or free_port()
            if taken(port) and attempt == attempts:
                raise PostgresError(f"Port {port} is taken.")
            if self._serve(port):
                self.port = port
                return
        raise PostgresError(f"PostgreSQL did not start; {self.log} says why.")

    def stop(self) -> None:
        """End the server: fast shutdown first, then harder ones."""
        if self._process and (one := Identity.of(self._process.pid)):
            end(one, *ENDING)
            self._process.wait()
        self._process = None

    def forget(self) -> None:
        """Stop and delete the cluster, wherever it lies."""
        self.stop()
        if self._place.exists():
            self._end_leftover()
            shutil.rmtree(self._place.resolve())
        if self._place.is_symlink():
            self._place.unlink()

    def create_database(self, name: str) -> None:
        """Make it unless it exists."""
        with psycopg.connect(self.owner_url("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))

    def _url(self, role: str, database: str) -> str:
        return f"postgres://{role}:{self._password(role)}@127.0.0.1:{self.port}/{database}"

    def _password(self, role: str) -> str:
        return secrets.keep(self.home / "secrets", f"postgres-{role}")

    def _settle(self) -> None:
        """Decide where the cluster lies: in `home`, or behind a link, in a folder the account can reach."""
        if self._place.exists():
            if os.geteuid() and self._place.stat().st_uid != os.geteuid():
                raise PostgresError(f"{self._place} belongs to another user, who alone can start or reset it.")
            return
        self.home.mkdir(parents=True, exist_ok=True)
        if self._can("-x", self.home) and self._can("-x", installation() / "bin" / "postgres"):
            self._place.mkdir()
            return
        folder = Path(tempfile.mkdtemp(prefix="gatehouse-", dir=self.outside))
        folder.chmod(0o711)
        self._place.unlink(missing_ok=True)
        self._place.symlink_to(folder)

    def _can(self, test: str, path: Path) -> bool:
        """Whether the account that runs the server may do this with the path (`test`'s -r, -x …)."""
        return self._run(["/bin/sh", "-c", f'test {test} "$1"', "sh", str(path)]).returncode == 0

    def _program(self, name: str) -> str:
        """A binary the account can run, copied out of a folder it cannot read."""
        found = installation()
        if not self._can("-x", found / "bin" / "postgres"):
            found = copied(found, self._place.resolve())
        return str(found / "bin" / name)

    def _run(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "check": False}
        return subprocess.run(command, **{**output, **self._as_account(), **options})  # noqa: S603, PLW1510

    def _as_account(self) -> dict[str, Any]:
        environment = {"TZ": "UTC", "LC_ALL": "C", "PATH": os.defpath}
        options: dict[str, Any] = {"cwd": "/", "env": environment}
        if self._account:
            options |= {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}
        return options

    def _initialise(self) -> None:
        fresh = self.data.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if self._account:
            os.chown(fresh, self._account.pw_uid, self._account.pw_gid)
        locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        sync = () if self.fsync else ("--no-sync",)
        self._checked([self._program("initdb"), f"--pgdata={fresh}", "--auth=reject", *locale, *sync])
        roles = (f"CREATE ROLE {OWNER} LOGIN CREATEDB PASSWORD '{self._password(OWNER)}';\n",
                 f"CREATE ROLE {APP} LOGIN PASSWORD '{self._password(APP)}';\n",
                 # So that the owner can drop a database somebody is still connected to.
                 f"GRANT pg_signal_backend TO {OWNER};\n")  # fmt: skip
        single = [
            self._program("postgres"),
            "--single",
            "-c",
            "log_min_error_statement=panic",
            "-D",
            str(fresh),
        ]
        self._checked([*single, "postgres"], input="".join(roles).encode())
        (fresh / "pg_hba.conf").write_text(f"host all {OWNER},{APP} 127.0.0.1/32 scram-sha-256\n")
        fresh.rename(self.data)

    def _checked(self, command: list[str], **options: Any) -> None:
        done = self._run(command, **options)
        if done.returncode or b"ERROR:" in done.stdout:
            self.log.write_bytes(done.stdout)
            raise PostgresError(f"PostgreSQL's {Path(command[0]).name} failed; {self.log} says why.")

    def _end_leftover(self) -> None:
        """End the server of a run that was killed; a pid file that names a stranger is only a stale file."""
        record = self.data / "postmaster.pid"
        if not record.exists():
            return
        one = Identity.of(int(record.read_text().split("\n", 1)[0]))
        if one and str(self.data) in command_line(one.pid):
            end(one, *ENDING)
        record.unlink(missing_ok=True)

    def _serve(self, port: int) -> bool:
        """Start the server; False when it ended instead of serving."""
        settings = SETTINGS | {"port": str(port)} | ({} if self.fsync else FAST)
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [self._program("postgres"), "-D", str(self.data), *flags]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as_account(),
            )
        until = time.monotonic() + START
        while self._process.poll() is None and time.monotonic() < until:
            if self._ready():
                return True
            time.sleep(0.01)
        self.stop()
        return False

    def _ready(self) -> bool:
        """PostgreSQL says so itself, in line 8 of its pid file."""
        try:
            lines = (self.data / "postmaster.pid").read_text().split("\n")
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"


def _account(data: Path) -> pwd.struct_passwd | None:
    """Who runs the server when we are root: the owner of an existing cluster, else someone harmless."""
    if data.exists() and data.stat().st_uid:
        return pwd.getpwuid(data.stat().st_uid)
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresError("PostgreSQL does not run as root, and there is no account 'postgres' or 'nobody' here.")
