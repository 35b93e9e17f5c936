"""Who is told about a happening. The one who did it is not, and neither is anyone deactivated."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from approvals.choices import MessageKind, NoticeCode
from approvals.models import LaunchRequest, Notice
from portal.accounts.models import User

_TO_THE_DESK = frozenset({NoticeCode.OPENED, NoticeCode.ANSWERED})


def recipients(notice: Notice) -> QuerySet[User]:
    """The people a notice goes to, each once."""
    return (
        User.objects.filter(_audience(notice), is_active=True)
        .exclude(pk__in=[pk for pk in (notice.event.actor_id, notice.event.on_behalf_of_id) if pk])
        .order_by("pk")
        .distinct()
    )


def _audience(notice: Notice) -> Q:
    code, request = NoticeCode(notice.code), notice.request
    if code == NoticeCode.ALARM or request is None:
        return Q(is_administrator=True)
    if code in _TO_THE_DESK or (code == NoticeCode.COMMENTED and _wrote_it_himself(notice, request)):
        return _desk(request) & ~Q(pk=request.requester_id)
    if code == NoticeCode.WITHDRAWN and _wrote_it_himself(notice, request):
        return _desk(request)
    return Q(pk=request.requester_id)


def _wrote_it_himself(notice: Notice, request: LaunchRequest) -> bool:
    return notice.event.actor_id is not None and notice.event.actor_id == request.requester_id


def _desk(request: LaunchRequest) -> Q:
    """Members of the request's teams who want to be told, and whoever has asked the requester something."""
    teams = Q(memberships__is_notified=True, memberships__team__stage_groups__stage__request=request)
    asked = request.messages.filter(kind=MessageKind.QUESTION).values("author")
    return teams | Q(pk__in=asked)
