"""What the decisions on several requests rest on, beside the requests themselves: each question is one query, whatever
their number. `approvals.review.seen` makes tokens of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max

from approvals.choices import AlarmCode, MessageKind
from approvals.models import (
    Alarm,
    Hold,
    LaunchRequest,
    Message,
    Sensitivity,
    Stage,
    TemplateReading,
)
from approvals.review import sensitivity, trail


@dataclass(frozen=True, slots=True)
class Grounds:
    """`hold`: key and status of the newest one; `said`: the last message, and when one was last changed; `stage`: the
    key of the one that is open; `reading`: None where nobody reads the template."""

    events: int
    hold: tuple[int, str] | None
    disputed: bool
    reading: str | None
    said: tuple[int, datetime | None]
    stage: int
    marks: Sequence[Sensitivity]


def of(launches: Iterable[LaunchRequest], *, inside: bool = True) -> dict[int, Grounds]:
    """By key, as things stand. `inside`: with notes, alarms and marks, which requesters hear nothing of."""
    rows = list(launches)
    pks = [one.pk for one in rows]
    events, holds, said = _counted(pks, inside=inside), _holds(pks), _said(pks, inside=inside)
    stages, readings = _stages(pks), dict(_readings(pks))
    disputed = _disputed(rows) if inside else set()
    marks = sensitivity.of_each(rows) if inside else {}
    return {
        one.pk: Grounds(
            events=events.get(one.pk, 0),
            hold=holds.get(one.pk),
            disputed=one.stack_id in disputed,
            reading=readings.get(one.pk),
            said=said.get(one.pk, (0, None)),
            stage=stages.get(one.pk, 0),
            marks=marks.get(one.pk, ()),
        )
        for one in rows
    }


def _counted(pks: list[int], *, inside: bool) -> dict[int, int]:
    counted = trail.changes(pks, inside=inside).order_by().values("chain__request").annotate(events=Count("pk"))
    return dict(counted.values_list("chain__request", "events"))


def _holds(pks: list[int]) -> dict[int, tuple[int, str]]:
    newest = Hold.objects.filter(request__in=pks).order_by("request", "-pk").distinct("request")
    return {request: (pk, status) for request, pk, status in newest.values_list("request", "pk", "status")}


def _stages(pks: list[int]) -> dict[int, int]:
    """As `policy.current_stage`."""
    waiting = Stage.objects.filter(request__in=pks, passed_at__isnull=True)
    return dict(waiting.order_by("request", "order").distinct("request").values_list("request", "pk"))


def _readings(pks: list[int]) -> Iterable[tuple[int, str]]:
    return TemplateReading.objects.filter(request__in=pks).values_list("request", "status")


def _disputed(rows: list[LaunchRequest]) -> set[str]:
    """As `rules.is_disputed`: the stacks of which it is so."""
    alarms = Alarm.objects.filter(code=AlarmCode.FACTS_CHANGED, acknowledged_at__isnull=True)
    return set(alarms.filter(stack_id__in={one.stack_id for one in rows}).values_list("stack_id", flat=True))


def _said(pks: list[int], *, inside: bool) -> dict[int, tuple[int, datetime | None]]:
    thread = Message.objects.filter(request__in=pks)
    if not inside:
        thread = thread.exclude(kind=MessageKind.NOTE)
    lasts = thread.order_by().values("request").annotate(last=Max("pk"), edited=Max("edited_at"))
    return {one["request"]: (one["last"], one["edited"]) for one in lasts}
