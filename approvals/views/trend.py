"""How many products could be launched or updated without asking, day by day, as bars and as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from catalog.coverage import Risk
from catalog.models import CoverageDay

DAYS = 30
# Of the drawing, in its own units.
WIDTH, HEIGHT = 10, 60
_GATED = (Risk.CLASSIC, Risk.RECEIPT)


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: `open` (something goes by without asking), `other` (not known, or a role lacks rights), `gated`;
    `x` and the (y, height) of each are drawn."""

    day: date
    x: int
    open: int
    other: int
    gated: int
    most: int

    @property
    def drawn(self) -> list[tuple[str, float, float]]:
        """(kind, y, height) from the ground up."""
        found, ground = [], float(HEIGHT)
        for kind, number in (("gated", self.gated), ("other", self.other), ("open", self.open)):
            height = round(number * HEIGHT / self.most, 2)
            ground -= height
            found.append((kind, round(ground, 2), height))
        return [one for one in found if one[2]]


@dataclass(frozen=True, slots=True)
class Trend:
    bars: list[Bar]

    @property
    def width(self) -> int:
        return len(self.bars) * WIDTH

    @property
    def height(self) -> int:
        return HEIGHT

    @property
    def first(self) -> Bar:
        return self.bars[0]

    @property
    def last(self) -> Bar:
        return self.bars[-1]


def of(place: int | None, now: datetime) -> Trend | None:
    """Of one place, or of all together; None before there are two days to compare."""
    days = list(_days(place, now))
    if len(days) < 2:
        return None
    sums = [_sums(counts) for _day, counts in days]
    most = max(1, *(sum(one) for one in sums))
    return Trend(
        [Bar(day, number * WIDTH, *one, most) for number, ((day, _), one) in enumerate(zip(days, sums, strict=True))]
    )


def _days(place: int | None, now: datetime) -> Iterator[tuple[date, Counter[Risk]]]:
    """Each day since the first there is. A place that was not judged on a day stands as it did before."""
    rows = CoverageDay.objects.filter(day__lte=now.date()).order_by("day")
    if place:
        rows = rows.filter(place=place)
    by_day: dict[date, dict[int, Counter[Risk]]] = {}
    for row in rows.filter(day__gt=now.date() - timedelta(days=2 * DAYS)):
        counts = Counter({Risk(int(risk)): number for risk, number in row.products.items()})
        by_day.setdefault(row.day, {})[row.place_id] = counts
    known: dict[int, Counter[Risk]] = {}
    day = min(by_day, default=now.date())
    while by_day and day <= now.date():
        known |= by_day.get(day, {})
        if day > now.date() - timedelta(days=DAYS):
            yield day, sum(known.values(), Counter())
        day += timedelta(days=1)


def _sums(counts: Counter[Risk]) -> tuple[int, int, int]:
    """(open, other, gated); what cannot be gated anyway is left out."""
    return (
        sum(number for risk, number in counts.items() if risk.is_open),
        counts[Risk.UNREAD] + counts[Risk.ROLE],
        sum(counts[risk] for risk in _GATED),
    )
