"""Provision, update, terminate: a record is written, then CloudFormation is asked; a refusal is its error.

The stack is `SC-<account>-<provisioned product id>`. The `aws:servicecatalog:` tags are those of the first
launch and stay so: AWS does not change them when a product is updated (aws-facts §3.1).
"""

from collections.abc import Iterable
from typing import Any

from sandbox.servicecatalog import templates, views
from sandbox.servicecatalog.engine import Launch, StackRefusedError
from sandbox.servicecatalog.entities import Artifact, Portfolio, Product, Provisioned, Record, new_id
from sandbox.servicecatalog.errors import DuplicateResourceError, InvalidParametersError
from sandbox.servicecatalog.following import PROVISION, TERMINATE, UPDATE, refuse
from sandbox.servicecatalog.operations import Call, operation
from sandbox.servicecatalog.operations.constraints import launch_role, notification_arns, tag_updates_allowed
from sandbox.servicecatalog.operations.launching import launch_path, launchable
from sandbox.servicecatalog.operations.tokens import once

_NOTHING_TO_DO = "No updates are to be performed."


@operation
def provision_product(call: Call) -> dict[str, Any]:
    return _shown(call, once(call, "ProvisionToken", lambda: _provision(call).id))


def _shown(call: Call, record_id: str) -> dict[str, Any]:
    return {"RecordDetail": views.record_detail(call.catalogue.record(record_id))}


def _provision(call: Call) -> Record:
    product = call.catalogue.product(call.text("ProductId"), call.text("ProductName"))
    artifact, portfolio = launchable(call, product), launch_path(call, product)
    if artifact.guidance == "DEPRECATED":
        raise InvalidParametersError(f"Provisioning artifact {artifact.id} is deprecated and cannot be launched.")
    name = call.text("ProvisionedProductName")
    if any(provisioned.name == name for provisioned in call.catalogue.provisioned.values()):
        raise DuplicateResourceError(f"A provisioned product named {name} exists already.")
    provisioned = _new_product(call, product, artifact, portfolio)
    record = _record(call, provisioned, PROVISION, artifact.id, provisioned.path_id)
    given = {p["Key"]: p.get("Value", "") for p in call.params.get("ProvisioningParameters", []) if "Key" in p}
    launch = _launch(call, provisioned, product, artifact, portfolio, given)
    try:
        _check(artifact, given)
        provisioned.stack_id = call.engine.create(provisioned.stack_name, launch)
    except StackRefusedError as error:
        refuse(call.catalogue, record, str(error))
    return record


def _check(artifact: Artifact, names: Iterable[str]) -> None:
    refusal = templates.read(artifact.template).refusal(names)
    if refusal:
        raise StackRefusedError(refusal)


def _new_product(call: Call, product: Product, artifact: Artifact, portfolio: Portfolio) -> Provisioned:
    provisioned_id = new_id("pp")
    provisioned = Provisioned(
        provisioned_id,
        call.text("ProvisionedProductName"),
        product.id,
        artifact.id,
        portfolio.path_id(product.id),
        call.caller.role_arn,
        call.caller.arn,
        call.text("ProvisionToken"),
        f"SC-{call.caller.account}-{provisioned_id}",
        tags={**portfolio.tags, **product.tags, **views.untag(call.params.get("Tags", []))},
    )
    provisioned.launch_role = launch_role(call.catalogue.constraints_of(portfolio.id, product.id), call.caller.account)
    call.catalogue.provisioned[provisioned_id] = provisioned
    return provisioned


def _launch(
    call: Call,
    provisioned: Provisioned,
    product: Product,
    artifact: Artifact,
    portfolio: Portfolio,
    parameters: dict[str, str],
) -> Launch:
    """What the first launch starts the stack with; an update changes template and parameters only."""
    constraints = call.catalogue.constraints_of(portfolio.id, product.id)
    topics = dict.fromkeys([*notification_arns(constraints), *call.params.get("NotificationArns", [])])
    own = {
        "aws:servicecatalog:portfolioArn": views.portfolio_arn(call.caller, portfolio.id),
        "aws:servicecatalog:productArn": views.product_arn(call.caller, product.id),
        "aws:servicecatalog:provisioningPrincipalArn": provisioned.user_arn_session,
        "aws:servicecatalog:provisionedProductArn": views.provisioned_arn(call.caller, provisioned),
        "aws:servicecatalog:provisioningArtifactIdentifier": artifact.id,
    }
    return Launch(artifact.template, parameters, {**provisioned.tags, **own}, tuple(topics), provisioned.launch_role)


