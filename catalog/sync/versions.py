"""The versions of every product.

Service Catalog says nowhere when a product's versions last changed, so each product is asked about in each run:
one call a product is the least that a run costs.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from catalog.models import Product, Version
from catalog.sync.slices import Slice
from catalog.sync.text import clean
from catalog.sync.trouble import Gone
from portal import clock

_FIELDS = ("product_id", "name", "description", "type", "active", "guidance", "created_at", "removed_at")
Answer = dict[str, Any] | None


def versions(at: Slice) -> None:
    left = Product.objects.offered().filter(place=at.place).exclude(versions_in=at.run.pk).order_by("pk")
    at.each(left, "product_id", partial(_read, at), partial(_store, at))


def _read(at: Slice, product: Product) -> Answer:
    """None where the product was deleted meanwhile: the next run will not list it."""
    try:
        return at.reader.ask("servicecatalog", "list_provisioning_artifacts", ProductId=product.product_id)
    except Gone:
        return None


def _store(at: Slice, product: Product, answer: Answer) -> None:
    with at.unit(done=1):
        if answer is not None:
            _store_all(at, product, answer)
            cut_off = bool(answer.get("NextPageToken"))
            Product.objects.filter(pk=product.pk).update(versions_at=clock.now(), cut_off=cut_off)
        Product.objects.filter(pk=product.pk).update(versions_in=at.run.pk)


def _store_all(at: Slice, product: Product, answer: dict[str, Any]) -> None:
    details = answer["ProvisioningArtifactDetails"]
    keep(product, details)
    at.count("versions", len(details))
    if answer.get("NextPageToken"):
        # The request takes no token: what is beyond this page cannot be seen, nor whether it is gone.
        at.count("cut_off")
        return
    gone = product.versions.filter(removed_at=None).exclude(artifact_id__in=[detail["Id"] for detail in details])
    at.count("removed", gone.update(removed_at=clock.now(), active=False))


def keep(product: Product, details: list[dict[str, Any]]) -> None:
    """Inside the caller's transaction: versions as AWS lists them now."""
    ids = [detail["Id"] for detail in details]
    kept = {version.artifact_id: version for version in Version.objects.filter(artifact_id__in=ids)}
    new = []
    for detail in details:
        values = _values(product, detail)
        version = kept.get(detail["Id"])
        if version is None:
            new.append(Version(artifact_id=detail["Id"], **values))
        elif any(getattr(version, field) != values[field] for field in _FIELDS):
            Version.objects.filter(pk=version.pk).update(**values)
    # A publication may have stored the same one in this moment.
    Version.objects.bulk_create(new, ignore_conflicts=True)


def _values(product: Product, detail: dict[str, Any]) -> dict[str, Any]:
    return {
        "product_id": product.pk,
        "name": clean(detail.get("Name")),
        "description": clean(detail.get("Description")),
        "type": detail.get("Type", ""),
        "active": detail.get("Active", True),
        "guidance": detail.get("Guidance") or Version.DEFAULT,
        "created_at": detail.get("CreatedTime"),
        "removed_at": None,
    }
