"""The desk's own processes, by what they leave undone; and what waits for an administrator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.utils.translation import gettext_noop as _

from approvals.doctor.findings import Problem, Severity, problem
from approvals.doctor.registry import check
from approvals.doctor.visit import Visit
from approvals.models import Alarm, Delivery, LaunchRequest, Signal

_SIGNAL_PATIENCE = timedelta(seconds=60)
_TIMER_PATIENCE = timedelta(seconds=60)
_MAIL_PATIENCE = timedelta(minutes=5)


@check(
    "worker",
    Severity.CRITICAL,
    title=_("Decisions to hand over"),
    why=_("Somebody decided and CloudFormation has not been told: the stack's clock runs on."),
    remedy=_(
        "Start the worker (celery -A portal worker) and beat, or look at their logs; check the broker in "
        "CELERY_BROKER_URL."
    ),
)
def worker(visit: Visit) -> Iterator[Problem]:
    waiting = Signal.objects.due(visit.now - _SIGNAL_PATIENCE).count()
    if waiting:
        yield problem(_("Decisions that should have been sent a minute ago: %(count)s."), count=waiting)


@check(
    "timers",
    Severity.CRITICAL,
    title=_("Deadlines"),
    why=_("Requests nobody decided are closed by a timer every two seconds; it has not come by for a minute."),
    remedy=_("Start beat (celery -A portal beat), exactly one, and the worker; look at their logs."),
)
def timers(visit: Visit) -> Iterator[Problem]:
    overdue = LaunchRequest.objects.overdue(visit.now - _TIMER_PATIENCE).count()
    if overdue:
        yield problem(_("Open requests past their deadline: %(count)s."), count=overdue)


@check(
    "mail_queue",
    Severity.WARNING,
    title=_("Mails to send"),
    why=_("Approvers and requesters learn of launches, questions and decisions by these mails."),
    remedy=_("See the findings about mail first; then the worker's log. They are sent as soon as the cause is mended."),
)
def mail_queue(visit: Visit) -> Iterator[Problem]:
    waiting = Delivery.objects.due(visit.now - _MAIL_PATIENCE).count()
    if waiting:
        yield problem(_("Mails that should have left five minutes ago: %(count)s."), count=waiting)


@check(
    "alarms",
    Severity.WARNING,
    title=_("Open alarms"),
    why=_("Each alarm is something the desk could not settle by itself, such as a wait that somebody else ended."),
    remedy=_("Open Operations, look into each alarm and acknowledge it."),
)
def alarms(_visit: Visit) -> Iterator[Problem]:
    count = Alarm.objects.filter(acknowledged_at__isnull=True).count()
    if count:
        yield problem(_("Alarms nobody has acknowledged: %(count)s."), count=count)
