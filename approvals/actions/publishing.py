"""Publishing gated versions: an administrator's verbs. A worker does what they leave behind (approvals.publishing)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from approvals import audit, hints
from approvals.actions.guards import administrators_only, must_be_fresh
from approvals.actor import Actor
from approvals.errors import Refused, Why
from approvals.outbox import hint_on_commit
from approvals.publishing import subject
from catalog import publishing
from catalog.models import Portfolio, Product, Publication, Rollout, Version
from catalog.models.publishing import Kind, Status

_RUNNING = (Status.UNDER_WAY,)
Facts = dict[str, str | int | bool | None]


def plan(
    product: Product, source: Version | None, *, options: dict[str, Any], retire: str, actor: Actor, now: datetime
) -> Publication:
    """Have it planned what a gated version would be, and whom retiring the others affects. Nothing in AWS changes.

    A plan that nobody confirmed yet, or that stands after an error, is abandoned for the new one. Raises Refused,
    and BadOption.
    """
    _check(actor)
    publishing.options_of(options)
    with transaction.atomic(durable=True):
        _lock(product)
        old = Publication.objects.open().select_for_update().filter(product=product).first()
        if old is not None and old.status in _RUNNING:
            raise Refused(Why.PUBLISHING_ALREADY)
        if old is not None:
            _abandon(old, actor, now)
        made = publishing.proposal(product, source, options, retire, now)
        publishing.open_publication(made, actor.person)
        _record_asked(made, actor, now)
        hint_on_commit(hints.Hint.PUBLISH)
        return made


def confirm(uuid: UUID, *, shown: str, is_fresh: bool, actor: Actor, now: datetime) -> Publication:
    """`shown`: what the person saw, Publication.shown. Confirming what is confirmed already changes nothing.

    It changes what everybody can launch, so whoever confirms has just proved who they are. Raises Refused.
    """
    _check(actor)
    must_be_fresh(is_fresh)
    with transaction.atomic(durable=True):
        publication = _locked(uuid)
        if publication.shown == shown and publication.status in (Status.UNDER_WAY, Status.FAILED, Status.DONE):
            return publication
        _confirm(publication, shown, actor, now)
        return publication


def resume(uuid: UUID, *, actor: Actor, now: datetime) -> None:
    """Have one that an error stopped go on where it stopped."""
    _check(actor)
    with transaction.atomic(durable=True):
        publication = _locked(uuid)
        if publication.status != Status.FAILED:
            return
        publishing.resume(publication, now)
        _record(publication, audit.Event.PUBLICATION_RESUMED, actor, now)
        hint_on_commit(hints.Hint.PUBLISH)


def abandon(uuid: UUID, *, actor: Actor, now: datetime) -> None:
    """What was done stays done; nothing more is."""
    _check(actor)
    with transaction.atomic(durable=True):
        publication = _locked(uuid)
        if publication.finished_at is None:
            _abandon(publication, actor, now)


def plan_portfolio(
    portfolio: Portfolio, *, options: dict[str, Any], retire: str, actor: Actor, now: datetime
) -> Rollout:
    """A plan for each product it offers. One that is being published already is left to that. Raises Refused and
    BadOption."""
    _check(actor)
    publishing.options_of(options)
    with transaction.atomic(durable=True):
        rollout = Rollout.objects.create(
            portfolio=portfolio, options=options, retire=retire, created_at=now, created_by=actor.person
        )
        offered = Product.objects.offered().filter(offers__portfolio=portfolio, offers__removed_at=None)
        for product in offered.order_by("product_id"):
            _plan_one(rollout, product, actor, now)
        # Last, as in confirm_portfolio: whoever holds this chain waits for no other lock.
        facts: Facts = {"rollout": rollout.pk, "portfolio": portfolio.portfolio_id}
        audit.record(audit.OPERATIONS, audit.Event.ROLLOUT_ASKED, actor=actor, now=now, params=facts)
        hint_on_commit(hints.Hint.PUBLISH)
        return rollout


def confirm_portfolio(uuid: UUID, *, shown: str, is_fresh: bool, actor: Actor, now: datetime) -> int:
    """Confirm every plan of it that waits; `shown` as by `shown_of`. Returns how many.

    Raises Refused when one of them is not as it was shown, and then confirms none; and where `confirm` would.
    """
    _check(actor)
    must_be_fresh(is_fresh)
    with transaction.atomic(durable=True):
        rollout = Rollout.objects.select_for_update().filter(uuid=uuid).first()
        if rollout is None:
            raise Refused(Why.NOT_FOUND)
        waiting = list(
            Publication.objects.select_for_update(of=("self",))
            .select_related("product")
            .filter(rollout=rollout, status=Status.PLANNED)
            .order_by("product__product_id")
        )
        if not waiting:
            return 0
        if shown_of(waiting) != shown:
            raise Refused(Why.PLAN_CHANGED)
        for publication in waiting:
            _confirm(publication, publication.shown, actor, now)
        facts: Facts = {"rollout": rollout.pk, "portfolio": rollout.portfolio.portfolio_id, "shown": shown}
        audit.record(audit.OPERATIONS, audit.Event.ROLLOUT_CONFIRMED, actor=actor, now=now, params=facts)
        return len(waiting)


def shown_of(waiting: Iterable[Publication]) -> str:
    """One digest for the plans of a portfolio that wait for a confirmation."""
    parts = sorted(f"{one.uuid.hex} {one.shown}" for one in waiting if one.status == Status.PLANNED)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _plan_one(rollout: Rollout, product: Product, actor: Actor, now: datetime) -> None:
    _lock(product)
    made = publishing.proposal(product, publishing.newest(product), rollout.options, rollout.retire, now)
    old = Publication.objects.open().select_for_update().filter(product=product).first()
    if old is not None and old.status in _RUNNING:
        publishing.refuse(made, "busy", now)
    elif old is not None:
        _abandon(old, actor, now)
    publishing.open_publication(made, actor.person, rollout)
    _record_asked(made, actor, now)


def _confirm(publication: Publication, shown: str, actor: Actor, now: datetime) -> None:
    if not publishing.is_on():
        raise Refused(Why.PUBLISHING_OFF)
    if publication.status != Status.PLANNED or publication.shown != shown:
        raise Refused(Why.PLAN_CHANGED)
    publishing.confirm(publication, actor.person, now)
    _record(publication, audit.Event.PUBLICATION_CONFIRMED, actor, now, shown=shown)
    hint_on_commit(hints.Hint.PUBLISH)


def _abandon(publication: Publication, actor: Actor, now: datetime) -> None:
    # AWS may have carried it out, and nobody will say so any more.
    changing = publication.steps.exclude(kind__in=(Kind.CHECK, Kind.READY))
    begun = changing.exclude(began_at=None).filter(done_at=None).first()
    unknown = {"begun": begun.kind, "target": begun.target} if begun else {}
    publishing.abandon(publication, now)
    _record(publication, audit.Event.PUBLICATION_ABANDONED, actor, now, **unknown)


def _check(actor: Actor) -> None:
    administrators_only(actor)
    if not publishing.is_on():
        raise Refused(Why.PUBLISHING_OFF)


def _lock(product: Product) -> None:
    """Two clicks at once become one publication after the other."""
    Product.objects.select_for_update(of=("self",)).get(pk=product.pk)


def _locked(uuid: UUID) -> Publication:
    found = Publication.objects.select_for_update(of=("self",)).select_related("product").filter(uuid=uuid).first()
    if found is None:
        raise Refused(Why.NOT_FOUND)
    return found


def _record_asked(publication: Publication, actor: Actor, now: datetime) -> None:
    source = publication.source.artifact_id if publication.source else ""
    _record(publication, audit.Event.PUBLICATION_ASKED, actor, now, version=source, retire=publication.retire)


def _record(publication: Publication, event: audit.Event, actor: Actor, now: datetime, **facts: str) -> None:
    params: Facts = {"publication": publication.pk, **facts}
    audit.record(subject(publication.product), event, actor=actor, now=now, params=params)
