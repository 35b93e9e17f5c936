"""Which portfolios and products there are, and what is in each portfolio.

A portfolio's products are asked for by portfolio, 20 an answer: with at most 150 products in each (aws-facts
§3.5) that is far fewer calls than ListPortfoliosForProduct for every product, and the only way to hear of
products that are shared with the place. The list of all products is read as well, for those in no portfolio.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from catalog.models import Constraint, Offer, Place, Portfolio, Product, Version
from catalog.sync import constraints
from catalog.sync.slices import Slice
from catalog.sync.text import clean
from catalog.sync.trouble import Gone, Trouble
from portal import clock

# Service Catalog's own limits.
_PAGE, _PORTFOLIOS_PAGE = 20, 100


def products(at: Slice) -> None:
    """The place's own products, a page a unit."""
    Product.objects.filter(place=None, account=at.place.account, region=at.place.region).update(place=at.place)
    for page in at.reader.pages("search_products_as_admin", "ProductViewDetails", PageSize=_PAGE):
        with at.unit(done=len(page)):
            for view in page:
                _store_product(at, view, own=True)


def portfolios(at: Slice) -> None:
    """The place's own portfolios and those it imported."""
    at.run.counts.pop("portfolios", None)
    for page in at.reader.pages("list_portfolios", "PortfolioDetails", PageSize=_PORTFOLIOS_PAGE):
        _store_portfolios(at, page, shared=False)
    for kind in ("IMPORTED", "AWS_ORGANIZATIONS"):
        try:
            pages = at.reader.pages(
                "list_accepted_portfolio_shares",
                "PortfolioDetails",
                PageSize=_PORTFOLIOS_PAGE,
                PortfolioShareType=kind,
            )
            for page in pages:
                _store_portfolios(at, page, shared=True)
        except Trouble as trouble:
            # An account that is in no organization.
            if trouble.code != "aws:OperationNotSupportedException":
                raise
    for portfolio in Portfolio.objects.filter(place=at.place, removed_at=None).exclude(seen_in=at.run.pk):
        try:
            gone = _is_gone(at, "search_products_as_admin", PortfolioId=portfolio.portfolio_id, PageSize=1)
        except Trouble as trouble:
            at.leave_out(portfolio.portfolio_id, trouble)
            continue
        with at.unit(removed=int(gone)):
            # Once in a run it is enough to know of one that it is there.
            Portfolio.objects.filter(pk=portfolio.pk).update(seen_in=at.run.pk)
            if gone:
                _end(clock.now(), portfolio=portfolio)
                Portfolio.objects.filter(pk=portfolio.pk).update(removed_at=clock.now())


def _store_portfolios(at: Slice, page: list[dict[str, Any]], *, shared: bool) -> None:
    with at.unit(done=len(page), portfolios=len(page)):
        for one in page:
            Portfolio.objects.update_or_create(
                place=at.place,
                portfolio_id=one["Id"],
                defaults={
                    "arn": one.get("ARN", ""),
                    "name": clean(one.get("DisplayName")),
                    "provider": clean(one.get("ProviderName")),
                    "description": clean(one.get("Description")),
                    "shared": shared,
                    "created_at": one.get("CreatedTime"),
                    "removed_at": None,
                    "seen_in": at.run.pk,
                },
            )


def contents(at: Slice) -> None:
    """What each portfolio holds: its products and constraints, a portfolio a unit."""
    left = Portfolio.objects.filter(place=at.place, removed_at=None).exclude(contents_in=at.run.pk).order_by("pk")
    at.each(left, "portfolio_id", partial(_read_contents, at), partial(_store_contents, at))


Contents = tuple[list[dict[str, Any]], list[dict[str, Any]]] | None


def _read_contents(at: Slice, portfolio: Portfolio) -> Contents:
    """Products and constraints; None where the portfolio was deleted meanwhile."""
    asked = {"PortfolioId": portfolio.portfolio_id, "PageSize": _PAGE}
    try:
        return (
            at.reader.every("search_products_as_admin", "ProductViewDetails", **asked),
            at.reader.every("list_constraints_for_portfolio", "ConstraintDetails", **asked),
        )
    except Gone:
        return None


