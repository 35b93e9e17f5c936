"""The embedded PostgreSQL: whole or not there, two roles, no leftovers, nobody's permissions changed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sandbox import processes
from sandbox.pgwheel import PostgresError
from sandbox.postgres import Postgres


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with Postgres(tmp_path_factory.mktemp("shared") / "home", fsync=False) as server:
        server.create_database("desk")
        yield server


def test_application_role_reads_what_it_was_granted_and_creates_nothing(postgres: Postgres) -> None:
    with psycopg.connect(postgres.owner_url("desk")) as owner:
        owner.execute("CREATE TABLE fact (n int)")
        owner.execute("GRANT SELECT ON fact TO gatehouse_app")
    with psycopg.connect(postgres.app_url("desk")) as app:
        assert app.execute("SELECT count(*) FROM fact").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("CREATE TABLE other (n int)")


def test_cluster_is_utf8_with_a_collation_that_is_the_same_everywhere(postgres: Postgres) -> None:
    query = "SELECT pg_encoding_to_char(encoding), datlocprovider, datlocale FROM pg_database WHERE datname = %s"
    with psycopg.connect(postgres.app_url("desk")) as app:
        assert app.execute(query, ["desk"]).fetchone() == ("UTF8", "b", "C.UTF-8")


def test_nobody_signs_in_as_superuser_or_without_a_password(postgres: Postgres) -> None:
    for role in ("postgres", "nobody", "root", "gatehouse_owner"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(f"postgres://{role}@127.0.0.1:{postgres.port}/desk")


def test_server_listens_on_loopback_only_and_passwords_are_the_owners_alone(postgres: Postgres) -> None:
    with psycopg.connect(postgres.app_url("desk")) as app:
        assert app.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
    modes = {path.stat().st_mode & 0o777 for path in (postgres.home / "secrets").iterdir()}
    assert modes == {0o600}


def test_data_survives_a_killed_runner_whose_server_is_ended_first(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = Postgres(home)
    first.start()
    first.create_database("desk")
    with psycopg.connect(first.owner_url("desk")) as owner:
        owner.execute("CREATE TABLE fact AS SELECT 42 AS n")
    left = first.pid
    second = Postgres(home)  # knows nothing of the first, like the runner after `kill -9`
    second.start()
    try:
        assert left is not None
        assert second.pid != left
        with psycopg.connect(second.owner_url("desk")) as owner:
            assert owner.execute("SELECT n FROM fact").fetchone() == (42,)
        first.stop()
    finally:
        second.forget()
    assert not second.data.exists()


def test_pid_file_that_names_a_stranger_is_only_a_stale_file(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "home")
    server.start()
    server.stop()
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        (server.data / "postmaster.pid").write_text(f"{stranger.pid}\n{server.data}\n0\n5432\n")
        server.start()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
        server.forget()


def test_interrupted_first_start_leaves_nothing_that_looks_like_a_cluster(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "home", fsync=False)
    server.start()
    server.stop()
    server.data.rename(server.data.with_name("data.new"))
    with server:
        assert server.pid


def test_taken_port_is_one_sentence(postgres: Postgres, tmp_path: Path) -> None:
    other = Postgres(tmp_path / "other", port=postgres.port, fsync=False)
    with pytest.raises(PostgresError, match=f"Port {postgres.port} is taken"):
        other.start()
    other.forget()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to change its account")
def test_as_root_an_unprivileged_account_serves_and_a_private_folder_stays_private(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    with Postgres(private / "home", fsync=False) as server:
        assert server.pid
        assert Path(f"/proc/{server.pid}").stat().st_uid != 0
        assert not server.data.is_relative_to(private)
    assert private.stat().st_mode & 0o777 == 0o700
    assert not server.data.exists()


def test_process_is_known_by_pid_and_start_time() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    one = processes.Identity.of(child.pid)
    assert one is not None
    assert one.alive()
    assert not processes.Identity(one.pid, one.started - 60).alive()
    assert processes.end(one, (signal.SIGTERM, 10))
    child.wait()
    assert processes.Identity.of(child.pid) is None
