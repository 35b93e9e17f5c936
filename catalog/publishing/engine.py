"""Carries publications out: claim → look what is next → ask AWS → settle, until it is done or stands.

No lock is held while AWS is asked. Whoever listens (`told`) is told inside the transaction that settles, so what it
writes is there exactly when the fact is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import transaction

from catalog import places
from catalog.models import Publication, Step
from catalog.models.publishing import WORKED, Kind, Status
from catalog.publishing import afterwards
from catalog.publishing.planning import Plan, plan
from catalog.publishing.publisher import Publisher
from catalog.publishing.rows import MAKING
from catalog.publishing.steps import Changed, carry_out, kept
from catalog.sync.trouble import Passing, Trouble
from portal import clock
from portal.storable import storable

# How long a publication rests after each answer in a row that may be another one later; then it has failed.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 30, 60, 120, 300, 300, 300))

_log = logging.getLogger(__name__)


class Happening(StrEnum):
    PLANNED = "planned"
    REFUSED = "refused"
    CHANGED = "changed"
    STEP = "step"
    DONE = "done"
    FAILED = "failed"


# The publication, what happened to it, and the step where it is one.
Told = Callable[[Publication, Happening, Step | None], None]


class ClaimLost(Exception):
    """Another worker took it over, or somebody abandoned it."""


def work(told: Told, seconds: float) -> None:
    """What waits, for so long."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and (publication := claim(clock.now())) is not None:
        advance(publication, told)


@transaction.atomic(durable=True)
def claim(now: datetime, pk: int | None = None) -> Publication | None:
    """Take one that nobody is at; with `pk` that one, or none."""
    free = Publication.objects.free(now).select_for_update(skip_locked=True, of=("self",))
    chosen = free if pk is None else free.filter(pk=pk)
    found = chosen.select_related("product__place", "source__template", "gated").order_by("next_at", "pk").first()
    if found is not None:
        found.claims, found.claimed_at = found.claims + 1, now
        found.save(update_fields=["claims", "claimed_at"])
    return found


def advance(publication: Publication, told: Told) -> None:
    """Go on with a claimed publication as far as it goes. Raises nothing of AWS's."""
    try:
        _advance(publication, told)
    except ClaimLost:
        _log.info("a publication was taken over or abandoned", extra={"publication": publication.pk})
    except Passing as trouble:
        _rest(publication, trouble.code, told)
    except Trouble as trouble:
        _fail(publication, trouble.code, told)
    except Exception as error:  # noqa: BLE001 - its words may quote a template: only its name is kept
        _log.warning("a publication failed", extra={"publication": publication.pk, "error": type(error).__name__})
        _fail(publication, f"internal:{type(error).__name__}", told)


def _advance(publication: Publication, told: Told) -> None:
    publisher = Publisher(publication.product)
    if publication.status == Status.PLANNING:
        _settle_plan(publication, plan(publication, publisher), told)
        return
    for step in publication.steps.filter(done_at=None).order_by("pk"):
        with _holding(publication):
            Step.objects.filter(pk=step.pk).update(began_at=clock.now())
        try:
            changes = carry_out(publication, step, publisher)
        except Changed as changed:
            _settle_plan(publication, changed.plan, told, changed=True)
            return
        with _holding(publication):
            step.done_at = clock.now()
            step.save(update_fields=["done_at"])
            _save(publication, **changes, tries=0, error="")
            if step.kind != Kind.CHECK:
                told(publication, Happening.STEP, step)
    live = afterwards.look(publication, publisher)
    with _holding(publication):
        afterwards.keep(publication, live)
        _end(publication, Status.DONE)
        told(publication, Happening.DONE, None)


def _settle_plan(publication: Publication, found: Plan, told: Told, *, changed: bool = False) -> None:
    now = clock.now()
    with _holding(publication):
        values = {
            **_kept_of_what_was_done(publication, found),
            "verdict": found.verdict,
            "reason": found.reason,
            "notes": storable([note.kept() for note in found.notes]),
            "facts": found.facts,
            "shown": found.shown,
            "planned_at": now,
            "confirmed_at": None,
            "confirmed_by": None,
            "error": found.error,
            "tries": 0,
            **({"changed_at": now} if changed else {}),
        }
        if found.error:
            _end(publication, Status.REFUSED, **values)
            told(publication, Happening.REFUSED, None)
        elif found.is_empty:
            _end(publication, Status.DONE, **values)
            told(publication, Happening.DONE, None)
        else:
            _save(publication, status=Status.PLANNED, claimed_at=None, **values)
            told(publication, Happening.CHANGED if changed else Happening.PLANNED, None)


def _kept_of_what_was_done(publication: Publication, found: Plan) -> dict[str, Any]:
    """What was retired stays told; the steps to a new version do while the new plan's is the same. The template."""
    same = found.text is None or found.facts.get("gated") == publication.facts.get("gated")
    kinds = (*MAKING, Kind.RETIRE) if same else (Kind.RETIRE,)
    publication.steps.exclude(done_at__isnull=False, kind__in=kinds).delete()
    if same and publication.steps.filter(kind=Kind.TEMPLATE).exists():
        # A wrapper's is the stored one, which names the version of its child.
        return {}
    template = kept(found.text) if found.text is not None else None
    return {"gated": template} if same else {"gated": template, "artifact_id": ""}


def _rest(publication: Publication, code: str, told: Told) -> None:
    """AWS may answer otherwise later."""
    if publication.tries >= len(PAUSES):
        _fail(publication, code, told)
        return
    now = clock.now()
    with _unless_lost(), _holding(publication):
        if code == "mirror_behind" and publication.tries == 0 and publication.product.place:
            places.ask(publication.product.place, now)
        pause = PAUSES[publication.tries]
        _save(publication, tries=publication.tries + 1, error=code, claimed_at=None, next_at=now + pause)


def _fail(publication: Publication, code: str, told: Told) -> None:
    """It stands until somebody has it go on, or abandons it."""
    with _unless_lost(), _holding(publication):
        _save(publication, status=Status.FAILED, error=code[:200], claimed_at=None)
        _reread(publication)
        told(publication, Happening.FAILED, None)


def _end(publication: Publication, status: Status, **values: Any) -> None:
    _save(publication, **values, status=status, finished_at=clock.now(), claimed_at=None)
    _reread(publication)


def _reread(publication: Publication) -> None:
    if publication.product.place and publication.steps.exists():
        # So that the pages know the new version, and which ones are retired.
        places.ask(publication.product.place, clock.now())


def _save(publication: Publication, **values: Any) -> None:
    for name, value in values.items():
        setattr(publication, name, value)
    publication.save(update_fields=list(values))


@contextmanager
def _holding(publication: Publication) -> Iterator[None]:
    """One transaction, with a sign of life. Raises ClaimLost, and then stores nothing."""
    with transaction.atomic(durable=True):
        ours = Publication.objects.select_for_update().filter(
            pk=publication.pk, claims=publication.claims, status__in=WORKED
        )
        if not ours.exists():
            raise ClaimLost
        publication.claimed_at = clock.now()
        publication.save(update_fields=["claimed_at"])
        yield


@contextmanager
def _unless_lost() -> Iterator[None]:
    try:
        yield
    except ClaimLost:
        return
