"""Constraints: each portfolio's list of them, and what each one says.

The list names type and description only. What a constraint says is asked when it is new, when its list entry
changed, and again after some hours (`SyncRun.renew_before`): an update of it may leave no trace in the list.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.db.models import Q

from catalog.models import Constraint, Portfolio, Product
from catalog.sync.slices import Slice
from catalog.sync.text import clean, parsed
from catalog.sync.trouble import Gone
from portal import clock


def store_list(at: Slice, portfolio: Portfolio, products: Iterable[Product], summaries: list[dict[str, Any]]) -> None:
    """Inside the portfolio's unit. A constraint on a product that came after its list waits for the next run."""
    by_id = {product.product_id: product for product in products}
    kept = {one.constraint_id: one for one in Constraint.objects.filter(place=at.place, portfolio=portfolio)}
    seen = []
    # What moved from one page to the next while they were read is in both.
    for summary in {summary["ConstraintId"]: summary for summary in summaries}.values():
        product = by_id.get(summary.get("ProductId", ""))
        if product is None:
            continue
        seen.append(summary["ConstraintId"])
        told = {
            "product_id": product.pk,
            "type": summary.get("Type", ""),
            "description": clean(summary.get("Description")),
            "removed_at": None,
        }
        known = kept.get(summary["ConstraintId"])
        if known is None:
            Constraint.objects.create(
                place=at.place, portfolio=portfolio, constraint_id=summary["ConstraintId"], **told
            )
        elif any(getattr(known, field) != value for field, value in told.items()):
            Constraint.objects.filter(pk=known.pk).update(**told, read_at=None)
    gone = Constraint.objects.filter(place=at.place, portfolio=portfolio, removed_at=None)
    at.count("removed", gone.exclude(constraint_id__in=seen).update(removed_at=clock.now()))
    at.count("constraints", len(seen))


def constraints(at: Slice) -> None:
    old = Q(read_at=None) | Q(read_at__lt=at.run.renew_before)
    left = Constraint.objects.filter(old, place=at.place, removed_at=None).order_by("pk")
    at.each(left, "constraint_id", partial(_read, at), partial(_store, at))


def _read(at: Slice, constraint: Constraint) -> dict[str, Any] | None:
    try:
        return at.reader.ask("servicecatalog", "describe_constraint", Id=constraint.constraint_id)
    except Gone:
        return None


def _store(at: Slice, constraint: Constraint, answer: dict[str, Any] | None) -> None:
    changes: dict[str, Any] = {"read_at": clock.now()}
    if answer is not None:
        said = parsed(answer.get("ConstraintParameters", ""))
        changes |= {
            "parameters": said,
            "role_arn": str(said.get("RoleArn") or "")[:2048],
            "role_name": str(said.get("LocalRoleName") or "")[:200],
        }
    with at.unit(done=1):
        Constraint.objects.filter(pk=constraint.pk).update(**changes)
