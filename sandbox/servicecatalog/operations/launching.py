"""What a launch needs to know beforehand: the path, the version, the parameters."""

from typing import Any

from sandbox.servicecatalog import templates, views
from sandbox.servicecatalog.entities import Artifact, Portfolio, Product
from sandbox.servicecatalog.errors import InvalidParametersError, ResourceNotFoundError
from sandbox.servicecatalog.operations import Call, operation
from sandbox.servicecatalog.paging import page


def launch_path(call: Call, product: Product) -> Portfolio:
    """The portfolio PathId or PathName names, or the only one there is."""
    path_id, name = call.text("PathId"), call.text("PathName")
    portfolios = call.catalogue.portfolios_of(product.id)
    if path_id or name:
        portfolios = [p for p in portfolios if path_id == p.path_id(product.id) or name == p.name]
    if not portfolios:
        raise ResourceNotFoundError(f"No launch paths found for resource: {product.id}")
    if len(portfolios) > 1:
        raise InvalidParametersError(f"{product.id} has more than one launch path: specify PathId.")
    return portfolios[0]


def launchable(call: Call, product: Product) -> Artifact:
    """The version the call names; an inactive one does not exist for end users."""
    artifact = call.catalogue.artifact(
        product, call.text("ProvisioningArtifactId"), call.text("ProvisioningArtifactName")
    )
    if artifact.type != "CLOUD_FORMATION_TEMPLATE":
        raise InvalidParametersError(f"The sandbox has no engine for products of type {artifact.type}.")
    if not artifact.active:
        raise ResourceNotFoundError(f"Provisioning artifact {artifact.id} not found.")
    return artifact


@operation
def list_launch_paths(call: Call) -> dict[str, Any]:
    product = call.catalogue.product(call.text("ProductId"))
    paths = [
        {
            "Id": portfolio.path_id(product.id),
            "Name": portfolio.name,
            "ConstraintSummaries": _constraints(call, portfolio, product),
            "Tags": views.tags(portfolio.tags),
        }
        for portfolio in call.catalogue.portfolios_of(product.id)
    ]
    return page(call, "LaunchPathSummaries", paths)


@operation
def describe_provisioning_parameters(call: Call) -> dict[str, Any]:
    product = call.catalogue.product(call.text("ProductId"), call.text("ProductName"))
    template = templates.read(launchable(call, product).template)
    outputs = template.outputs()
    return {
        "ProvisioningArtifactParameters": template.parameters(),
        "ConstraintSummaries": _constraints(call, launch_path(call, product), product),
        "UsageInstructions": [],
        "TagOptions": [],
        "ProvisioningArtifactPreferences": {},
        "ProvisioningArtifactOutputs": outputs,
        "ProvisioningArtifactOutputKeys": outputs,
    }


def _constraints(call: Call, portfolio: Portfolio, product: Product) -> list[dict[str, str]]:
    found = call.catalogue.constraints_of(portfolio.id, product.id)
    return [{"Type": constraint.type, "Description": constraint.description} for constraint in found]
