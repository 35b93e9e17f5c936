"""The catalogue as the mirror has it: products by risk, where they are offered, and how that changes day by day."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Count, IntegerField, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from approvals.paging import by_risk
from approvals.views import trend
from approvals.views.base import PersonRequest, for_people, may_see
from catalog.coverage import Risk
from catalog.models import Offer, Place, Portfolio, Product, Version
from portal.clock import now

_LONGEST_SEARCH = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the reader asked for; whatever is no choice of the page's is left aside."""

    search: str
    risk: Risk | None
    place: int | None
    portfolio: int | None

    @classmethod
    def of(cls, request: HttpRequest) -> Wanted:
        risk = _number(request, "risk")
        return cls(
            request.GET.get("q", "").strip().replace("\0", "")[:_LONGEST_SEARCH],
            Risk(risk) if risk in Risk.values else None,
            _number(request, "place"),
            _number(request, "portfolio"),
        )

    @property
    def kept(self) -> dict[str, str]:
        """For the query strings of other pages."""
        values = {"q": self.search, "risk": self.risk, "place": self.place, "portfolio": self.portfolio}
        return {name: str(int(value) if isinstance(value, int) else value) for name, value in values.items() if value}

    def found(self) -> QuerySet[Product]:
        products: QuerySet[Product] = Product.objects.offered()
        if self.search:
            products = products.filter(Q(name__icontains=self.search) | Q(product_id=self.search))
        if self.place:
            products = products.filter(place=self.place)
        if self.portfolio:
            offers = Offer.objects.filter(portfolio=self.portfolio, removed_at=None)
            products = products.filter(pk__in=offers.values("product"))
        return products


@require_safe
@for_people
def products(request: PersonRequest) -> HttpResponse:
    may_see(request)
    wanted = Wanted.of(request)
    found, kept = wanted.found(), wanted.kept
    shown = found if wanted.risk is None else found.filter(risk=wanted.risk)
    context = {
        "here": "catalogue",
        "wanted": wanted,
        "page": by_risk(_with_offers(shown), request.GET.get("after", ""), **kept),
        "first": urlencode(kept),
        "total": shown.count(),
        "risks": _counted(found),
        "places": Place.objects.order_by("account", "region"),
        "portfolios": Portfolio.objects.filter(offers__removed_at=None, removed_at=None).distinct().order_by("name"),
        "watched": Place.objects.filter(enabled=True).exists(),
        "trend": trend.of(wanted.place, now()),
    }
    return render(request, "approvals/catalogue.html", context)


def _with_offers(found: QuerySet[Product]) -> QuerySet[Product]:
    of_one = Version.objects.launchable().filter(product=OuterRef("pk")).order_by()
    # A subquery in the list of what is selected is worked out after LIMIT: for the page's rows only.
    launchable = Subquery(of_one.values("product").annotate(n=Count("pk")).values("n"), output_field=IntegerField())
    offers = Offer.objects.filter(removed_at=None).select_related("portfolio").order_by("portfolio__name")
    listed = found.select_related("place").annotate(launchable=Coalesce(launchable, 0))
    return listed.prefetch_related(Prefetch("offers", offers, to_attr="offered_in"))


def _counted(found: QuerySet[Product]) -> list[tuple[Risk, int]]:
    """Each risk there is, the gravest first, with the number of products."""
    counts = found.order_by("risk").values_list("risk").annotate(Count("pk"))
    return [(Risk(risk), number) for risk, number in counts]


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
