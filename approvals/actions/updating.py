"""Who started an update, once CloudTrail says (approvals.following.updaters)."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_noop

from approvals import audit
from approvals.actions.alarms import alarm_about
from approvals.actions.base import locked
from approvals.actor import Actor
from approvals.choices import AlarmCode, Kind
from approvals.errors import Refused, Why
from approvals.inbox.terms import terms_of
from approvals.intake import identity
from approvals.models import LaunchRequest, Vote
from approvals.rules import is_own

DECIDED_OWN = gettext_noop("CloudTrail names the person who decided as the one who started this update.")


def name_updater(pk: int, principal_arn: str, *, actor: Actor, now: datetime) -> LaunchRequest:
    """Put the updater in the place of the unknown one. What was decided meanwhile stands; an approver who turns
    out to have decided on an update of their own raises an alarm."""
    with locked(pk) as request:
        if request.kind == Kind.LAUNCH or request.updater_arn:
            raise Refused(Why.NOT_LEGAL, state=request.get_state_display())
        person = identity.vouched_person(principal_arn, request.account, now)
        request.updater_arn = principal_arn
        request.requester, request.requester_verified = person, person is not None
        request.search_terms = terms_of(request)
        request.save(update_fields=["updater_arn", "requester", "requester_verified", "search_terms"])
        audit.record(request, audit.Event.UPDATER_NAMED, actor=actor, now=now, texts={"principal": principal_arn})
        votes = Vote.objects.select_related("person").filter(group__stage__request=request)
        if any(is_own(vote.person, request) for vote in votes):
            alarm_about(request, AlarmCode.OWN_UPDATE, DECIDED_OWN, actor=actor, now=now)
        return request
