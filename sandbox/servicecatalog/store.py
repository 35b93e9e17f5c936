"""What one account has in one region, kept as one JSON document per account and region.

Requests run one after another on the event loop and never wait in between: each finds and leaves it whole.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from sandbox import state
from sandbox.servicecatalog.entities import Artifact, Constraint, Portfolio, Product, Provisioned, Record
from sandbox.servicecatalog.errors import InvalidParametersError, ResourceNotFoundError

KINDS: dict[str, Any] = {
    "portfolios": lambda document: Portfolio(**document),
    "products": Product.restore,
    "constraints": lambda document: Constraint(**document),
    "provisioned": lambda document: Provisioned(**document),
    "records": lambda document: Record(**document),
}
T = TypeVar("T")
_open: dict[tuple[str, str], "Catalogue"] = {}


@dataclass
class Catalogue:
    """Everything by id, in the order it was made. `tokens` maps idempotency tokens to what they made; `offered`
    and `imported` map other accounts' portfolios to their owners."""

    account: str
    region: str
    portfolios: dict[str, Portfolio] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    constraints: dict[str, Constraint] = field(default_factory=dict)
    provisioned: dict[str, Provisioned] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    offered: dict[str, str] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)

    def save(self) -> None:
        """Write it down."""
        state.save(_document_name(self.account, self.region), asdict(self))

    def portfolio(self, portfolio_id: str) -> Portfolio:
        return _get(self.portfolios, portfolio_id, "Portfolio")

    def product(self, product_id: str = "", name: str = "") -> Product:
        """By id or by name; exactly one of them, and a name only one product has."""
        if bool(product_id) == bool(name):
            raise InvalidParametersError("Specify either the product's id or its name, but not both.")
        if product_id:
            return _get(self.products, product_id, "Product")
        return _only([p for p in self.products.values() if p.name == name], f"Product {name}")

    def artifact(self, product: Product, artifact_id: str = "", name: str = "") -> Artifact:
        """A version of a product by id or by name."""
        if bool(artifact_id) == bool(name):
            raise InvalidParametersError("Specify either the provisioning artifact's id or its name, but not both.")
        found = [a for a in product.artifacts if (a.id == artifact_id if artifact_id else a.name == name)]
        return _only(found, f"Provisioning artifact {artifact_id or name}")

    def constraint(self, constraint_id: str) -> Constraint:
        return _get(self.constraints, constraint_id, "Constraint")

    def record(self, record_id: str) -> Record:
        return _get(self.records, record_id, "Record")

    def provisioned_product(self, provisioned_id: str = "", name: str = "") -> Provisioned:
        """By id, or by name or ARN."""
        if bool(provisioned_id) == bool(name):
            raise InvalidParametersError("Specify either the provisioned product's id or its name, but not both.")
        if provisioned_id or name.startswith("arn:"):
            return _get(self.provisioned, provisioned_id or name.rpartition("/")[2], "Provisioned product")
        return _only([p for p in self.provisioned.values() if p.name == name], f"Provisioned product {name}")

    def portfolios_of(self, product_id: str) -> list[Portfolio]:
        return [portfolio for portfolio in self.portfolios.values() if product_id in portfolio.products]

    def constraints_of(self, portfolio_id: str, product_id: str = "") -> list[Constraint]:
        """A portfolio's constraints, of one product if named."""
        return [
            constraint
            for constraint in self.constraints.values()
            if constraint.portfolio_id == portfolio_id and product_id in ("", constraint.product_id)
        ]


def catalogue(account: str, region: str) -> Catalogue:
    """The catalogue of an account and region, read on first use."""
    key = (account, region)
    if key not in _open:
        document = state.load(_document_name(account, region))
        parts: dict[str, Any] = {
            kind: {id_: restore(value) for id_, value in document.get(kind, {}).items()}
            for kind, restore in KINDS.items()
        }
        maps = {name: document.get(name, {}) for name in ("tokens", "offered", "imported")}
        _open[key] = Catalogue(account, region, **parts, **maps)
    return _open[key]


def _document_name(account: str, region: str) -> str:
    return f"servicecatalog-{account}-{region}"


def _get(things: dict[str, T], key: str, what: str) -> T:
    try:
        return things[key]
    except KeyError:
        raise ResourceNotFoundError(f"{what} {key} not found.") from None


def _only(found: Iterable[T], what: str) -> T:
    things = list(found)
    if not things:
        raise ResourceNotFoundError(f"{what} not found.")
    if len(things) > 1:
        raise InvalidParametersError(f"{what}: the name is not unique, use the id.")
    return things[0]
