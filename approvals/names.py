"""Gives requests the names of their product and version once the catalogue knows them."""

from django.db.models import Q

from approvals.models import LaunchRequest
from catalog.names import lookup

_BATCH = 500


def fill() -> int:
    """Name requests that were opened before the catalogue had been read; returns how many changed."""
    nameless = LaunchRequest.objects.filter(
        Q(product_name="", product_id__gt="") | Q(version_name="", version_id__gt="")
    )
    changed = 0
    for request in nameless.order_by("-pk").only("product_id", "version_id", "product_name", "version_name")[:_BATCH]:
        product, version = lookup(request.product_id, request.version_id)
        changes = {
            field: name
            for field, name in (("product_name", product), ("version_name", version))
            if name and not getattr(request, field)
        }
        changed += LaunchRequest.objects.filter(pk=request.pk).update(**changes) if changes else 0
    return changed
