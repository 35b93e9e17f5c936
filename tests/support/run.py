"""What one test run shares: an embedded PostgreSQL and one sandbox, whatever the number of xdist workers.

The controlling process makes the run folder and ends what was started; whoever needs a part first starts it,
under a file lock, and the others read its address.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import psycopg
from cryptography.fernet import Fernet

from sandbox import processes
from sandbox.postgres import OUTSIDE, Postgres
from sandbox.process import SandboxProcess
from sandbox.processes import Identity, free_port

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = "gatehouse_template"
_RUN, _PREFIX = "GATEHOUSE_TEST_RUN", "gatehouse-tests-"
_MEMORY, _ROOM = Path("/dev/shm"), 4 << 30
_kept: list[Postgres | SandboxProcess] = []


@atexit.register
def _run_on() -> None:
    """Servers run on until the end of the run, longer than the process that started them. No finaliser complains."""
    for server in _kept:
        if server._process is not None:
            server._process.returncode = 0


def begin(place: Path | None = None) -> Path:
    """Make the run folder, in `place` if given, and the environment the settings read; workers inherit both."""
    for left in (place or Path(tempfile.gettempdir())).glob(f"{_PREFIX}*"):
        _forget_if_killed(left)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    (folder / "pid").write_text(str(os.getpid()))
    port = free_port()
    postgres = Postgres(folder, port, fsync=False)
    os.environ |= {
        _RUN: str(folder),
        "GATEHOUSE_HOME": str(folder),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DJANGO_SECRET_KEY": secrets.token_hex(32),
        "GATEHOUSE_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "DATABASE_URL": postgres.app_url("postgres"),
        "DATABASE_OWNER_URL": postgres.owner_url(TEMPLATE),
        "GATEHOUSE_DESK_URL": "http://localhost:8000",
        "GATEHOUSE_ACCOUNTS": "",
        "AWS_ENDPOINT_URL": f"http://localhost:{free_port()}",
        "AWS_ACCESS_KEY_ID": account(),
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        os.environ.pop(name, None)
    return folder


def _forget_if_killed(run: Path) -> None:
    """What a run of ours left that was killed; in memory it would stay there."""
    try:
        if run.lstat().st_uid == os.getuid():
            os.kill(int((run / "pid").read_text()), 0)
    except ProcessLookupError:
        _forget(run)
    except (OSError, ValueError):
        return


def memory() -> Path | None:
    """A folder in memory with enough room for the databases of a run. Each test that commits has one of its own, of a
    thousand files, and a file system on a disk takes longer for those than most tests."""
    try:
        found = os.statvfs(_MEMORY)
    except OSError:
        return None
    runs_programs = not found.f_flag & os.ST_NOEXEC
    return _MEMORY if runs_programs and found.f_bavail * found.f_frsize > _ROOM else None


def folder() -> Path:
    return Path(os.environ[_RUN])


def account() -> str:
    """One AWS account per worker keeps their stacks, queues and topics apart."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return f"1000000000{int(worker):02d}"


def _once(name: str, server: Postgres | SandboxProcess, prepare: Callable[[], None] = lambda: None) -> None:
    """Start it unless another process has, and note who it is for whoever ends the run."""
    note = folder() / f"{name}.json"
    with (folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if note.exists():
            return
        server.start()
        _kept.append(server)
        prepare()
        if started := Identity.of(server.pid or 0):
            started.save(note)


def postgres() -> Postgres:
    """The run's server, with the migrated template database in it."""
    from django.conf import settings

    port = int(str(settings.DATABASES["default"]["PORT"]))
    server = Postgres(folder(), port, fsync=False, outside=_MEMORY if folder().parent == _MEMORY else OUTSIDE)

    def prepare() -> None:
        server.create_database(TEMPLATE)
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=ROOT,
            check=True,
            env=os.environ | {"DATABASE_URL": server.app_url(TEMPLATE)},
        )

    _once("postgres", server, prepare)
    return server


def sandbox_url() -> str:
    """The endpoint of the run's sandbox."""
    port = int(os.environ["AWS_ENDPOINT_URL"].rpartition(":")[2])
    process = SandboxProcess(state=folder() / "sandbox", port=port, log=folder() / "sandbox.log")
    _once("sandbox", process)
    return process.url


def clone(name: str) -> None:
    with psycopg.connect(postgres().owner_url("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE}')


def drop(name: str) -> None:
    with psycopg.connect(postgres().owner_url("postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def end(run: Path) -> None:
    """End what this run started, and only that."""
    while _kept:
        _kept.pop().stop()
    _forget(run)


def _forget(run: Path) -> None:
    """Nothing may write there any more when the folder goes, or what is written last stays."""
    if sandbox := Identity.load(run / "sandbox.json"):
        processes.end(sandbox, (signal.SIGTERM, 30))
        processes.send(signal.SIGKILL, sandbox.session())
    Postgres(run, fsync=False).forget()
    shutil.rmtree(run, ignore_errors=True)