def _record(call: Call, provisioned: Provisioned, kind: str, artifact_id: str, path_id: str) -> Record:
    record = Record(
        new_id("rec"),
        kind,
        provisioned.id,
        provisioned.name,
        provisioned.product_id,
        artifact_id,
        path_id,
        call.caller.role_arn,
        call.caller.arn,
        tags=dict(provisioned.tags),
        launch_role=provisioned.launch_role,
        stack_name=provisioned.stack_name,
        operation_events=len(call.engine.events(provisioned.stack_id)),
    )
    record.kept_status = "ERROR" if provisioned.status == "ERROR" else "TAINTED"
    call.catalogue.records[record.id] = record
    provisioned.last_record = record.id
    if kind != TERMINATE:
        provisioned.last_provisioning_record = record.id
    provisioned.status, provisioned.status_message = "UNDER_CHANGE", ""
    return record


@operation
def update_provisioned_product(call: Call) -> dict[str, Any]:
    provisioned = _stable(call, "UpdateToken")
    return _shown(call, once(call, "UpdateToken", lambda: _update(call, provisioned).id))


def _stable(call: Call, token: str) -> Provisioned:
    """The provisioned product the call names; while it is changed only a repeated request is taken."""
    provisioned = call.catalogue.provisioned_product(
        call.text("ProvisionedProductId"), call.text("ProvisionedProductName")
    )
    repeated = f"{call.operation}:{call.text(token)}" in call.catalogue.tokens
    if provisioned.status == "UNDER_CHANGE" and not repeated:
        raise InvalidParametersError(
            f"Provisioned product {provisioned.id} is UNDER_CHANGE: the running operation must end first."
        )
    return provisioned


def _update(call: Call, provisioned: Provisioned) -> Record:
    product = call.catalogue.product(call.text("ProductId") or provisioned.product_id)
    named = call.text("ProvisioningArtifactId") or call.text("ProvisioningArtifactName")
    artifact = launchable(call, product) if named else call.catalogue.artifact(product, provisioned.artifact_id)
    path = launch_path(call, product).path_id(product.id) if call.text("PathId") else provisioned.path_id
    if "Tags" in call.params:
        _retag(call, provisioned, product)
    before = provisioned.status
    record = _record(call, provisioned, UPDATE, artifact.id, path)
    record.product_id = product.id
    try:
        _ask_for_update(call, provisioned, artifact)
    except StackRefusedError as error:
        # A stack that already is as asked for is no worse than before.
        record.kept_status = before if str(error) == _NOTHING_TO_DO else record.kept_status
        refuse(call.catalogue, record, str(error))
    return record


def _retag(call: Call, provisioned: Provisioned, product: Product) -> None:
    portfolio = next(
        p for p in call.catalogue.portfolios_of(product.id) if p.path_id(product.id) == provisioned.path_id
    )
    if not tag_updates_allowed(call.catalogue.constraints_of(portfolio.id, product.id)):
        raise InvalidParametersError(
            "Tags cannot be changed: the product has no RESOURCE_UPDATE constraint that allows it."
        )
    provisioned.tags = {**portfolio.tags, **product.tags, **views.untag(call.params["Tags"])}


def _ask_for_update(call: Call, provisioned: Provisioned, artifact: Artifact) -> None:
    sent = [p for p in call.params.get("ProvisioningParameters", []) if "Key" in p]
    given = {p["Key"]: p.get("Value", "") for p in sent if not p.get("UsePreviousValue")}
    previous = {p["Key"] for p in sent if p.get("UsePreviousValue")}
    _check(artifact, {*given, *previous})
    call.engine.update(provisioned.stack_name, artifact.template, given, previous, provisioned.tags)


@operation
def terminate_provisioned_product(call: Call) -> dict[str, Any]:
    provisioned = _stable(call, "TerminateToken")
    return _shown(call, once(call, "TerminateToken", lambda: _terminate(call, provisioned).id))


def _terminate(call: Call, provisioned: Provisioned) -> Record:
    record = _record(call, provisioned, TERMINATE, provisioned.artifact_id, provisioned.path_id)
    record.ignore_errors = bool(call.params.get("IgnoreErrors"))
    if call.params.get("RetainPhysicalResources"):
        record.stack_name = ""
        return record
    try:
        call.engine.delete(provisioned.stack_name)
    except StackRefusedError as error:
        refuse(call.catalogue, record, str(error))
    return record
