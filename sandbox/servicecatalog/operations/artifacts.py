"""Provisioning artifacts: the versions of a product, each with its own copy of the template."""

from typing import Any

from sandbox.servicecatalog import templates, views
from sandbox.servicecatalog.entities import Artifact, Product, new_id
from sandbox.servicecatalog.errors import InvalidParametersError, LimitExceededError, ResourceInUseError
from sandbox.servicecatalog.operations import Call, operation
from sandbox.servicecatalog.operations.shares import as_owner
from sandbox.servicecatalog.operations.tokens import once
from sandbox.servicecatalog.paging import page

MOST = 100
# The sandbox launches the first; of the others it only knows that they are there.
ENGINES = ("CLOUD_FORMATION_TEMPLATE", "TERRAFORM_OPEN_SOURCE", "TERRAFORM_CLOUD", "EXTERNAL")


def add_artifact(call: Call, product: Product, given: dict[str, Any]) -> Artifact:
    """Give the product another version from `ProvisioningArtifactProperties`."""
    if len(product.artifacts) >= MOST:
        raise LimitExceededError(f"A product has at most {MOST} provisioning artifacts.")
    if given.get("Type", product.type) != product.type:
        raise InvalidParametersError(f"An artifact of this product has the type {product.type}.")
    source, template = _load(call, given.get("Info", {}))
    if product.type == ENGINES[0] and not given.get("DisableTemplateValidation"):
        _validate(template)
    name = given.get("Name", "") or f"v{len(product.artifacts) + 1}"
    artifact = Artifact(new_id("pa"), name, given.get("Description", ""), template, source, type=product.type)
    product.artifacts.append(artifact)
    return artifact


def _load(call: Call, info: dict[str, str]) -> tuple[str, str]:
    """Where the template is and what it says. Only the sandbox's own S3 and stacks are read."""
    if set(info) == {"LoadTemplateFromURL"}:
        source = info["LoadTemplateFromURL"]
        template = call.engine.read(source, call.caller.origin)
    elif set(info) == {"ImportFromPhysicalId"}:
        source = info["ImportFromPhysicalId"]
        template = call.engine.template_of(source)
    else:
        raise InvalidParametersError("Info takes either LoadTemplateFromURL or ImportFromPhysicalId.")
    if template is None:
        raise InvalidParametersError(f"No template can be read from {source}.")
    return source.partition("?")[0], template


def _validate(template: str) -> None:
    try:
        templates.read(template)
    except ValueError as error:
        raise InvalidParametersError(f"Invalid templateBody. Template format error: {error}") from error


@operation
def create_provisioning_artifact(call: Call) -> dict[str, Any]:
    product = call.catalogue.product(call.text("ProductId"))
    made = once(call, "IdempotencyToken", lambda: add_artifact(call, product, call.params["Parameters"]).id)
    return _shown(call, call.catalogue.artifact(product, made))


def _shown(call: Call, artifact: Artifact) -> dict[str, Any]:
    return {
        "ProvisioningArtifactDetail": views.artifact_detail(artifact),
        "Info": views.artifact_info(call.caller, artifact),
        "Status": "AVAILABLE",
    }


@operation
def describe_provisioning_artifact(call: Call) -> dict[str, Any]:
    call = as_owner(call, product_id=call.text("ProductId"))
    product = _product(call)
    artifact = call.catalogue.artifact(
        product, call.text("ProvisioningArtifactId"), call.text("ProvisioningArtifactName")
    )
    shown = _shown(call, artifact)
    if call.params.get("IncludeProvisioningArtifactParameters"):
        shown["ProvisioningArtifactParameters"] = templates.read(artifact.template).parameters()
    return shown


def _product(call: Call) -> Product:
    """Named, or the one the artifact's id belongs to."""
    artifact_id = call.text("ProvisioningArtifactId")
    if artifact_id and not (call.text("ProductId") or call.text("ProductName")):
        for product in call.catalogue.products.values():
            if any(artifact.id == artifact_id for artifact in product.artifacts):
                return product
    return call.catalogue.product(call.text("ProductId"), call.text("ProductName"))


@operation
def list_provisioning_artifacts(call: Call) -> dict[str, Any]:
    """All at once: the request has no page token (aws-facts §3.2)."""
    call = as_owner(call, product_id=call.text("ProductId"))
    product = call.catalogue.product(call.text("ProductId"))
    return page(call, "ProvisioningArtifactDetails", [views.artifact_detail(one) for one in product.artifacts], MOST)


@operation
def update_provisioning_artifact(call: Call) -> dict[str, Any]:
    product = call.catalogue.product(call.text("ProductId"))
    artifact = call.catalogue.artifact(product, call.text("ProvisioningArtifactId"))
    artifact.name = call.text("Name") or artifact.name
    artifact.description = call.params.get("Description", artifact.description)
    artifact.active = call.params.get("Active", artifact.active)
    artifact.guidance = call.text("Guidance") or artifact.guidance
    return _shown(call, artifact)


@operation
def delete_provisioning_artifact(call: Call) -> dict[str, Any]:
    product = call.catalogue.product(call.text("ProductId"))
    artifact = call.catalogue.artifact(product, call.text("ProvisioningArtifactId"))
    if len(product.artifacts) == 1:
        raise ResourceInUseError(f"{artifact.id} is the only version of product {product.id}.")
    product.artifacts.remove(artifact)
    return {}
