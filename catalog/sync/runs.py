"""Runs: begun, claimed, put down, ended. A claim is (row, number of the claim), and waits for no lock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery

from catalog.models import Place, SyncRun
from catalog.models.places import Result, SyncRunQuerySet

# What a run believes without asking, although AWS could have changed it without a trace.
BELIEVED = timedelta(hours=6)
# Answers that may come later: how long a run is put down after each one in a row, then it fails.
PAUSES = (timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=5))
# A run that takes its worker down every time is given up.
MOST_TAKEOVERS = 4
_KEPT_RUNS = 200
_NEVER = datetime.min.replace(tzinfo=UTC)


@transaction.atomic(durable=True)
def claim(now: datetime, place: Place | None = None) -> SyncRun | None:
    """Take an unfinished run that nobody is at, or begin one where it is due: at whichever place nobody has been for
    longest. With `place`: there, due or not.

    None where there is nothing to do, or others are at it. A run that several workers did not survive has failed.
    """
    lost = SyncRun.objects.abandoned(now)
    lost.filter(takeovers__gte=MOST_TAKEOVERS).update(
        finished_at=now, heartbeat_at=None, resume_at=None, result=Result.FAILED, error="worker_lost"
    )
    run = _waiting(now, place)
    if run is None or place is None:
        idle = _idle(now, place)
        if idle is not None and (run is None or (idle.served or _NEVER) < (run.claimed_at or _NEVER)):
            run = _begin(idle.place, now)
    if run is None:
        return None
    run.takeovers += 1 if run.heartbeat_at else 0
    run.claims += 1
    run.claimed_at = run.heartbeat_at = now
    run.resume_at = None
    run.save(update_fields=["claims", "claimed_at", "takeovers", "heartbeat_at", "resume_at"])
    return run


def _waiting(now: datetime, wanted: Place | None) -> SyncRun | None:
    free = SyncRun.objects.free(now).select_for_update(skip_locked=True, of=("self",))
    chosen = free.rested(now).filter(place__enabled=True) if wanted is None else free.filter(place=wanted)
    return chosen.select_related("place").order_by(F("claimed_at").asc(nulls_first=True), "pk").first()


@dataclass(frozen=True, slots=True)
class _Idle:
    """`served`: when a worker last took a run there."""

    place: Place
    served: datetime | None


def _idle(now: datetime, wanted: Place | None) -> _Idle | None:
    chosen = Place.objects.due(now) if wanted is None else Place.objects.filter(pk=wanted.pk)
    newest = SyncRun.objects.filter(place=OuterRef("pk")).order_by("-pk").values("claimed_at")[:1]
    idle: QuerySet[Place] = chosen.exclude(runs__in=SyncRun.objects.open()).annotate(served=Subquery(newest))
    in_turn = idle.order_by(F("served").asc(nulls_first=True), "next_at")
    place = in_turn.select_for_update(skip_locked=True, of=("self",)).first()
    # Who held the place's lock just before may have begun one.
    if place is None or SyncRun.objects.open().filter(place=place).exists():
        return None
    return _Idle(place, getattr(place, "served", None))


def _begin(place: Place, now: datetime) -> SyncRun:
    run = SyncRun.objects.create(place=place, started_at=now, renew_before=now if place.thorough else now - BELIEVED)
    place.begun_at, place.thorough = now, False
    place.next_at = now + timedelta(minutes=settings.GATEHOUSE_SYNC_MINUTES)
    place.save(update_fields=["begun_at", "next_at", "thorough"])
    return run


def put_down(run: SyncRun) -> None:
    """The slice is over: whoever comes next goes on."""
    _held(run).update(heartbeat_at=None, resume_at=None, stumbles=0, takeovers=0, calls=run.calls)


def stumble(run: SyncRun, code: str, now: datetime) -> None:
    """AWS does not answer for now: put down for a while, and after some times in a row the run has failed."""
    if run.stumbles >= len(PAUSES):
        finish(run, Result.FAILED, code, now)
        return
    _held(run).update(
        heartbeat_at=None,
        resume_at=now + PAUSES[run.stumbles],
        stumbles=run.stumbles + 1,
        takeovers=0,
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
