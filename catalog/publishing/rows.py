"""Publications as rows: made, confirmed. Who may do so is not decided here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Case, F, QuerySet, When

from catalog.models import Product, Publication, Rollout, Step, Version
from catalog.models.publishing import Kind, Status
from portal.accounts.models import User

# What leads to the new version.
MAKING = (Kind.CHILD, Kind.TEMPLATE, Kind.VERSION)


def newest(product: Product) -> Version | None:
    """The version that was made last, of those that can be launched; else of those that can be updated to."""
    return choices(product).first()


def choices(product: Product) -> QuerySet[Version]:
    """What can be launched or updated to; the deprecated ones last, then by age, the newest first."""
    last = Case(When(guidance=Version.DEPRECATED, then=1), default=0)
    newest_first = F("created_at").desc(nulls_last=True)
    return product.versions.existing().filter(active=True).order_by(last, newest_first, "-pk")


def proposal(
    product: Product, source: Version | None, options: dict[str, Any], retire: str, now: datetime
) -> Publication:
    """A publication that is not saved: enough to plan."""
    return Publication(product=product, source=source, options=options, retire=retire, created_at=now, next_at=now)


def open_publication(proposed: Publication, person: User | None, rollout: Rollout | None = None) -> Publication:
    """Inside the caller's transaction, under the product's lock."""
    proposed.created_by, proposed.rollout = person, rollout
    proposed.save(force_insert=True)
    return proposed


def confirm(publication: Publication, person: User | None, now: datetime) -> None:
    """Inside the caller's transaction, under the publication's lock: the worker may begin."""
    publication.status, publication.confirmed_at, publication.confirmed_by = Status.UNDER_WAY, now, person
    publication.next_at, publication.claimed_at, publication.tries, publication.error = now, None, 0, ""
    publication.changed_at = None
    publication.save()
    # One that was retired and is active again is retired again.
    publication.steps.filter(kind=Kind.RETIRE, target__in=publication.retires).delete()
    made = set(publication.steps.values_list("kind", flat=True))
    Step.objects.bulk_create(one for one in _steps(publication) if one.kind not in made.intersection(MAKING))


def _steps(publication: Publication) -> list[Step]:
    names = {one["id"]: one["name"] for one in publication.facts["ungated"]}
    kinds = [Kind.CHECK]
    if publication.creates:
        wrapped = [Kind.CHILD] if publication.verdict == "wrapped" else []
        kinds += [*wrapped, Kind.TEMPLATE, Kind.VERSION]
    kinds.append(Kind.READY)
    making = [Step(publication=publication, kind=kind) for kind in kinds]
    retiring = [
        Step(publication=publication, kind=Kind.RETIRE, target=target, name=names[target])
        for target in publication.retires
    ]
    return making + retiring


def resume(publication: Publication, now: datetime) -> None:
    """Inside the caller's transaction, under the publication's lock: one that stands after an error goes on.

    While no version was made, it is looked again whether what was confirmed is still so; and always, whether the
    gated version can be launched.
    """
    publication.steps.filter(kind=Kind.READY).update(done_at=None)
    if publication.confirmed_at and not publication.artifact_id:
        publication.steps.filter(kind=Kind.CHECK).update(done_at=None)
    publication.status = Status.UNDER_WAY if publication.confirmed_at else Status.PLANNING
    publication.next_at, publication.tries, publication.error = now, 0, ""
    publication.save(update_fields=["status", "next_at", "tries", "error"])


def abandon(publication: Publication, now: datetime) -> None:
    """Inside the caller's transaction, under the publication's lock. What was done stays done."""
    publication.status, publication.finished_at, publication.claimed_at = Status.ABANDONED, now, None
    publication.save(update_fields=["status", "finished_at", "claimed_at"])


def refuse(proposed: Publication, error: str, now: datetime) -> None:
    """A line in a rollout's report for a product that cannot even be planned."""
    proposed.status, proposed.error, proposed.finished_at = Status.REFUSED, error, now
