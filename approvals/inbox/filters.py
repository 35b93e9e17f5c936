"""The filters of the inbox as they stand in the URL: read, judged, and written again.

Invariant: whatever the URL says, there is a list. A value that cannot be is left out, and a sentence says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.choices import Kind, State
from approvals.inbox.tabs import Tab
from approvals.inbox.terms import words
from catalog.reading import Risk
from portal.accounts.models import User

LONGEST = 100
RISKS: dict[str, Promise | str] = {
    **{risk.value: risk.label for risk in Risk},
    "none": gettext_lazy("No risk found"),
    "unread": gettext_lazy("Not read yet"),
}
AGES: dict[str, Promise | str] = {
    "1h": gettext_lazy("Opened within an hour"),
    "1d": gettext_lazy("Opened within a day"),
    "7d": gettext_lazy("Opened within 7 days"),
    "30d": gettext_lazy("Opened within 30 days"),
    "over-1h": gettext_lazy("Older than an hour"),
    "over-1d": gettext_lazy("Older than a day"),
    "over-7d": gettext_lazy("Older than 7 days"),
    "over-30d": gettext_lazy("Older than 30 days"),
}
TAKEN: dict[str, Promise | str] = {"me": gettext_lazy("Me"), "nobody": gettext_lazy("Nobody")}
LABELS: dict[str, Promise | str] = {
    "q": gettext_lazy("Search"),
    "product": gettext_lazy("Product"),
    "portfolio": gettext_lazy("Portfolio"),
    "account": gettext_lazy("Account"),
    "region": gettext_lazy("Region"),
    "requester": gettext_lazy("Requester"),
    "age": gettext_lazy("Age"),
    "risk": gettext_lazy("Risk"),
    "taken": gettext_lazy("Taken by"),
    "state": gettext_lazy("State"),
    "kind": gettext_lazy("Kind"),
}
# Of what the desk keeps no list; these name something or nothing.
_SHAPES = {
    "product": re.compile(r"[\w-]{1,100}", re.ASCII),
    "portfolio": re.compile(r"[\w-]{1,100}", re.ASCII),
    "account": re.compile(r"[0-9]{12}", re.ASCII),
    "region": re.compile(r"[a-z0-9-]{1,32}", re.ASCII),
}
_LISTS: dict[str, Mapping[str, Any]] = {"risk": RISKS, "age": AGES, "taken": TAKEN, "kind": dict(Kind.choices)}


@dataclass(frozen=True)
class Filters:
    """`values`: the filters that hold, by name. `requester`: the person one of them means. `problems`: what was
    left out, in sentences."""

    tab: Tab
    values: Mapping[str, str]
    requester: User | None = None
    problems: tuple[str, ...] = ()

    def query(self, **changes: str) -> str:
        """The query string of the same list; `changes` are other parameters, an empty one is left out."""
        tab = "" if self.tab is Tab.WAITING else self.tab.value
        said = {"tab": tab, **self.values} | changes
        return urlencode({name: value for name, value in said.items() if value})

    def on(self, tab: Tab) -> Filters:
        """The same filters on another tab; what nothing there can be goes."""
        kept = {name: value for name, value in self.values.items() if _stands(name, value, tab)}
        return replace(self, tab=tab, values=kept, problems=())

    @cached_property
    def clear(self) -> str:
        return Filters(self.tab, {}).query()


def read(given: QueryDict) -> Filters:
    """The filters of a query string, the last of several."""
    problems = []
    chosen = given.get("tab", "")
    tab = Tab(chosen) if chosen in Tab.values else Tab.WAITING
    if chosen and tab != chosen:
        problems.append(_left_out(_("Tab"), chosen))
    values: dict[str, str] = {}
    requester = None
    for name, label in LABELS.items():
        value = given.get(name, "").strip()
        if not value:
            continue
        if name == "requester":
            requester = _person(value)
        if requester is None if name == "requester" else not _is_one(name, value, tab):
            problems.append(_left_out(str(label), value))
        else:
            values[name] = value
    return Filters(tab, values, requester, tuple(problems))


def of(query: str) -> Filters:
    """The filters of a query string that was kept."""
    return read(QueryDict(query[:2000].encode("utf-8", "replace")))


def _is_one(name: str, value: str, tab: Tab) -> bool:
    if name == "q":
        return len(value) <= LONGEST and bool(words(value))
    if not _stands(name, value, tab):
        return False
    if name == "state":
        return value in State.values
    if name in _LISTS:
        return value in _LISTS[name]
    return bool(_SHAPES[name].fullmatch(value))


def _stands(name: str, value: str, tab: Tab) -> bool:
    """Whether a request of this tab can be so: only what is open is taken by somebody, or by nobody."""
    if name == "taken":
        return tab.has_open
    return name != "state" or value in tab.states


def _person(value: str) -> User | None:
    try:
        return User.objects.filter(uuid=UUID(value)).first()
    except ValueError:
        return None


def _left_out(label: str, value: str) -> str:
    shown = value if len(value) <= 40 else f"{value[:40]}…"
    return _("A filter was left out: “%(value)s” cannot be used for %(label)s.") % {"value": shown, "label": label}
