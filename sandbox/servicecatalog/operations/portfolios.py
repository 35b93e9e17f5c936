"""Portfolios: what is in them and who may launch from them."""

from typing import Any

from sandbox.servicecatalog import views
from sandbox.servicecatalog.entities import Portfolio, new_id
from sandbox.servicecatalog.errors import ResourceInUseError, ResourceNotFoundError
from sandbox.servicecatalog.operations import Call, operation
from sandbox.servicecatalog.operations.tokens import once
from sandbox.servicecatalog.paging import page


@operation
def create_portfolio(call: Call) -> dict[str, Any]:
    portfolio_id = once(call, "IdempotencyToken", lambda: _create(call).id)
    return _shown(call, call.catalogue.portfolio(portfolio_id))


def _create(call: Call) -> Portfolio:
    portfolio = Portfolio(
        new_id("port"),
        call.text("DisplayName"),
        call.text("ProviderName"),
        call.text("Description"),
        views.untag(call.params.get("Tags", [])),
    )
    call.catalogue.portfolios[portfolio.id] = portfolio
    return portfolio


def _shown(call: Call, portfolio: Portfolio) -> dict[str, Any]:
    return {
        "PortfolioDetail": views.portfolio_detail(call.caller, portfolio),
        "Tags": views.tags(portfolio.tags),
    }


@operation
def describe_portfolio(call: Call) -> dict[str, Any]:
    return {**_shown(call, call.catalogue.portfolio(call.text("Id"))), "TagOptions": [], "Budgets": []}


@operation
def update_portfolio(call: Call) -> dict[str, Any]:
    portfolio = call.catalogue.portfolio(call.text("Id"))
    portfolio.name = call.text("DisplayName") or portfolio.name
    portfolio.provider = call.text("ProviderName") or portfolio.provider
    portfolio.description = call.params.get("Description", portfolio.description)
    portfolio.tags.update(views.untag(call.params.get("AddTags", [])))
    for key in call.params.get("RemoveTags", []):
        portfolio.tags.pop(key, None)
    return _shown(call, portfolio)


@operation
def delete_portfolio(call: Call) -> dict[str, Any]:
    portfolio = call.catalogue.portfolio(call.text("Id"))
    if portfolio.products or portfolio.principals or call.catalogue.constraints_of(portfolio.id):
        raise ResourceInUseError(f"Portfolio {portfolio.id} still has products, principals or constraints.")
    del call.catalogue.portfolios[portfolio.id]
    return {}


@operation
def list_portfolios(call: Call) -> dict[str, Any]:
    return _page(call, list(call.catalogue.portfolios.values()))


@operation
def list_portfolios_for_product(call: Call) -> dict[str, Any]:
    product = call.catalogue.product(call.text("ProductId"))
    return _page(call, call.catalogue.portfolios_of(product.id))


def _page(call: Call, portfolios: list[Portfolio]) -> dict[str, Any]:
    return page(call, "PortfolioDetails", [views.portfolio_detail(call.caller, one) for one in portfolios])


@operation
def associate_product_with_portfolio(call: Call) -> dict[str, Any]:
    product = call.catalogue.product(call.text("ProductId"))
    portfolio = call.catalogue.portfolio(call.text("PortfolioId"))
    if product.id not in portfolio.products:
        portfolio.products.append(product.id)
    return {}


@operation
def disassociate_product_from_portfolio(call: Call) -> dict[str, Any]:
    portfolio = call.catalogue.portfolio(call.text("PortfolioId"))
    product_id = call.text("ProductId")
    if product_id not in portfolio.products:
        raise ResourceNotFoundError(f"Product {product_id} is not in portfolio {portfolio.id}.")
    if call.catalogue.constraints_of(portfolio.id, product_id):
        raise ResourceInUseError(f"Product {product_id} still has constraints in portfolio {portfolio.id}.")
    portfolio.products.remove(product_id)
    return {}


@operation
def associate_principal_with_portfolio(call: Call) -> dict[str, Any]:
    portfolio = call.catalogue.portfolio(call.text("PortfolioId"))
    portfolio.principals[call.text("PrincipalARN")] = call.text("PrincipalType")
    return {}


@operation
def disassociate_principal_from_portfolio(call: Call) -> dict[str, Any]:
    portfolio = call.catalogue.portfolio(call.text("PortfolioId"))
    if portfolio.principals.pop(call.text("PrincipalARN"), None) is None:
        raise ResourceNotFoundError(f"The principal is not associated with portfolio {portfolio.id}.")
    return {}


@operation
def list_principals_for_portfolio(call: Call) -> dict[str, Any]:
    principals = call.catalogue.portfolio(call.text("PortfolioId")).principals.items()
    return page(call, "Principals", [{"PrincipalARN": arn, "PrincipalType": kind} for arn, kind in principals])
