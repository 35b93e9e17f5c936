"""When to try again: a pure function from what happened to a moment, or to *give up*.

Full jitter: the n-th retry waits between nothing and `base * 2^(n-1)`, never more than `cap`, so that a
thousand signals that failed together do not come back together.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

# Beyond this power of two every base has met its cap; larger exponents only overflow.
_MAX_DOUBLINGS = 32


@dataclass(frozen=True, slots=True)
class Backoff:
    """`base` and `cap` are seconds."""

    base: float
    cap: float

    def next_try(
        self,
        attempts: int,
        *,
        now: datetime,
        until: datetime,
        permanent: bool = False,
        at_least: float = 0.0,
        draw: Callable[[], float] = random.random,
    ) -> datetime | None:
        """The moment of the next try after `attempts` tries (1, 2, …), or None: give up.

        `at_least` is what the other side asked for (Retry-After, seconds), heeded up to `cap`. `until` is the
        last moment at which a try makes sense; a try at or after it is never planned. `draw` is in [0, 1].
        """
        if permanent or now >= until:
            return None
        ceiling = min(self.cap, self.base * 2 ** min(max(attempts - 1, 0), _MAX_DOUBLINGS))
        delay = max(draw() * ceiling, min(max(at_least, 0.0), self.cap))
        moment = now + timedelta(seconds=delay)
        return moment if moment < until else None


# A stack waits: often and never far apart. A mail waits: patiently.
SIGNAL = Backoff(base=1, cap=30)
DELIVERY = Backoff(base=15, cap=900)
# A template is read while somebody may be looking; where AWS stays away, seldom.
READING = Backoff(base=4, cap=600)
