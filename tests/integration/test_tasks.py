"""The tasks: their names, and that one row or one slow run never holds the others."""

import threading
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
