"""Portfolios shared with another account of the sandbox: offered, accepted, and read there as their owner's."""

from dataclasses import replace
from typing import Any

from sandbox.servicecatalog import views
from sandbox.servicecatalog.errors import InvalidParametersError, ResourceNotFoundError
from sandbox.servicecatalog.operations import Call, operation
from sandbox.servicecatalog.paging import page
from sandbox.servicecatalog.store import Catalogue, catalogue


@operation
def create_portfolio_share(call: Call) -> dict[str, Any]:
    portfolio, other = call.catalogue.portfolio(call.text("PortfolioId")), _other(call)
    other.offered[portfolio.id] = call.caller.account
    if other.account not in portfolio.shared_with:
        portfolio.shared_with.append(other.account)
    other.save()
    return {}


@operation
def list_portfolio_access(call: Call) -> dict[str, Any]:
    return page(call, "AccountIds", list(call.catalogue.portfolio(call.text("PortfolioId")).shared_with))


@operation
def delete_portfolio_share(call: Call) -> dict[str, Any]:
    portfolio, other = call.catalogue.portfolio(call.text("PortfolioId")), _other(call)
    for known in (other.offered, other.imported):
        known.pop(portfolio.id, None)
    if other.account in portfolio.shared_with:
        portfolio.shared_with.remove(other.account)
    other.save()
    return {}


def _other(call: Call) -> Catalogue:
    if not call.text("AccountId"):
        raise InvalidParametersError("The sandbox shares portfolios with accounts only.")
    return catalogue(call.text("AccountId"), call.caller.region)


@operation
def accept_portfolio_share(call: Call) -> dict[str, Any]:
    portfolio_id = call.text("PortfolioId")
    if portfolio_id not in call.catalogue.offered:
        raise ResourceNotFoundError(f"Portfolio {portfolio_id} is not shared with this account.")
    call.catalogue.imported[portfolio_id] = call.catalogue.offered[portfolio_id]
    return {}


@operation
def reject_portfolio_share(call: Call) -> dict[str, Any]:
    call.catalogue.imported.pop(call.text("PortfolioId"), None)
    return {}


@operation
def list_accepted_portfolio_shares(call: Call) -> dict[str, Any]:
    """From account to account; no account of the sandbox is in an organization."""
    imported = call.catalogue.imported if call.text("PortfolioShareType") in ("", "IMPORTED") else {}
    calls = [(portfolio_id, as_owner(call, portfolio_id=portfolio_id)) for portfolio_id in imported]
    found = [
        views.portfolio_detail(owner.caller, owner.catalogue.portfolios[portfolio_id])
        for portfolio_id, owner in calls
        if portfolio_id in owner.catalogue.portfolios
    ]
    return page(call, "PortfolioDetails", found)


def as_owner(call: Call, *, portfolio_id: str = "", product_id: str = "") -> Call:
    """The same call, in the account that owns an imported portfolio or a product in one; else the call itself."""
    for imported, owner in call.catalogue.imported.items():
        theirs = catalogue(owner, call.caller.region)
        inside = theirs.portfolios[imported].products if imported in theirs.portfolios else ()
        if imported == portfolio_id or product_id in inside:
            return replace(call, catalogue=theirs, caller=replace(call.caller, account=owner))
    return call
