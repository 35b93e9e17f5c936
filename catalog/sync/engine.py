"""Carries runs out, in slices: phase after phase, until the run is done, the time is up or AWS says no."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf

from catalog.models import Place, SyncRun
from catalog.models.places import Result
from catalog.sync import constraints, listing, runs, templates, versions
from catalog.sync.slices import HANDS, ClaimLost, Slice, TimeIsUp
from catalog.sync.trouble import General, Passing, Trouble
from portal import clock

PHASES: dict[str, Callable[[Slice], None]] = {
    "products": listing.products,
    "portfolios": listing.portfolios,
    "contents": listing.contents,
    "removals": listing.removals,
    "versions": versions.versions,
    "constraints": constraints.constraints,
    "templates": templates.templates,
}
# Without one of these there is no catalogue; without another there is less of it.
_NEEDED = frozenset({"products", "versions"})

_log = logging.getLogger(__name__)


def tick(seconds: float) -> bool:
    """What is due in all places, for so long; what is not finished then goes on at the next tick.

    Whether anything was due.
    """
    ends, was_due = time.monotonic() + seconds, False
    while time.monotonic() < ends and (run := runs.claim(clock.now())) is not None:
        was_due = True
        advance(run, ends)
    return was_due


def run(place: Place) -> SyncRun | None:
    """Read a place from beginning to end, due or not. None while another worker is at it.

    A run that was left unfinished is finished first. The run returned is unfinished only when AWS does not
    answer for now.
    """
    while (found := runs.claim(clock.now(), place)) is not None:
        is_fresh = found.claims == 1
        advance(found, inf)
        found.refresh_from_db()
        if is_fresh or found.finished_at is None:
            return found
    return None


def advance(run: SyncRun, ends: float) -> None:
    """Go on with a claimed run until it ends or `ends` (time.monotonic()) comes. Raises nothing of AWS's."""
    with ThreadPoolExecutor(HANDS, "sync") as pool:
        at = Slice(run, pool, ends)
        try:
            try:
                _phases(at)
            finally:
                pool.shutdown(cancel_futures=True)
                run.calls = at.calls
        except ClaimLost:
            _log.info("a sync was taken over or stopped", extra={"run": run.pk})
        except TimeIsUp:
            runs.put_down(run)
        except Passing as trouble:
            _log.warning("a sync waits for AWS", extra={"run": run.pk, "error": trouble.code})
            runs.stumble(run, trouble.code, clock.now())
        except Trouble as trouble:
            _log.warning("a sync failed", extra={"run": run.pk, "error": trouble.code})
            runs.finish(run, Result.FAILED, trouble.code, clock.now())
        except Exception as error:  # noqa: BLE001 - whatever it was, the run says so and the next one may go
            _log.exception("a sync failed", extra={"run": run.pk})
            runs.finish(run, Result.FAILED, f"internal:{type(error).__name__}", clock.now())
        else:
            part = run.counts.get("trouble") or run.counts.get("first_left_out", "")
            runs.finish(run, Result.DONE, part, clock.now())


def _phases(at: Slice) -> None:
    names = list(PHASES)
    first = names.index(at.run.phase) if at.run.phase in names else 0
    for name in names[first:]:
        if name in ("products", "portfolios"):
            # Lists begin again, and no slice ends within one: each slice comes further than the one before.
            at.enter(name)
        try:
            PHASES[name](at)
        except (General, Passing):
            raise
        except Trouble as trouble:
            if name in _NEEDED:
                raise
            at.run.counts["trouble"] = trouble.code
            at.save("counts")
        if name != names[-1]:
            at.enter(names[names.index(name) + 1])
            at.breathe()
