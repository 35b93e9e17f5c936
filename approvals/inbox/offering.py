"""What the filters offer to choose from: what stands in the list now, never more than somebody can read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from approvals.choices import Kind
from approvals.inbox.filters import AGES, LABELS, RISKS, TAKEN, Filters
from approvals.inbox.tabs import Tab
from approvals.models.requests import LaunchRequestQuerySet
from catalog.models import Portfolio

# Looked at: the first rows of the tab. Offered: so many values of a filter, the most frequent ones.
_LOOKED_AT = 1000
_OFFERED = 50
_COLUMNS = ("product_id", "product_name", "portfolio_id", "account", "region")
_PERSON = ("requester__uuid", "requester__name", "requester__email")


@dataclass(frozen=True, slots=True)
class Choice:
    """One filter as a field: `value` is the chosen one, `options` are values with their names."""

    name: str
    label: str
    value: str
    options: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that holds, and the query string of the list without it."""

    label: str
    shown: str
    without: str


def choices(requests: LaunchRequestQuerySet, filters: Filters) -> list[Choice]:
    """`requests`: what the person may see. Two queries, however much there is."""
    tab = filters.tab
    newest = requests.filter(tab.where).order_by(*(("deadline", "pk") if tab is Tab.WAITING else ("-pk",)))
    rows = list(newest.values_list(*_COLUMNS, *_PERSON)[:_LOOKED_AT])
    portfolios = _names_of_portfolios(row[2] for row in rows)
    found: dict[str, dict[str, Any]] = {
        "product": _frequent((row[0], row[1] or row[0]) for row in rows),
        "portfolio": _frequent((row[2], portfolios.get(row[2], row[2])) for row in rows),
        "account": _frequent((row[3], row[3]) for row in rows),
        "region": _frequent((row[4], row[4]) for row in rows),
        "requester": _frequent((str(row[5] or ""), row[6] or row[7]) for row in rows),
        "age": dict(AGES),
        "risk": dict(RISKS),
        "taken": dict(TAKEN) if tab.has_open else {},
        "state": {state.value: state.label for state in tab.states} if len(tab.states) > 1 else {},
        "kind": dict(Kind.choices),
    }
    return [_choice(name, offered, filters) for name, offered in found.items()]


def chips(filters: Filters, offered: Iterable[Choice]) -> list[Chip]:
    """One for each filter that holds, so that it can be taken away alone."""
    names = {choice.name: dict(choice.options) for choice in offered}
    return [
        Chip(str(LABELS[name]), names.get(name, {}).get(value, value), filters.query(**{name: ""}))
        for name, value in filters.values.items()
    ]


def _choice(name: str, offered: dict[str, Any], filters: Filters) -> Choice:
    """One that was chosen is offered whether it stands in the list or not: under the name the person knows already."""
    value = filters.values.get(name, "")
    if value and value not in offered:
        offered = offered | {value: filters.requester if name == "requester" else value}
    options = [(key, str(label)) for key, label in offered.items() if key]
    return Choice(name, str(LABELS[name]), value, options)


def _frequent(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Value → name, by name; of many the most frequent."""
    names: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for value, name in pairs:
        if value:
            counts[value] += 1
            names.setdefault(value, name)
    kept = {value: names[value] for value, _count in counts.most_common(_OFFERED)}
    return dict(sorted(kept.items(), key=lambda pair: (pair[1].casefold(), pair[0])))


def _names_of_portfolios(ids: Iterable[str]) -> dict[str, str]:
    wanted = {one for one in ids if one}
    return dict(Portfolio.objects.filter(portfolio_id__in=wanted).values_list("portfolio_id", "name"))
