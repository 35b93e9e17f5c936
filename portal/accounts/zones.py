"""The time zones people choose from: one name for each place, with how far it is from UTC today.

The operating system's table has the places (zone.tab); without one, whatever names there are.
"""

from __future__ import annotations

import zoneinfo
from functools import cache
from pathlib import Path

from portal import clock
from portal.templatetags.elements import offset

# Every place has one below these; what else there is are names of old.
_REGIONS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
Choices = list[tuple[str, str | list[tuple[str, str]]]]


def choices(chosen: str = "") -> Choices:
    """By region, so that a place is found without knowing how many there are. `chosen` is among them, whatever the
    table says."""
    now = clock.now()
    groups: dict[str, list[tuple[str, str]]] = {region: [] for region in _REGIONS}
    kept = {chosen} & zoneinfo.available_timezones()
    for name in sorted(places() | kept):
        region, _slash, place = name.partition("/")
        if region in groups:
            said = place.replace("_", " ").replace("/", ", ")
            groups[region].append((name, f"{said} ({offset(now.astimezone(zoneinfo.ZoneInfo(name)))})"))
    return [("", "UTC"), *((region, found) for region, found in groups.items() if found)]


@cache
def places() -> frozenset[str]:
    """Names as the table of places has them, of which this machine knows the rules."""
    known = zoneinfo.available_timezones()
    for folder in zoneinfo.TZPATH:
        table = Path(folder) / "zone.tab"
        if table.is_file():
            lines = table.read_text(encoding="utf-8").splitlines()
            listed = {line.split("\t")[2] for line in lines if line.count("\t") > 1 and not line.startswith("#")}
            return frozenset(listed & known)
    return frozenset(known)
