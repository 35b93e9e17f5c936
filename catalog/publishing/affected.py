"""Who is affected when versions are retired, and which versions there are: asked of AWS, nothing is changed."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from catalog.models import Product
from catalog.publishing.publisher import Publisher
from catalog.sync.trouble import Denied, Gone, Trouble

# Of each list; the number says how many there are.
SHOWN = 20
_PAGE = 100


def versions(publisher: Publisher, product: Product) -> list[dict[str, Any]]:
    """Its versions as they are now. Raises Trouble."""
    answer = publisher.ask("servicecatalog", "list_provisioning_artifacts", ProductId=product.product_id)
    if answer.get("NextPageToken"):
        # The request takes no token: what is beyond this page cannot be seen.
        raise Trouble("cut_list")
    return list(answer["ProvisioningArtifactDetails"])


def launched(publisher: Publisher, product: Product) -> dict[str, dict[str, Any]] | None:
    """What runs in the own account, by version: how many, and some of them. None where it cannot be told."""
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    query = {"SearchQuery": [f"productId:{product.product_id}"]}
    try:
        pages = publisher.pages(
            "search_provisioned_products",
            "ProvisionedProducts",
            Filters=query,
            AccessLevelFilter={"Key": "Account", "Value": "self"},
            PageSize=_PAGE,
        )
        for one in (one for page in pages for one in page):
            who = one.get("UserArnSession") or one.get("UserArn", "")
            what = {"id": one.get("Id", ""), "name": one.get("Name", ""), "who": who.rpartition("/")[2]}
            found[one.get("ProvisioningArtifactId", "")].append(what)
    except Denied:
        return None
    return {
        version: {"count": len(some), "some": sorted(some, key=lambda one: one["name"])[:SHOWN]}
        for version, some in found.items()
    }


def portfolios(publisher: Publisher, product: Product) -> list[dict[str, Any]] | None:
    """Who can launch it: each portfolio with its principals and the accounts it is shared with. None where it cannot
    be told."""
    try:
        found = publisher.every(
            "list_portfolios_for_product", "PortfolioDetails", ProductId=product.product_id, PageSize=_PAGE
        )
    except Denied:
        return None
    return [
        {
            "id": one["Id"],
            "name": one.get("DisplayName", ""),
            "principals": _principals(publisher, one["Id"]),
            "accounts": _accounts(publisher, one["Id"]),
        }
        for one in sorted(found, key=lambda one: one["Id"])
    ]


def _principals(publisher: Publisher, portfolio: str) -> list[str] | None:
    try:
        found = publisher.every("list_principals_for_portfolio", "Principals", PortfolioId=portfolio)
    except Denied:
        return None
    except Gone:
        return []
    return sorted({one.get("PrincipalARN", "") for one in found})


def _accounts(publisher: Publisher, portfolio: str) -> list[str] | None:
    try:
        found = publisher.every("list_portfolio_access", "AccountIds", PortfolioId=portfolio)
    except Denied:
        return None
    except Gone:
        return []
    return sorted(set(found))
