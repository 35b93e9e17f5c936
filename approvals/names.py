"""Gives requests the names of their product and version once the catalogue knows them."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max, Q

from approvals.models import LaunchRequest
from approvals.models.requests import LaunchRequestQuerySet
from catalog import places
from catalog.names import lookup

_BATCH = 500


def fill() -> int:
    """Name requests that were opened before the catalogue had been read; returns how many changed."""
    changed = 0
    for request in (
        _nameless().order_by("-pk").only("product_id", "version_id", "product_name", "version_name")[:_BATCH]
    ):
        product, version = lookup(request.product_id, request.version_id)
        changes = {
            field: name
            for field, name in (("product_name", product), ("version_name", version))
            if name and not getattr(request, field)
        }
        changed += LaunchRequest.objects.filter(pk=request.pk).update(**changes) if changes else 0
    return changed


def look_for_places(now: datetime) -> None:
    """Watch where launches come from, as far as the desk may, and read at once where a new one is nameless."""
    known = LaunchRequest.objects.order_by().values_list("account", "region").distinct()
    places.ensure(now, set(known))
    newest = _nameless().aggregate(newest=Max("opened_at"))["newest"]
    if newest is not None:
        places.hurry(now, newest)


def _nameless() -> LaunchRequestQuerySet:
    found: LaunchRequestQuerySet = LaunchRequest.objects.filter(
        Q(product_name="", product_id__gt="") | Q(version_name="", version_id__gt="")
    )
    return found