def _store_contents(at: Slice, portfolio: Portfolio, found: Contents) -> None:
    if found is not None and _lacks_something(portfolio, found):
        # Pushed off a page while the list was read, or gone: a second look tells.
        again = _read_contents(at, portfolio)
        found = again and (found[0] + again[0], found[1] + again[1])
    with at.unit(done=1):
        if found is not None:
            views, summaries = found
            inside = {product.pk: product for product in (_store_product(at, view) for view in views)}
            offers = {offer.product_id: offer for offer in Offer.objects.filter(portfolio=portfolio)}
            new = [Offer(portfolio=portfolio, product=product) for pk, product in inside.items() if pk not in offers]
            Offer.objects.bulk_create(new)
            back = [pk for pk, offer in offers.items() if pk in inside and offer.removed_at]
            Offer.objects.filter(portfolio=portfolio, product__in=back).update(removed_at=None)
            gone = Offer.objects.filter(portfolio=portfolio, removed_at=None).exclude(product__in=inside)
            gone.update(removed_at=clock.now())
            constraints.store_list(at, portfolio, inside.values(), summaries)
        Portfolio.objects.filter(pk=portfolio.pk).update(contents_in=at.run.pk)


def _lacks_something(portfolio: Portfolio, found: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> bool:
    views, summaries = found
    products = {view["ProductViewSummary"]["ProductId"] for view in views}
    ids = {summary["ConstraintId"] for summary in summaries}
    offers = Offer.objects.filter(portfolio=portfolio, removed_at=None).exclude(product__product_id__in=products)
    constrained = Constraint.objects.filter(portfolio=portfolio, removed_at=None).exclude(constraint_id__in=ids)
    return offers.exists() or constrained.exists()


def _store_product(at: Slice, view: dict[str, Any], *, own: bool = False) -> Product:
    """`own`: from the list of the place's products. One that is read at another place stays there."""
    summary, arn = view["ProductViewSummary"], view.get("ProductARN", "").split(":")
    known = Product.objects.select_related("place").filter(product_id=summary["ProductId"]).first()
    account = arn[4] if len(arn) > 5 and arn[4] else at.place.account
    if known and not own and (known.seen_in == at.run.pk or _is_read_elsewhere(known, at.place)):
        return known
    if known is None or known.seen_in != at.run.pk:
        at.count("products")
    product, _ = Product.objects.update_or_create(
        product_id=summary["ProductId"],
        defaults={
            "place": at.place,
            "account": account,
            "region": arn[3] if len(arn) > 5 and arn[3] else at.place.region,
            "name": clean(summary.get("Name")),
            "owner": clean(summary.get("Owner")),
            "description": clean(summary.get("ShortDescription")),
            "engine": summary.get("Type") or "CLOUD_FORMATION_TEMPLATE",
            "created_at": view.get("CreatedTime"),
            "updated_at": clock.now(),
            "removed_at": None,
            "seen_in": at.run.pk,
        },
    )
    return product


def _is_read_elsewhere(product: Product, here: Place) -> bool:
    place = product.place
    return place is not None and place != here and place.enabled and product.removed_at is None


def removals(at: Slice) -> None:
    """Mark the products that no list of this run had and AWS no longer knows, with their versions and offers."""
    left = Product.objects.offered().filter(place=at.place).exclude(seen_in=at.run.pk).order_by("pk")
    at.each(left, "product_id", partial(_read_absence, at), partial(_store_absence, at))


def _read_absence(at: Slice, product: Product) -> bool:
    return _is_gone(at, "list_provisioning_artifacts", ProductId=product.product_id)


def _store_absence(at: Slice, product: Product, gone: bool) -> None:
    with at.unit(done=1, removed=int(gone)):
        Product.objects.filter(pk=product.pk).update(seen_in=at.run.pk)
        if gone:
            now = clock.now()
            Version.objects.filter(product=product, removed_at=None).update(removed_at=now, active=False)
            _end(now, product=product)
            Product.objects.filter(pk=product.pk).update(removed_at=now)


def _end(now: datetime, **of: Product | Portfolio) -> None:
    Constraint.objects.filter(removed_at=None, **of).update(removed_at=now)
    Offer.objects.filter(removed_at=None, **of).update(removed_at=now)


def _is_gone(at: Slice, operation: str, **arguments: Any) -> bool:
    """Asked for by its id: whatever is made or deleted while a list is read may push something off a page."""
    try:
        at.reader.ask("servicecatalog", operation, **arguments)
    except Gone:
        return True
    return False
