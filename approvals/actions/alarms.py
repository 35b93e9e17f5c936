"""Alarms: what an administrator must look at. Raised once per code and stack while open, then counted."""

from __future__ import annotations

from datetime import datetime

from django.db import models, transaction

from approvals import audit, outbox
from approvals.actions.guards import administrators_only
from approvals.actor import Actor
from approvals.choices import AlarmCode, Channel, NoticeCode
from approvals.errors import Refused, Why
from approvals.models import Alarm, LaunchRequest


def raise_alarm(
    code: AlarmCode,
    *,
    now: datetime,
    stack_id: str = "",
    request: LaunchRequest | None = None,
    detail: str = "",
    actor: Actor | None = None,
) -> Alarm:
    """Raise or count an alarm in a transaction of its own (or the caller's, when there is one)."""
    with transaction.atomic():
        return note_alarm(
            code,
            actor=actor or Actor.system(Channel.FOLLOW),
            now=now,
            stack_id=stack_id or (request.stack_id if request else ""),
            request=request,
            detail=detail,
        )


def note_alarm(
    code: AlarmCode,
    *,
    actor: Actor,
    now: datetime,
    stack_id: str,
    request: LaunchRequest | None,
    detail: str,
) -> Alarm:
    """Inside the caller's transaction. Seen again while open: counted, nobody is told twice."""
    again = Alarm.objects.filter(code=code, stack_id=stack_id, acknowledged_at__isnull=True)
    if again.update(times=models.F("times") + 1, last_seen_at=now):
        return again.get()
    alarm, created = Alarm.objects.get_or_create(
        code=code,
        stack_id=stack_id,
        acknowledged_at=None,
        defaults={"request": request, "detail": detail[:2000], "raised_at": now, "last_seen_at": now},
    )
    if created:
        event = audit.record(
            request or audit.OPERATIONS,
            audit.Event.ALARM_RAISED,
            actor=actor,
            now=now,
            params={"alarm": alarm.pk, "code": code.value},
        )
        outbox.owe_notice(event, NoticeCode.ALARM, request, now)
    return alarm


def alarm_about(request: LaunchRequest, code: AlarmCode, detail: str, *, actor: Actor, now: datetime) -> Alarm:
    """`note_alarm` where the subject is a request and its stack."""
    return note_alarm(code, actor=actor, now=now, stack_id=request.stack_id, request=request, detail=detail)


def acknowledge_alarm(pk: int, *, actor: Actor, now: datetime) -> Alarm:
    """An administrator has looked at it."""
    administrators_only(actor)
    with transaction.atomic(durable=True):
        found = Alarm.objects.filter(pk=pk).first()
        if found is None:
            raise Refused(Why.NOT_FOUND)
        if found.request_id is not None:
            LaunchRequest.objects.select_for_update(of=("self",)).get(pk=found.request_id)
        alarm = Alarm.objects.select_for_update(of=("self",)).get(pk=pk)
        if alarm.acknowledged_at is None:
            alarm.acknowledged_at, alarm.acknowledged_by = now, actor.person
            alarm.save(update_fields=["acknowledged_at", "acknowledged_by"])
            audit.record(
                alarm.request or audit.OPERATIONS,
                audit.Event.ALARM_ACKNOWLEDGED,
                actor=actor,
                now=now,
                params={"alarm": alarm.pk},
            )
        return alarm
