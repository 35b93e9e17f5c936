"""Who is told about a happening. The one who did it is not, and neither is anyone deactivated, anyone who wishes
no mails, nor twice about the same happening."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet

from approvals import policy
from approvals.choices import MessageKind, NoticeCode
from approvals.models import AuditEvent, Delivery, LaunchRequest, Membership, Notice
from approvals.notifications.spoken import message_of
from approvals.notifications.wishes import wanting
from portal.accounts.models import User

_TO_THE_DESK = frozenset({NoticeCode.OPENED, NoticeCode.ANSWERED})
_ABOUT_A_PERSON = frozenset({NoticeCode.INVITED, NoticeCode.RIGHTS})


def recipients(notice: Notice) -> QuerySet[User]:
    """The people a notice goes to, each once."""
    did_it = [pk for pk in (notice.event.actor_id, notice.event.on_behalf_of_id) if pk]
    told = User.objects.filter(_audience(notice) & wanting(notice), is_active=True).exclude(pk__in=did_it)
    if siblings := _siblings(notice):
        told = told.exclude(pk__in=Delivery.objects.filter(notice__in=siblings).values("person"))
    return told.order_by("pk").distinct()


def _siblings(notice: Notice) -> list[int]:
    """Other notices of the same happening: a message that also names somebody."""
    if notice.event_id is None:
        return []
    return list(Notice.objects.filter(event=notice.event_id).exclude(pk=notice.pk).values_list("pk", flat=True))


def count(code: NoticeCode, request: LaunchRequest | None, *, by: User, params: Mapping[str, Any] | None = None) -> int:
    """How many people would be told if this person did it now: "this tells 7 people". Writes nothing."""
    event = AuditEvent(params=dict(params or {}), actor=by)
    return recipients(Notice(code=code, request=request, event=event)).count()


def _audience(notice: Notice) -> Q:
    code, request = NoticeCode(notice.code), notice.request
    if code in _ABOUT_A_PERSON:
        return Q(pk=notice.event.params.get("person"))
    if code == NoticeCode.ALARM or request is None:
        return Q(is_administrator=True)
    if code == NoticeCode.REMINDED:
        return _whose_turn(notice, request)
    if code == NoticeCode.MENTIONED:
        return _named(notice, request)
    if code in _TO_THE_DESK or (code == NoticeCode.COMMENTED and _wrote_it_themselves(notice, request)):
        return _desk(request) & ~Q(pk=request.requester_id)
    if code == NoticeCode.WITHDRAWN and _wrote_it_themselves(notice, request):
        return _desk(request)
    return Q(pk=request.requester_id)


def _wrote_it_themselves(notice: Notice, request: LaunchRequest) -> bool:
    return notice.event.actor_id is not None and notice.event.actor_id == request.requester_id


def _desk(request: LaunchRequest) -> Q:
    """Members of the request's teams who want to be told, and whoever has asked the requester something; as far as
    they may read it: what the site answers 404 is not sent by mail either."""
    told = Membership.objects.filter(is_notified=True, team__stage_groups__stage__request=request)
    asked = request.messages.filter(kind=MessageKind.QUESTION).values("author")
    return (Q(pk__in=told.values("person")) | Q(pk__in=asked)) & _may_read(request)


def _whose_turn(notice: Notice, request: LaunchRequest) -> Q:
    """`desk` and `requester` of a reminder's event say whom the ladder reached (approvals.reminders)."""
    said, turn = notice.event.params, Q(pk__in=[])
    if said.get("requester"):
        turn |= Q(pk=request.requester_id)
    if said.get("desk"):
        turn |= undecided(request)
    return turn


def undecided(request: LaunchRequest) -> Q:
    """Those who are told about launches, may decide on this one now, and have not voted yet."""
    stage = policy.current_stage(request)
    if stage is None:
        return Q(pk__in=[])
    deciding = Q(memberships__is_notified=True, memberships__may_decide=True)
    voted = stage.groups.filter(votes__isnull=False).values("votes__person")
    return deciding & Q(memberships__team__stage_groups__stage=stage) & ~Q(pk__in=voted) & ~Q(pk=request.requester_id)


def _named(notice: Notice, request: LaunchRequest) -> Q:
    """Whom a message names, as far as they may read it: a note never goes to the requester."""
    message = message_of(notice).first()
    if message is None:
        return Q(pk__in=[])
    may_read = _may_read(request)
    if message.kind != MessageKind.NOTE:
        return Q(mentions=message) & (may_read | Q(pk=request.requester_id))
    return Q(mentions=message) & may_read & ~Q(pk=request.requester_id)


def _may_read(request: LaunchRequest) -> Q:
    """Whom `visible_to` shows it, its requester apart. By keys, so that one membership may tell and another show."""
    deciding = Membership.objects.filter(may_decide=True, team__stage_groups__stage__request=request)
    return Q(is_administrator=True) | Q(is_auditor=True) | Q(pk__in=deciding.values("person"))
