"""The page of one product: what it is, how it is gated, who decides on it and what became of its launches.

Administrators, approvers and auditors see all of it. A requester sees the page of what they launched, without how it
is gated and without other people's launches; anybody else is told that there is no such page.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from approvals import policy
from approvals.context import sections_of
from approvals.models import LaunchRequest
from approvals.models.requests import LaunchRequestQuerySet
from approvals.review import usage
from approvals.views.base import PersonRequest, for_people
from catalog import console
from catalog.coverage import Risk, Standing, Verdict, open_doors, reasons_of, roles, standing_of
from catalog.models import Constraint, Offer, Portfolio, Product, Version
from portal.accounts.models import User
from portal.clock import now

RECENT = 10


@dataclass(frozen=True, slots=True)
class Line:
    """A version as the page shows it."""

    version: Version
    standing: Standing

    @property
    def verdict(self) -> Verdict:
        return Verdict(self.version.verdict or Verdict.UNREAD)

    @property
    def reasons(self) -> list[str]:
        return [reason.sentence for reason in reasons_of(self.version)]


@dataclass(frozen=True, slots=True)
class LaunchRole:
    """Who launches the product from a portfolio; `constraint` None: the end user does, with rights of their own."""

    portfolio: Portfolio
    constraint: Constraint | None

    @property
    def arn(self) -> str:
        where = self.portfolio.place
        return roles.role_of(self.constraint, where.account, where.region) if self.constraint else ""

    @property
    def sentence(self) -> str:
        return roles.sentence_of(self.constraint) if self.constraint else ""

    @property
    def lacks_rights(self) -> bool:
        return bool(self.constraint and (self.constraint.role_refuses or self.constraint.role_unasked == "no_role"))


@require_safe
@for_people
def page(request: PersonRequest, product_id: str) -> HttpResponse:
    product = get_object_or_404(Product.objects.select_related("place"), product_id=product_id)
    seen: LaunchRequestQuerySet = LaunchRequest.objects.visible_to(request.user)
    inside = "desk" in sections_of(request.user)
    if not inside and not seen.filter(product_id=product_id).exists():
        raise Http404
    context = {
        "here": _section(request.user, inside=inside),
        "product": product,
        "inside": inside,
        "publishes": request.user.is_administrator and product.launches_stacks and product.removed_at is None,
        "offers": _offers(product),
        "console_link": console.product_url(product.product_id, product.region) if inside else "",
        "teams": policy.deciders(),
        "usage": usage.of_product(seen, product_id, now()),
        "recent": usage.recent(seen, product_id, RECENT),
        "now": now(),
        **_versions(product, inside=inside),
    }
    return render(request, "approvals/product.html", context)


def _section(person: User, *, inside: bool) -> str:
    if "catalogue" in sections_of(person):
        return "catalogue"
    return "desk" if inside else "requests"


def _offers(product: Product) -> Iterable[Offer]:
    offers = Offer.objects.filter(product=product, removed_at=None, portfolio__removed_at=None)
    return offers.select_related("portfolio").order_by("portfolio__name", "pk")


def _versions(product: Product, *, inside: bool) -> dict[str, Any]:
    """Newest first; what is closed comes apart. Requesters see what they can launch, and nothing of gates."""
    versions = list(product.versions.order_by("-pk"))
    lines = [Line(version, standing_of(version)) for version in versions]
    found: dict[str, Any] = {"lines": [line for line in lines if line.standing.is_offered]}
    if inside:
        found |= {
            "risk": Risk(product.risk),
            "is_gated": Risk(product.risk).is_gated,
            "doors": open_doors(versions),
            "closed": [line for line in lines if not line.standing.is_offered],
            "launch_roles": [LaunchRole(*one) for one in roles.launch_roles(product.pk)],
        }
    return found
