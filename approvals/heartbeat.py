"""A sign of life of beat, broker and worker together: beat sends the task, the worker writes the time.

Kept in the cache: it may vanish, and the next beat brings it back.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.cache import cache

# Two beats may be lost to a worker that is busy or starts anew.
ALIVE = timedelta(seconds=60)
_KEY = "heartbeat"
_KEPT_SECONDS = 30 * 24 * 3600


def beat(now: datetime) -> None:
    cache.set(_KEY, now, _KEPT_SECONDS)


def last() -> datetime | None:
    """None where nobody has worked for a month, or ever."""
    found: datetime | None = cache.get(_KEY)
    return found
