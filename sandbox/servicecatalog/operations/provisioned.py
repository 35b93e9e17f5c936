"""Reading provisioned products: one, all, searched, and their outputs."""

from collections.abc import Callable
from typing import Any

from sandbox.servicecatalog import views
from sandbox.servicecatalog.entities import Provisioned
from sandbox.servicecatalog.errors import InvalidParametersError
from sandbox.servicecatalog.operations import Call, operation
from sandbox.servicecatalog.operations.access import visible
from sandbox.servicecatalog.paging import page

_SORTS = {"arn", "id", "name", "lastRecordId"}


@operation
def describe_provisioned_product(call: Call) -> dict[str, Any]:
    provisioned = call.catalogue.provisioned_product(call.text("Id"), call.text("Name"))
    return {
        "ProvisionedProductDetail": views.provisioned_detail(call.caller, provisioned),
        "CloudWatchDashboards": [],
    }


@operation
def scan_provisioned_products(call: Call) -> dict[str, Any]:
    """The caller's own unless AccessLevelFilter says more (aws-facts §3.2)."""
    found = visible(call, call.catalogue.provisioned.values(), "User")
    return page(call, "ProvisionedProducts", [views.provisioned_detail(call.caller, one) for one in found])


@operation
def search_provisioned_products(call: Call) -> dict[str, Any]:
    """The account's unless AccessLevelFilter says less; every query must match."""
    found = visible(call, call.catalogue.provisioned.values(), "Account")
    queries = [query for values in call.params.get("Filters", {}).values() for query in values]
    rows = [(one, _fields(call, one)) for one in found]
    matching = [(one, fields) for one, fields in rows if all(_matches(fields, query) for query in queries)]
    order = call.text("SortBy") or "name"
    if order not in _SORTS:
        raise InvalidParametersError(f"SortBy takes {', '.join(sorted(_SORTS))}.")
    matching.sort(key=lambda row: row[1][order].casefold(), reverse=call.text("SortOrder") == "DESCENDING")
    answer = page(call, "ProvisionedProducts", [_attribute(call, one, fields) for one, fields in matching])
    return {**answer, "TotalResultsCount": len(matching)}


def _fields(call: Call, one: Provisioned) -> dict[str, str]:
    """What a search query may name (BC: SearchProvisionedProductsInput.Filters)."""
    product = call.catalogue.products.get(one.product_id)
    artifacts = product.artifacts if product else []
    return {
        "arn": views.provisioned_arn(call.caller, one),
        "createdTime": str(one.created),
        "id": one.id,
        "idempotencyToken": one.token,
        "lastRecordId": one.last_record,
        "lastProvisioningRecordId": one.last_provisioning_record,
        "lastSuccessfulProvisioningRecordId": one.last_successful_record,
        "name": one.name,
        "physicalId": one.stack_id,
        "productId": one.product_id,
        "productName": product.name if product else "",
        "provisioningArtifactId": one.artifact_id,
        "provisioningArtifactName": next((a.name for a in artifacts if a.id == one.artifact_id), ""),
        "status": one.status,
        "tags": " ".join(f"{key}={value}" for key, value in one.tags.items()),
        "type": "CFN_STACK",
        "userArn": one.user_arn,
        "userArnSession": one.user_arn_session,
    }


def _matches(fields: dict[str, str], query: str) -> bool:
    """`field:value` compares that field, anything else searches them all."""
    field, colon, value = query.partition(":")
    if colon and field in fields:
        return fields[field].casefold() == value.strip('"').casefold() or (
            field == "tags" and value.strip('"') in fields[field].split()
        )
    return any(query.casefold() in text.casefold() for text in fields.values())


def _attribute(call: Call, one: Provisioned, fields: dict[str, str]) -> dict[str, Any]:
    """`ProvisionedProductAttribute`."""
    shown = views.provisioned_detail(call.caller, one)
    shown.pop("LaunchRoleArn", None)
    extra = {
        "PhysicalId": one.stack_id,
        "ProductName": fields["productName"],
        "ProvisioningArtifactName": fields["provisioningArtifactName"],
        "UserArn": one.user_arn,
        "UserArnSession": one.user_arn_session,
    }
    return {**shown, "Tags": views.tags(one.tags), **{name: value for name, value in extra.items() if value}}


@operation
def get_provisioned_product_outputs(call: Call) -> dict[str, Any]:
    provisioned = call.catalogue.provisioned_product(
        call.text("ProvisionedProductId"), call.text("ProvisionedProductName")
    )
    record = call.catalogue.records.get(provisioned.last_successful_record)
    wanted: Callable[[str], bool] = lambda key: key in call.params.get("OutputKeys", [key])  # noqa: E731
    outputs = [output for output in (record.outputs if record else []) if wanted(output["OutputKey"])]
    return page(call, "Outputs", outputs)
