"""Claiming: somebody says that they look at a request. It tells the others and blocks nobody.

A claim lapses by itself; it is only ever read together with the time (`claimant`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from approvals import audit
from approvals.actions.base import locked, permit
from approvals.actor import Actor
from approvals.choices import OPEN_STATES
from approvals.errors import Refused, Why
from approvals.lifecycle import Action
from approvals.models import LaunchRequest
from portal.accounts.models import User

LIFE = timedelta(minutes=30)


def claimant(request: LaunchRequest, now: datetime) -> User | None:
    """Who says that they look at it; nobody once that is half an hour ago, or the request is closed."""
    at = request.claimed_at
    return request.claimed_by if at is not None and now - at < LIFE and request.is_open else None


def claimed(now: datetime, *, by: User) -> Q:
    """Requests whose `claimant` is this person."""
    return Q(claimed_by=by, claimed_at__gt=now - LIFE, state__in=OPEN_STATES)


def unclaimed(now: datetime) -> Q:
    """Open requests without a `claimant`."""
    nobody = Q(claimed_by=None) | Q(claimed_at=None) | Q(claimed_at__lte=now - LIFE)
    return nobody & Q(state__in=OPEN_STATES)


def claim(pk: int, *, actor: Actor, now: datetime) -> LaunchRequest:
    """Say that this person looks at it, in whoever's place. Only who may decide; said again it lasts longer."""
    if actor.person is None:
        raise Refused(Why.NOT_ALLOWED)
    with locked(pk) as request:
        permit(actor, request, Action.REJECT, now)
        before = claimant(request, now)
        request.claimed_by, request.claimed_at = actor.person, now
        request.save(update_fields=["claimed_by", "claimed_at"])
        if before != actor.person:
            audit.record(request, audit.Event.CLAIMED, actor=actor, now=now)
        return request


def unclaim(pk: int, *, actor: Actor, now: datetime) -> LaunchRequest:
    """Take one's own claim back. Nobody else's: they may claim it themselves."""
    if actor.person is None:
        raise Refused(Why.NOT_ALLOWED)
    with locked(pk) as request:
        if request.claimed_by_id != actor.person.pk:
            raise Refused(Why.NOT_ALLOWED)
        held = claimant(request, now) is not None
        request.claimed_by = request.claimed_at = None
        request.save(update_fields=["claimed_by", "claimed_at"])
        if held:
            audit.record(request, audit.Event.UNCLAIMED, actor=actor, now=now)
        return request
