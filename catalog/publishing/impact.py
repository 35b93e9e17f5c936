"""Whom a confirmation affects, over one plan or all of a portfolio: what is known, and what cannot be told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from catalog.models import Publication


@dataclass(slots=True)
class Impact:
    """`runs`: (publication, how many, some of them) on versions to retire. `open`: (publication, versions that stay
    open). `untold`: products of which it cannot be told who launches them, or what runs."""

    principals: list[str] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)
    runs: list[tuple[Publication, int, list[dict[str, str]]]] = field(default_factory=list)
    open: list[tuple[Publication, list[dict[str, Any]]]] = field(default_factory=list)
    untold_people: list[Publication] = field(default_factory=list)
    untold_accounts: list[Publication] = field(default_factory=list)
    untold_runs: list[Publication] = field(default_factory=list)
    retiring: int = 0
    launched: int = 0


def impact_of(publications: Iterable[Publication]) -> Impact:
    """Of plans that wait for a confirmation."""
    found = Impact()
    for one in publications:
        _people(found, one)
        _runs(found, one)
        if staying := [version for version in one.facts["ungated"] if not version["retire"]]:
            found.open.append((one, staying))
    found.principals, found.accounts = sorted(set(found.principals)), sorted(set(found.accounts))
    return found


def _people(found: Impact, publication: Publication) -> None:
    portfolios = publication.facts["portfolios"]
    if portfolios is None or any(one["principals"] is None for one in portfolios):
        found.untold_people.append(publication)
    if portfolios is None or any(one["accounts"] is None for one in portfolios):
        found.untold_accounts.append(publication)
    for one in portfolios or []:
        found.principals += one["principals"] or []
        found.accounts += one["accounts"] or []


def _runs(found: Impact, publication: Publication) -> None:
    retiring = [one for one in publication.facts["ungated"] if one["retire"]]
    found.retiring += len(retiring)
    if any(one["launched"] is None for one in retiring):
        found.untold_runs.append(publication)
    known = [one["launched"] for one in retiring if one["launched"] is not None]
    count = sum(one["count"] for one in known)
    found.launched += count
    if count:
        found.runs.append((publication, count, [run for one in known for run in one["some"]]))
