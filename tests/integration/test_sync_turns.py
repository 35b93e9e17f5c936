"""Whose turn it is: every place is served in turn, and a run that no worker survives is given up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from catalog.models import Place, SyncRun
from catalog.models.places import TAKEOVER
from catalog.sync import problems, runs
from portal import clock

pytestmark = pytest.mark.django_db
ACCOUNT = "111122223333"


def place(region: str) -> Place:
    now = clock.now()
    return Place.objects.create(account=ACCOUNT, region=region, created_at=now, next_at=now)


def test_a_run_that_no_worker_survives_is_given_up() -> None:
    where, now = place("us-east-1"), clock.now()
    first = runs.claim(now)
    assert first is not None
    for taken in range(1, runs.MOST_TAKEOVERS + 1):
        now += TAKEOVER + timedelta(seconds=1)
        again = runs.claim(now)
        assert again is not None
        assert (again.pk, again.takeovers) == (first.pk, taken)
    Place.objects.update(next_at=now + timedelta(hours=1))
    now += TAKEOVER + timedelta(seconds=1)
    assert runs.claim(now) is None
    first.refresh_from_db()
    assert (first.result, first.error) == ("failed", "worker_lost")
    assert "memory" in problems.of_run("worker_lost")
    Place.objects.update(next_at=now)
    new = runs.claim(now)
    assert new is not None
    assert (new.place, new.takeovers) == (where, 0)


@pytest.mark.parametrize("end", ["put_down", "stumble"])
def test_a_slice_that_ended_well_is_a_new_beginning(end: str) -> None:
    place("us-east-1")
    now = clock.now()
    assert runs.claim(now)
    run = runs.claim(now + TAKEOVER + timedelta(seconds=1))
    assert run is not None
    assert run.takeovers == 1
    if end == "put_down":
        runs.put_down(run)
    else:
        runs.stumble(run, "throttled", now)
    run.refresh_from_db()
    assert run.takeovers == 0


def test_one_long_run_keeps_no_other_place_waiting() -> None:
    big, now = place("us-east-1"), clock.now()
    run = runs.claim(now)
    assert run is not None
    runs.put_down(run)
    others = [place("eu-west-1"), place("eu-central-1")]
    served = []
    for _turn in range(6):
        now += timedelta(minutes=1)
        run = runs.claim(now)
        assert run is not None
        served.append(run.place)
        runs.put_down(run)
    assert served[2] == served[5] == big, "it comes round again"
    assert set(served[:2]) == set(served[3:5]) == set(others)


def test_a_place_that_was_served_lately_waits_for_the_others() -> None:
    quick, now = place("us-east-1"), clock.now()
    run = runs.claim(now)
    assert run is not None
    runs.finish(run, "done", "", now)  # type: ignore[arg-type]
    Place.objects.filter(pk=quick.pk).update(next_at=now - timedelta(hours=1))
    slow = place("eu-west-1")
    now += timedelta(minutes=1)
    assert [(found := runs.claim(now)) and found.place for _ in range(3)] == [slow, quick, None]
    assert SyncRun.objects.open().count() == 2
