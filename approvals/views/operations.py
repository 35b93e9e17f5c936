"""Operations: what went wrong and waits for an administrator. Auditors read it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.contrib import messages
from django.db.models import Q, Sum
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from approvals import actions, outbox
from approvals.actor import Actor
from approvals.choices import AlarmCode, SignalStatus, Verdict
from approvals.context import sections_of
from approvals.errors import Refused, Why
from approvals.intake import quarantine
from approvals.models import Alarm, Quarantined, Refusal, Signal
from approvals.outbox.signals import HOLD_ENDED
from approvals.views.base import PersonRequest, at_the_desk, for_people, log_refusal
from portal.clock import now

SHOWN = 50
_REFUSALS_SINCE = timedelta(days=14)


@require_safe
@for_people
def page(request: PersonRequest) -> HttpResponse:
    return _render(request)


@require_POST
@for_people
def act(request: PersonRequest, thing: str, pk: int, verb: str) -> HttpResponse:
    _may_see(request)
    if (thing, verb) not in _VERBS:
        raise Http404
    try:
        sentence = _VERBS[thing, verb](pk, at_the_desk(request.user), now())
    except Refused as refused:
        log_refusal(request.user, f"{thing}/{pk}", verb, refused)
        if refused.why is Why.NOT_FOUND:
            raise Http404 from None
        return _render(request, refused.sentence, refused.http_status)
    messages.success(request, sentence)
    return redirect("operations")


def _acknowledge(pk: int, actor: Actor, at: datetime) -> str:
    actions.acknowledge_alarm(pk, actor=actor, now=at)
    return _("The alarm is acknowledged.")


def _send_again(pk: int, actor: Actor, at: datetime) -> str:
    outbox.retry_signal(pk, actor=actor, now=at)
    return _("The signal is being sent again.")


def _read_again(pk: int, actor: Actor, at: datetime) -> str:
    if quarantine.retry(pk, actor=actor, now=at):
        return _("The message was understood this time.")
    return _("The message still cannot be understood; it stays here.")


def _dismiss(pk: int, actor: Actor, at: datetime) -> str:
    quarantine.dismiss(pk, actor=actor, now=at)
    return _("The message is dismissed and its content wiped.")


_VERBS: dict[tuple[str, str], Callable[[int, Actor, datetime], str]] = {
    ("alarms", "acknowledge"): _acknowledge,
    ("signals", "retry"): _send_again,
    ("messages", "retry"): _read_again,
    ("messages", "dismiss"): _dismiss,
}


def _may_see(request: PersonRequest) -> None:
    if "operations" not in sections_of(request.user):
        raise Http404


def _render(request: PersonRequest, refused: str = "", status: int = 200) -> HttpResponse:
    _may_see(request)
    alarms = Alarm.objects.filter(acknowledged_at__isnull=True)
    kept = Quarantined.objects.filter(resolved_at__isnull=True)
    # A refusal that CloudFormation no longer waited for has got what it wanted.
    moot = Q(verdict=Verdict.REJECTED, last_result=HOLD_ENDED)
    stuck = Signal.objects.filter(status=SignalStatus.GIVEN_UP).exclude(moot)
    context = {
        "here": "operations",
        "refused": refused,
        "acts": request.user.is_administrator,
        "alarms": [
            (alarm, AlarmCode(alarm.code).label) for alarm in alarms.select_related("request").order_by("-pk")[:SHOWN]
        ],
        "kept": [(row, quarantine.masked(row)) for row in kept.order_by("-pk")[:SHOWN]],
        "stuck": stuck.select_related("request", "hold").order_by("-pk")[:SHOWN],
        "more_alarms": max(alarms.count() - SHOWN, 0),
        "more_kept": max(kept.count() - SHOWN, 0),
        "more_stuck": max(stuck.count() - SHOWN, 0),
        "refusals": _refusals(),
        "now": now(),
    }
    return render(request, "approvals/operations.html", context, status=status)


def _refusals() -> list[dict[str, object]]:
    since = now().date() - _REFUSALS_SINCE
    counts = Refusal.objects.filter(day__gte=since).values("door", "reason")
    return [dict(row) for row in counts.annotate(total=Sum("times")).order_by("-total")]
