"""First run: what an installation needs before its first launch can be decided, each with its check and its remedy.

Invariant: showing the steps asks the database and the cache only; AWS is asked on demand (`hub.look_now`), for
three seconds at most. Once everything was done the desk mentions it no more, whatever breaks later: that is the
doctor's to say.
"""

from __future__ import annotations

from datetime import datetime

from django.core.cache import cache

from approvals.setup import approvers, hub, mails, places, products, work
from approvals.setup.steps import Standing, Step

__all__ = ["is_over", "steps"]
_OVER = "setup-over"
_CHECKS = (hub.step, work.step, places.step, products.step, approvers.step, mails.step)


def steps(now: datetime) -> list[Step]:
    """In the order in which they are taken. Remembers when all are done."""
    found = [check(now) for check in _CHECKS]
    if all(one.standing is Standing.DONE for one in found) and not cache.get(_OVER):
        cache.set(_OVER, True, None)
    return found


def is_over(now: datetime) -> bool:
    """Whether everything was done at some time."""
    return bool(cache.get(_OVER)) or all(one.standing is Standing.DONE for one in steps(now))
