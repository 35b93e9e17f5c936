"""Products, as an administrator and as an end user sees them."""

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.servicecatalog import views
from sandbox.servicecatalog.entities import Product, new_id
from sandbox.servicecatalog.errors import InvalidParametersError, ResourceInUseError, ResourceNotFoundError
from sandbox.servicecatalog.operations import Call, operation
from sandbox.servicecatalog.operations.artifacts import ENGINES, add_artifact
from sandbox.servicecatalog.operations.shares import as_owner
from sandbox.servicecatalog.operations.tokens import once
from sandbox.servicecatalog.paging import page

_MEMBERS = {
    "name": "Name",
    "owner": "Owner",
    "description": "Description",
    "distributor": "Distributor",
    "support_description": "SupportDescription",
    "support_email": "SupportEmail",
    "support_url": "SupportUrl",
}
_FILTERS: dict[str, Callable[[Product], str]] = {
    "FullTextSearch": lambda product: " ".join((product.name, product.owner, product.description, product.id)),
    "Owner": lambda product: product.owner,
    "ProductType": lambda product: product.type,
    "SourceProductId": lambda product: product.id,
}
_SORTS: dict[str, Callable[[Product], Any]] = {
    "Title": lambda p: p.name.casefold(),
    "VersionCount": lambda p: len(p.artifacts),
    "CreationDate": lambda p: p.created,
}


@operation
def create_product(call: Call) -> dict[str, Any]:
    product = call.catalogue.product(once(call, "IdempotencyToken", lambda: _create(call).id))
    return {
        "ProductViewDetail": views.product_detail(call.caller, product),
        "ProvisioningArtifactDetail": views.artifact_detail(product.artifacts[0]),
        "Tags": views.tags(product.tags),
    }


def _create(call: Call) -> Product:
    if call.text("ProductType") not in ENGINES:
        raise InvalidParametersError(f"The sandbox knows products of these types: {', '.join(ENGINES)}.")
    if "ProvisioningArtifactParameters" not in call.params:
        raise InvalidParametersError("ProvisioningArtifactParameters are required for this product type.")
    product = Product(new_id("prod"), tags=views.untag(call.params.get("Tags", [])), type=call.text("ProductType"))
    _set_members(call, product)
    add_artifact(call, product, call.params["ProvisioningArtifactParameters"])
    call.catalogue.products[product.id] = product
    return product


def _set_members(call: Call, product: Product) -> None:
    for field, member in _MEMBERS.items():
        if member in call.params:
            setattr(product, field, call.text(member))


@operation
def update_product(call: Call) -> dict[str, Any]:
    product = call.catalogue.product(call.text("Id"))
    _set_members(call, product)
    product.tags.update(views.untag(call.params.get("AddTags", [])))
    for key in call.params.get("RemoveTags", []):
        product.tags.pop(key, None)
    return {
        "ProductViewDetail": views.product_detail(call.caller, product),
        "Tags": views.tags(product.tags),
    }


@operation
def delete_product(call: Call) -> dict[str, Any]:
    product = call.catalogue.product(call.text("Id"))
    if call.catalogue.portfolios_of(product.id):
        raise ResourceInUseError(f"Product {product.id} is still in a portfolio.")
    del call.catalogue.products[product.id]
    return {}


@operation
def describe_product(call: Call) -> dict[str, Any]:
    product = call.catalogue.product(call.text("Id"), call.text("Name"))
    paths = [
        {"Id": portfolio.path_id(product.id), "Name": portfolio.name}
        for portfolio in call.catalogue.portfolios_of(product.id)
    ]
    return {**_user_view(product), "Budgets": [], "LaunchPaths": paths}


@operation
def describe_product_view(call: Call) -> dict[str, Any]:
    for product in call.catalogue.products.values():
        if views.view_id(product) == call.text("Id"):
            return _user_view(product)
    raise ResourceNotFoundError(f"Product view {call.text('Id')} not found.")


def _user_view(product: Product) -> dict[str, Any]:
    return {
        "ProductViewSummary": views.product_summary(product),
        "ProvisioningArtifacts": [views.artifact_summary(one) for one in product.artifacts if one.active],
    }


@operation
def describe_product_as_admin(call: Call) -> dict[str, Any]:
    product = call.catalogue.product(call.text("Id"), call.text("Name"))
    summaries = [
        {
            "Id": artifact.id,
            "Name": artifact.name,
            "Description": artifact.description,
            "CreatedTime": artifact.created,
            "ProvisioningArtifactMetadata": {"SourceProvisioningArtifactId": artifact.id},
        }
        for artifact in product.artifacts
    ]
    return {
        "ProductViewDetail": views.product_detail(call.caller, product),
        "ProvisioningArtifactSummaries": summaries,
        "Tags": views.tags(product.tags),
        "TagOptions": [],
        "Budgets": [],
    }


@operation
def search_products_as_admin(call: Call) -> dict[str, Any]:
    owner = as_owner(call, portfolio_id=call.text("PortfolioId"))
    products: Iterable[Product] = owner.catalogue.products.values()
    if call.text("PortfolioId"):
        inside = owner.catalogue.portfolio(call.text("PortfolioId")).products
        products = [product for product in products if product.id in inside]
    found = [views.product_detail(owner.caller, product) for product in _found(call, products)]
    return page(call, "ProductViewDetails", found)


@operation
def search_products(call: Call) -> dict[str, Any]:
    """Products an end user can launch: those in a portfolio. The sandbox enforces no portfolio access."""
    launchable = [p for p in call.catalogue.products.values() if call.catalogue.portfolios_of(p.id)]
    found = _found(call, launchable)
    answer = page(call, "ProductViewSummaries", [views.product_summary(product) for product in found])
    owners = {product.owner for product in found}
    counts = [{"Value": owner, "ApproximateCount": sum(p.owner == owner for p in found)} for owner in sorted(owners)]
    return {**answer, "ProductViewAggregations": {"Owner": counts}}


def _found(call: Call, products: Iterable[Product]) -> list[Product]:
    """Filters narrow, the values of one filter widen."""
    for name, values in call.params.get("Filters", {}).items():
        read = _FILTERS[name]
        products = [p for p in products if any(value.casefold() in read(p).casefold() for value in values)]
    order = _SORTS[call.text("SortBy") or "Title"]
    return sorted(products, key=order, reverse=call.text("SortOrder") == "DESCENDING")
