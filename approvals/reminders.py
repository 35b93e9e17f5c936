"""The ladder of reminders: at 50, 75 and 90 percent of the time between opening and deadline.

Invariant: each rung is told at most once, under the request's row lock, with its audit event, and never after the
decision. Rungs that were missed, as in an outage, are told as one: the highest. It is the desk that is reminded;
while an answer is awaited it is the requester, at the last rung both. The last rung waits for nobody's digest. Where
the deadline moves away (an update whose hour is over), the ladder begins anew.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db.models import DurationField, Expression, ExpressionWrapper, F, Q
from django.db.models.expressions import CombinedExpression

from approvals import audit, outbox
from approvals.actions.base import locked
from approvals.actor import Actor
from approvals.choices import Channel, NoticeCode, State
from approvals.errors import Refused
from approvals.models import LaunchRequest
from approvals.models.requests import LaunchRequestQuerySet
from approvals.notifications.wishes import LAST_RUNG

RUNGS = (50, 75, LAST_RUNG)
# With less time than this, three mails would be noise.
SHORT = timedelta(minutes=30)
SHORT_RUNGS = (50, LAST_RUNG)
BATCH = 200

TIMER = Actor.system(Channel.TIMER)
log = structlog.get_logger(__name__)


def remind(now: datetime) -> int:
    """Climb one step with up to BATCH requests, soonest deadline first; how many people's turns were told."""
    _begin_anew(now)
    told = 0
    for pk in due(now).order_by("deadline", "pk").values_list("pk", flat=True)[:BATCH]:
        try:
            told += _one(pk, now)
        except Refused:
            continue
        except Exception:
            log.exception("nobody reminded", request=pk)
    return told


def rung(request: LaunchRequest, now: datetime) -> int:
    """The highest rung whose time has come, 0 for none. Pure."""
    if request.deadline is None or not request.is_open or now >= request.deadline:
        return 0
    window, passed = request.deadline - request.opened_at, now - request.opened_at
    rungs = SHORT_RUNGS if window <= SHORT else RUNGS
    return max((percent for percent in rungs if passed * 100 >= window * percent), default=0)


def due(now: datetime) -> LaunchRequestQuerySet:
    """Open requests on a rung that nobody was told of; the same rule as `rung`, for PostgreSQL."""
    window = F("deadline") - F("opened_at")
    climbed = Q(pk__in=[])
    for percent in RUNGS:
        here = Q(reminded__lt=percent, passed__gte=_share(window, percent))
        climbed |= here & Q(window__gt=SHORT) if percent not in SHORT_RUNGS else here
    spans = LaunchRequest.objects.open().filter(deadline__gt=now, reminded__lt=LAST_RUNG)
    spans = spans.alias(window=_span(window), passed=_span(now - F("opened_at")))
    return spans.filter(climbed)


def _share(window: CombinedExpression, percent: int) -> Expression:
    return _span(window * (percent / 100))


def _span(expression: CombinedExpression) -> Expression:
    return ExpressionWrapper(expression, output_field=DurationField())


def _begin_anew(now: datetime) -> None:
    """The deadline was moved so far that not even the first rung is reached."""
    window = F("deadline") - F("opened_at")
    moved = LaunchRequest.objects.open().filter(deadline__gt=now, reminded__gt=0)
    moved.alias(passed=_span(now - F("opened_at"))).filter(passed__lt=_share(window, RUNGS[0])).update(reminded=0)


def _one(pk: int, now: datetime) -> bool:
    with locked(pk) as request:
        percent = rung(request, now)
        if percent <= request.reminded:
            return False
        request.reminded = percent
        request.save(update_fields=["reminded"])
        event = audit.record(request, audit.Event.REMINDED, actor=TIMER, now=now, params=_whom(request, percent))
        outbox.owe_notice(event, NoticeCode.REMINDED, request, now)
        return True


def _whom(request: LaunchRequest, percent: int) -> dict[str, int | bool]:
    """Nobody may answer for a requester the desk does not know: then the desk is told."""
    asks_requester = request.state == State.NEEDS_INFO and request.requester_id is not None
    desk = not asks_requester or percent >= LAST_RUNG
    return {"percent": percent, "requester": asks_requester, "desk": desk}
