"""Keeps coverage up to date: analyses templates, asks about roles, judges, and counts for the trend.

Safe to run twice, to die anywhere and to run beside itself: what was done is seen at the rows. A template is locked
by who analyses it; nothing is locked while AWS is asked.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime

from django.db import transaction

from catalog.coverage import roles
from catalog.coverage.analysis import VERSION, analyse
from catalog.coverage.judging import assess
from catalog.models import CoverageDay, Place, Product, SyncRun, Template, Version


def cover(now: datetime, seconds: float) -> None:
    """All that is due, for so long; the rest goes on at the next round."""
    ends = time.monotonic() + seconds
    places = _with_new_analyses(ends)
    for place in Place.objects.order_by("covered_at", "pk"):
        if time.monotonic() >= ends:
            return
        changed = roles.look(place, now, ends) if place.enabled else set()
        if place.pk in places or changed or _is_due(place, now):
            _judge(place, now)


def judge_at_once(product: Product) -> None:
    """One product, before its place's turn comes. Asks nobody."""
    versions = Version.objects.existing().filter(product=product, template__analysis_version__lt=VERSION)
    for template in Template.objects.filter(versions__in=versions).distinct():
        _keep_analysis(template)
    assess(Product.objects.filter(pk=product.pk).select_related("place"))


def _with_new_analyses(ends: float) -> set[int]:
    """Analyse what was not, or by an older version of ours; the places that have to be judged for it."""
    places = set[int]()
    while time.monotonic() < ends and (found := _analyse_one()) is not None:
        places |= found
    return places


def _analyse_one() -> set[int] | None:
    """The places of the products that launch it; None where there is nothing to do."""
    with transaction.atomic():
        waiting = Template.objects.filter(analysis_version__lt=VERSION).order_by("-pk")
        template = waiting.select_for_update(skip_locked=True).first()
        if template is None:
            return None
        _keep_analysis(template)
    return set(
        Version.objects.filter(template=template, product__place__isnull=False)
        .values_list("product__place", flat=True)
        .distinct()
    )


def _keep_analysis(template: Template) -> None:
    analysis = analyse(template.body).to_json()
    Template.objects.filter(pk=template.pk).update(analysis=analysis, analysis_version=VERSION)


def _is_due(place: Place, now: datetime) -> bool:
    """Not judged today, or since something was read there."""
    if place.covered_at is None or place.covered_at.astimezone(UTC).date() < now.astimezone(UTC).date():
        return True
    newest = SyncRun.objects.filter(place=place, finished_at__isnull=False).order_by("-finished_at").first()
    return newest is not None and newest.finished_at is not None and newest.finished_at >= place.covered_at


def _judge(place: Place, now: datetime) -> None:
    assess(Product.objects.offered().filter(place=place).select_related("place"))
    _count(place, now)
    Place.objects.filter(pk=place.pk).update(covered_at=now)


def _count(place: Place, now: datetime) -> None:
    """The day's row for the trend, written again at each round of the day."""
    offered = Product.objects.offered().filter(place=place)
    versions = Version.objects.existing().filter(product__in=offered, active=True)
    CoverageDay.objects.update_or_create(
        place=place,
        day=now.astimezone(UTC).date(),
        defaults={
            "products": Counter(str(risk) for risk in offered.values_list("risk", flat=True)),
            "versions": Counter(versions.values_list("verdict", flat=True)),
        },
    )
