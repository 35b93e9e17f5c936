"""How the demo's parts are started and ended: nothing of ours stays, nothing of others is touched."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.demo import claim, interruptions
from sandbox.demo.supervisor import ChildError, Supervisor
from sandbox.processes import Identity
from sandbox.smoke.browser import Page, PageError

# A child with a child of its own, which would outlive it.
PARENT = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
SLEEP = "import time; time.sleep(60)"


def eventually(look: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while not look():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def identity(home: Path, name: str) -> Identity:
    found = Identity.load(home / "run" / f"{name}.json")
    assert found is not None
    return found


def test_stopping_ends_a_child_with_all_it_started(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    supervisor.start("web", ["-c", f"{PARENT}; {SLEEP}"], os.environ)
    web = identity(tmp_path, "web")
    assert eventually(lambda: len(web.session()) == 2)
    supervisor.stop()
    assert web.session() == []
    assert not (tmp_path / "run" / "web.json").exists()


def test_next_start_ends_what_a_killed_run_left_and_no_stranger(tmp_path: Path) -> None:
    killed = Supervisor(tmp_path)
    killed.start("web", ["-c", SLEEP], os.environ)
    killed.start("intake", ["-c", PARENT], os.environ)  # ends, its child stays
    web, intake = identity(tmp_path, "web"), identity(tmp_path, "intake")
    assert eventually(lambda: not intake.alive() and len(intake.session()) == 1)
    stranger = subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True)
    Identity(stranger.pid, web.started - 3600).save(tmp_path / "run" / "worker.json")  # a pid that was given anew
    try:
        assert Supervisor(tmp_path).end_leftovers() == ["intake", "web"]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
        killed.stop()
    assert web.session() == intake.session() == []
    assert list((tmp_path / "run").iterdir()) == []


def test_part_that_ends_by_itself_is_named(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    supervisor.start("web", ["-c", SLEEP], os.environ)
    supervisor.start("beat", ["-c", "pass"], os.environ)
    assert eventually(lambda: supervisor.ended() == "beat")
    supervisor.stop()


def test_task_may_end_but_not_fail(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    supervisor.begin("good", ["-c", "pass"], os.environ)
    supervisor.begin("bad", ["-c", "print('why'); raise SystemExit(3)"], os.environ)
    supervisor.finish("good")
    assert supervisor.ended() is None
    with pytest.raises(ChildError, match=r"bad failed; .*bad\.log says why"):
        supervisor.finish("bad")
    assert "why" in supervisor.log("bad").read_text()


def test_second_runner_is_told_of_the_first(tmp_path: Path) -> None:
    said = f"process {os.getpid()}"
    with claim.claimed(tmp_path), pytest.raises(claim.AlreadyRunningError, match=said), claim.claimed(tmp_path):
        pass
    with claim.claimed(tmp_path):
        pass


def test_reset_asks_the_runner_to_stop_and_waits_for_it(tmp_path: Path) -> None:
    holding = f"""
import time
from pathlib import Path
from sandbox.demo import claim, interruptions
interruptions.listen()
with claim.claimed(Path({str(tmp_path)!r})):
    try:
        print("holding", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        time.sleep(0.2)
"""
    runner = subprocess.Popen([sys.executable, "-c", holding], stdout=subprocess.PIPE)
    assert runner.stdout is not None
    assert runner.stdout.readline() == b"holding\n"
    claim.end_holder(tmp_path, seconds=10)
    runner.stdout.close()
    assert runner.wait(5) == 0


@pytest.fixture
def listening() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in interruptions.SIGNALS}
    interruptions.listen()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("listening")
def test_interruption_between_starting_and_remembering_waits() -> None:
    steps = ["started"]

    def remember() -> None:
        with interruptions.held():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)
            steps.append("remembered")

    with pytest.raises(KeyboardInterrupt):
        remember()
    assert steps == ["started", "remembered"]
    os.kill(os.getpid(), signal.SIGHUP)  # the run is ending: nothing disturbs that


def test_form_is_found_by_where_its_buttons_go() -> None:
    page = Page(
        "http://desk/requests/1/",
        '<form action="/language/"><input type="hidden" name="csrf" value="a"></form>'
        '<form action="/requests/1/reject/"><input type="hidden" name="csrf" value="b">'
        '<button formaction="/requests/1/approve/">Approve</button></form>',
    )
    assert page.form("/approve/") == ("http://desk/requests/1/approve/", {"csrf": "b"})
    assert page.form("/reject/")[1] == {"csrf": "b"}
    with pytest.raises(PageError, match="no form for /withdraw/"):
        page.form("/withdraw/")
