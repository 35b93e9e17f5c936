"""What became of a product's launches lately. Counts what the reader may see, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Aggregate, Count, DurationField, ExpressionWrapper, F, Q
from django.db.models.functions import Least

from approvals.choices import Kind, Outcome, State
from approvals.models import LaunchRequest
from approvals.models.requests import LaunchRequestQuerySet

WINDOW = timedelta(days=90)


class Median(Aggregate):
    """PostgreSQL's percentile_cont at one half."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


@dataclass(frozen=True, slots=True)
class Usage:
    """Of the launches since `since`: how many there were, their states and outcomes, how long a decision took."""

    since: datetime
    total: int
    states: Mapping[State, int]
    outcomes: Mapping[Outcome, int]
    decided: int
    median: timedelta | None


def of_product(requests: LaunchRequestQuerySet, product_id: str, now: datetime) -> Usage:
    """`requests`: those the reader may see."""
    since = now - WINDOW
    launches = requests.filter(product_id=product_id, kind=Kind.LAUNCH, opened_at__gte=since).order_by()
    states = dict(launches.values_list("state").annotate(Count("pk")))
    outcomes = dict(launches.values_list("outcome").annotate(Count("pk")))
    # Of the desk's decision and an e-mail link's, whichever came first; PostgreSQL's LEAST leaves out what is null.
    decided_at = Least("decision__decided_at", "link_decision__decided_at")
    took = ExpressionWrapper(decided_at - F("opened_at"), DurationField())
    decided = Q(decision__isnull=False) | Q(link_decision__isnull=False)
    speed = launches.filter(decided).aggregate(median=Median(took), number=Count("pk"))
    return Usage(
        since,
        sum(states.values()),
        {state: states[state] for state in State if state in states},
        {outcome: outcomes[outcome] for outcome in Outcome if outcome in outcomes},
        speed["number"],
        speed["median"],
    )


def recent(requests: LaunchRequestQuerySet, product_id: str, most: int) -> list[LaunchRequest]:
    """The newest of every kind, as lists show them."""
    found: LaunchRequestQuerySet = requests.listed().filter(product_id=product_id)
    return list(found.select_related("requester").prefetch_related("holds").order_by("-pk")[:most])
