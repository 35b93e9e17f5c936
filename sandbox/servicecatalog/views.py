"""How what is kept is shown: the structures several operations answer with."""

from typing import Any

from sandbox.servicecatalog.engine import object_place
from sandbox.servicecatalog.entities import (
    Artifact,
    Caller,
    Constraint,
    Portfolio,
    Product,
    Provisioned,
    Record,
)

View = dict[str, Any]


def tags(mapping: dict[str, str]) -> list[dict[str, str]]:
    """`[{Key, Value}]`."""
    return [{"Key": key, "Value": value} for key, value in mapping.items()]


def untag(given: list[dict[str, str]]) -> dict[str, str]:
    """The other way round."""
    return {tag["Key"]: tag["Value"] for tag in given}


def portfolio_arn(caller: Caller, portfolio_id: str) -> str:
    return f"arn:aws:catalog:{caller.region}:{caller.account}:portfolio/{portfolio_id}"


def product_arn(caller: Caller, product_id: str) -> str:
    return f"arn:aws:catalog:{caller.region}:{caller.account}:product/{product_id}"


def provisioned_arn(caller: Caller, provisioned: Provisioned) -> str:
    """aws-facts §3.1."""
    return f"arn:aws:servicecatalog:{caller.region}:{caller.account}:stack/{provisioned.name}/{provisioned.id}"


def portfolio_detail(caller: Caller, portfolio: Portfolio) -> View:
    return {
        "Id": portfolio.id,
        "ARN": portfolio_arn(caller, portfolio.id),
        "DisplayName": portfolio.name,
        "Description": portfolio.description,
        "CreatedTime": portfolio.created,
        "ProviderName": portfolio.provider,
    }


def product_summary(product: Product) -> View:
    """`ProductViewSummary`."""
    return {
        "Id": view_id(product),
        "ProductId": product.id,
        "Name": product.name,
        "Owner": product.owner,
        "ShortDescription": product.description,
        "Type": product.type,
        "Distributor": product.distributor,
        "HasDefaultPath": False,
        "SupportEmail": product.support_email,
        "SupportDescription": product.support_description,
        "SupportUrl": product.support_url,
    }


def view_id(product: Product) -> str:
    """The id of a product's view, which is not the product's own."""
    return product.id.replace("prod-", "prodview-")


def product_detail(caller: Caller, product: Product) -> View:
    """`ProductViewDetail`."""
    return {
        "ProductViewSummary": product_summary(product),
        "Status": "AVAILABLE",
        "ProductARN": product_arn(caller, product.id),
        "CreatedTime": product.created,
    }


def artifact_summary(artifact: Artifact) -> View:
    """`ProvisioningArtifact`, as an end user sees a version."""
    return {
        "Id": artifact.id,
        "Name": artifact.name,
        "Description": artifact.description,
        "CreatedTime": artifact.created,
        "Guidance": artifact.guidance,
    }


def artifact_detail(artifact: Artifact) -> View:
    """`ProvisioningArtifactDetail`."""
    return {**artifact_summary(artifact), "Type": artifact.type, "Active": artifact.active}


def artifact_info(caller: Caller, artifact: Artifact) -> View:
    """Where the template came from; an object of this sandbox by the address the sandbox has now."""
    if artifact.source.startswith("arn:"):
        return {"ImportFromPhysicalId": artifact.source}
    place = object_place(artifact.source, caller.origin)
    return {"TemplateUrl": f"{caller.origin}/{place[0]}/{place[1]}" if place else artifact.source}


def constraint_detail(constraint: Constraint) -> View:
    return {
        "ConstraintId": constraint.id,
        "Type": constraint.type,
        "Description": constraint.description,
        "Owner": constraint.owner,
        "ProductId": constraint.product_id,
        "PortfolioId": constraint.portfolio_id,
    }


def record_detail(record: Record) -> View:
    shown: View = {
        "RecordId": record.id,
        "ProvisionedProductName": record.provisioned_name,
        "Status": record.status,
        "CreatedTime": record.created,
        "UpdatedTime": record.updated,
        "ProvisionedProductType": "CFN_STACK",
        "RecordType": record.type,
        "ProvisionedProductId": record.provisioned_id,
        "ProductId": record.product_id,
        "ProvisioningArtifactId": record.artifact_id,
        "PathId": record.path_id,
        "RecordErrors": record.errors,
        "RecordTags": tags(record.tags),
    }
    return {**shown, "LaunchRoleArn": record.launch_role} if record.launch_role else shown


def provisioned_detail(caller: Caller, provisioned: Provisioned) -> View:
    """`ProvisionedProductDetail`; members that are not known yet are left out."""
    shown = {
        "Name": provisioned.name,
        "Arn": provisioned_arn(caller, provisioned),
        "Type": "CFN_STACK",
        "Id": provisioned.id,
        "Status": provisioned.status,
        "StatusMessage": provisioned.status_message,
        "CreatedTime": provisioned.created,
        "IdempotencyToken": provisioned.token,
        "LastRecordId": provisioned.last_record,
        "LastProvisioningRecordId": provisioned.last_provisioning_record,
        "LastSuccessfulProvisioningRecordId": provisioned.last_successful_record,
        "ProductId": provisioned.product_id,
        "ProvisioningArtifactId": provisioned.artifact_id,
        "LaunchRoleArn": provisioned.launch_role,
    }
    return {name: value for name, value in shown.items() if value != ""}
