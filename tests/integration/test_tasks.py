"""The tasks: their names, and that one row or one slow run never holds the others."""

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings

from approvals import actions, tasks
from approvals.choices import State
from approvals.hints import Hint
from approvals.models import LaunchRequest
from portal.celery import app
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch


def test_every_scheduled_task_and_every_hint_exists() -> None:
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert scheduled | {hint.value for hint in Hint} <= set(app.tasks)
    assert tasks.drain_signals.name == Hint.SIGNALS


def test_no_task_takes_an_argument() -> None:
    for name, task in app.tasks.items():
        if name.startswith("approvals."):
            assert task.run.__code__.co_argcount == 0, name


def test_request_that_cannot_be_expired_holds_no_other(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, fresh = (open_launch(now()) for _ in range(3))
    LaunchRequest.objects.filter(pk__in=[first.pk, second.pk]).update(deadline=now())
    expire = actions.expire

    def sometimes(pk: int, **rest: Any) -> object:
        if pk == first.pk:
            raise RuntimeError("bug")
        return expire(pk, **rest)

    monkeypatch.setattr(tasks, "expire", sometimes)
    tasks.expire_requests()
    states = {request.pk: request.state for request in LaunchRequest.objects.all()}
    assert states == {first.pk: State.PENDING, second.pk: State.EXPIRED, fresh.pk: State.PENDING}


def test_task_that_still_runs_is_not_started_again_in_the_same_process() -> None:
    runs, gate, started = list[int](), threading.Event(), threading.Event()

    @tasks._alone
    def slow() -> None:
        runs.append(1)
        started.set()
        gate.wait(60)

    thread = threading.Thread(target=slow)
    thread.start()
    assert started.wait(60)
    slow()
    gate.set()
    thread.join()
    assert len(runs) == 1
    slow()
    assert len(runs) == 2


def in_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "current_task", SimpleNamespace(request=SimpleNamespace(called_directly=False)))


def test_slow_work_leaves_the_workers_threads_to_signals_and_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a worker every slow task returns at once, and one that is still at work is not started twice."""
    stalled, begun = threading.Event(), list[str]()

    def slow() -> None:
        begun.append(threading.current_thread().name)
        stalled.wait(10)

    in_a_worker(monkeypatch)
    task = tasks._aside(slow)
    before = threading.active_count()
    for _ in range(20):
        task()
    assert threading.active_count() <= before + 20
    until = time.monotonic() + 5
    while threading.active_count() > before + 1 and time.monotonic() < until:
        time.sleep(0.01)
    assert begun == ["slow"]
    stalled.set()


def test_every_task_that_asks_much_of_aws_runs_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    in_a_worker(monkeypatch)
    started = list[str]()

    class Recorded(threading.Thread):
        def start(self) -> None:
            started.append(self.name)

    monkeypatch.setattr(threading, "Thread", Recorded)
    slow = [
        tasks.sync_catalogue,
        tasks.cover_catalogue,
        tasks.read_templates,
        tasks.lint_templates,
        tasks.publish,
        tasks.examine,
        tasks.reconcile,
        tasks.name_updaters,
    ]
    for task in slow:
        task()
    assert started == [task.__name__ for task in slow]
