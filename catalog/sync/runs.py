"""Runs: begun, claimed, put down, ended. A claim is (row, number of the claim), and waits for no lock."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from catalog.models import Place, SyncRun
from catalog.models.places import Result, SyncRunQuerySet

# What a run believes without asking, although AWS could have changed it without a trace.
BELIEVED = timedelta(hours=6)
# Answers that may come later: how long a run is put down after each one in a row, then it fails.
PAUSES = (timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=5))
_KEPT_RUNS = 200


@transaction.atomic(durable=True)
def claim(now: datetime, place: Place | None = None) -> SyncRun | None:
    """Take an unfinished run that nobody is at, else begin one where it is due. With `place`: there, due or not.

    None where there is nothing to do, or others are at it.
    """
    free = SyncRun.objects.free(now).select_for_update(skip_locked=True, of=("self",))
    chosen = free.rested(now).filter(place__enabled=True) if place is None else free.filter(place=place)
    run = chosen.select_related("place").order_by("heartbeat_at", "pk").first()
    if run is None:
        run = _begin(now, place)
    if run is None:
        return None
    run.claims += 1
    run.heartbeat_at, run.resume_at = now, None
    run.save(update_fields=["claims", "heartbeat_at", "resume_at"])
    return run


def _begin(now: datetime, wanted: Place | None) -> SyncRun | None:
    chosen = Place.objects.due(now) if wanted is None else Place.objects.filter(pk=wanted.pk)
    idle = chosen.exclude(runs__in=SyncRun.objects.open()).order_by("next_at")
    place = idle.select_for_update(skip_locked=True, of=("self",)).first()
    # Who held the place's lock just before may have begun one.
    if place is None or SyncRun.objects.open().filter(place=place).exists():
        return None
    run = SyncRun.objects.create(place=place, started_at=now, renew_before=now if place.thorough else now - BELIEVED)
    place.begun_at, place.thorough = now, False
    place.next_at = now + timedelta(minutes=settings.GATEHOUSE_SYNC_MINUTES)
    place.save(update_fields=["begun_at", "next_at", "thorough"])
    return run


def put_down(run: SyncRun) -> None:
    """The slice is over: whoever comes next goes on."""
    _held(run).update(heartbeat_at=None, resume_at=None, stumbles=0, calls=run.calls)


def stumble(run: SyncRun, code: str, now: datetime) -> None:
    """AWS does not answer for now: put down for a while, and after some times in a row the run has failed."""
    if run.stumbles >= len(PAUSES):
        finish(run, Result.FAILED, code, now)
        return
    _held(run).update(
        heartbeat_at=None,
        resume_at=now + PAUSES[run.stumbles],
        stumbles=run.stumbles + 1,
        error=code,
        calls=run.calls,
    )


def finish(run: SyncRun, result: Result, code: str, now: datetime) -> None:
    """Old runs of the place are forgotten."""
    _held(run).update(
        finished_at=now, heartbeat_at=None, resume_at=None, result=result, error=code[:200], calls=run.calls
    )
    old = SyncRun.objects.filter(place=run.place_id).order_by("-pk").values("pk")[_KEPT_RUNS:]
    SyncRun.objects.filter(pk__in=list(old.values_list("pk", flat=True)), finished_at__isnull=False).delete()


def _held(run: SyncRun) -> SyncRunQuerySet:
    return SyncRun.objects.open().filter(pk=run.pk, claims=run.claims)
