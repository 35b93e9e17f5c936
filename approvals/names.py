"""Gives requests the names of their product and version once the catalogue knows them."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q

from approvals.inbox.terms import refill
from approvals.models import LaunchRequest
from catalog.models import Product, Version
from catalog.names import lookup

_BATCH = 500


def fill() -> int:
    """Name requests that were opened before the catalogue had been read; returns how many changed.

    Those that nobody can name cost nothing: only what the catalogue knows by now is looked up.
    """
    changed = 0
    while found := _named_by_now():
        for request in found:
            product, version = lookup(request.product_id, request.version_id)
            changes = {
                field: name
                for field, name in (("product_name", product), ("version_name", version))
                if name and not getattr(request, field)
            }
            changed += LaunchRequest.objects.filter(pk=request.pk).update(**changes) if changes else 0
        refill(LaunchRequest.objects.filter(pk__in=[one.pk for one in found]).select_related("requester"))
        if len(found) < _BATCH:
            break
    return changed


def _named_by_now() -> list[LaunchRequest]:
    product = Product.objects.filter(product_id=OuterRef("product_id"), name__gt="")
    version = Version.objects.filter(
        artifact_id=OuterRef("version_id"), product__product_id=OuterRef("product_id"), name__gt=""
    )
    known = Q(Exists(product), product_name="") | Q(Exists(version), version_name="")
    nameless = LaunchRequest.objects.nameless().filter(known).order_by("-opened_at")
    return list(nameless.only("product_id", "version_id", "product_name", "version_name")[:_BATCH])
