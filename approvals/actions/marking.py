"""What administrators keep for those who decide: what is sensitive, and reasons that nobody has to type again."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from django.db import IntegrityError, transaction

from approvals import audit
from approvals.actions.guards import administrators_only, must_be_fresh
from approvals.actor import Actor
from approvals.errors import Refused, Why
from approvals.models import CannedReason, Sensitivity

_Row = TypeVar("_Row", Sensitivity, CannedReason)


def mark_sensitive(subject: str, value: str, *, name: str, why: str, actor: Actor, now: datetime) -> Sensitivity:
    """From now on its launches are approved only by whoever types `name`."""
    administrators_only(actor)
    with transaction.atomic(durable=True):
        mark = _kept(Sensitivity(subject=subject, value=value, name=name, why=why))
        _record(audit.Event.SENSITIVE_MARKED, mark, actor=actor, now=now)
        return mark


def unmark_sensitive(pk: int, *, is_fresh: bool, actor: Actor, now: datetime) -> Sensitivity:
    """It is approved in passing again. Only by whoever has just proved who they are: the mark asks no less of those
    who approve."""
    administrators_only(actor)
    must_be_fresh(is_fresh)
    with transaction.atomic(durable=True):
        mark = Sensitivity.objects.select_for_update().filter(pk=pk).first()
        if mark is None:
            raise Refused(Why.NOT_FOUND)
        _record(audit.Event.SENSITIVE_UNMARKED, mark, actor=actor, now=now)
        mark.delete()
        return mark


def keep_reason(label: str, text: str, *, pk: int | None = None, actor: Actor, now: datetime) -> CannedReason:
    """A new reason, or other words for the one with this key. What was rejected with it keeps its words."""
    administrators_only(actor)
    with transaction.atomic(durable=True):
        if pk is not None and not CannedReason.objects.select_for_update().filter(pk=pk).exists():
            raise Refused(Why.NOT_FOUND)
        reason = _kept(CannedReason(pk=pk, label=label, text=text))
        _record_reason(audit.Event.REASON_KEPT, reason, actor=actor, now=now)
        return reason


def drop_reason(pk: int, *, actor: Actor, now: datetime) -> CannedReason:
    administrators_only(actor)
    with transaction.atomic(durable=True):
        reason = CannedReason.objects.select_for_update().filter(pk=pk).first()
        if reason is None:
            raise Refused(Why.NOT_FOUND)
        _record_reason(audit.Event.REASON_DROPPED, reason, actor=actor, now=now)
        reason.delete()
        return reason


def _kept(row: _Row) -> _Row:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise Refused(Why.ALREADY_MARKED) from None
    return row


def _record(event: audit.Event, mark: Sensitivity, *, actor: Actor, now: datetime) -> None:
    params: dict[str, str | int | bool | None] = {"sensitivity": mark.pk, "subject": mark.subject, "value": mark.value}
    texts = {"name": mark.name} | ({"why": mark.why} if mark.why else {})
    audit.record(audit.OPERATIONS, event, actor=actor, now=now, params=params, texts=texts)


def _record_reason(event: audit.Event, reason: CannedReason, *, actor: Actor, now: datetime) -> None:
    texts = {"name": reason.label, "text": reason.text}
    audit.record(audit.OPERATIONS, event, actor=actor, now=now, params={"reason": reason.pk}, texts=texts)
