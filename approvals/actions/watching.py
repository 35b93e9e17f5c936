"""Which accounts and regions the desk watches: an administrator's verbs. What was read is never taken away."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from approvals import audit
from approvals.actions.guards import administrators_only
from approvals.actor import Actor
from approvals.errors import Refused, Why
from catalog import places
from catalog.models import Place


class AlreadyWatched(Exception):
    """There is such a place; nothing was changed."""


def watch(place: Place, *, actor: Actor, now: datetime) -> Place:
    """Add a place, checked by the caller's form, to be read at once. Raises AlreadyWatched."""
    administrators_only(actor)
    place.created_at, place.created_by, place.next_at = now, actor.person, now
    try:
        with transaction.atomic(durable=True):
            place.save(force_insert=True)
            _record(place, audit.Event.PLACE_ADDED, actor, now)
    except IntegrityError:
        raise AlreadyWatched from None
    return place


def switch_place(pk: int, *, on: bool, actor: Actor, now: datetime) -> None:
    administrators_only(actor)
    with transaction.atomic(durable=True):
        place = _locked(pk)
        if place.enabled != on:
            places.switch(place, on=on, now=now)
            event = audit.Event.PLACE_SWITCHED_ON if on else audit.Event.PLACE_SWITCHED_OFF
            _record(place, event, actor, now)


def ask_for_sync(pk: int, *, actor: Actor, now: datetime) -> None:
    """Have a place that is switched on read at once."""
    administrators_only(actor)
    with transaction.atomic(durable=True):
        place = _locked(pk)
        if not place.enabled:
            raise Refused(Why.NOT_FOUND)
        places.ask(place, now)
        _record(place, audit.Event.SYNC_ASKED, actor, now)


def _locked(pk: int) -> Place:
    place = Place.objects.select_for_update(of=("self",)).filter(pk=pk).first()
    if place is None:
        raise Refused(Why.NOT_FOUND)
    return place


def _record(place: Place, event: audit.Event, actor: Actor, now: datetime) -> None:
    facts: dict[str, str | int | bool | None] = {"place": place.pk, "account": place.account, "region": place.region}
    if place.role_arn:
        facts["role"] = place.role_arn
    audit.record(audit.OPERATIONS, event, actor=actor, now=now, params=facts)
