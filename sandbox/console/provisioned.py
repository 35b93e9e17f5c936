"""Provisioned products: all of them, one with its live events, update and terminate."""

import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox.console import calls
from sandbox.console.forms import Form
from sandbox.console.products import launchable_versions, named
from sandbox.console.rendering import render
from sandbox.servicecatalog.entities import Caller
from sandbox.servicecatalog.errors import CatalogueError

UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
LEVELS = {"User": "Mine", "Account": "The whole account"}


async def listing(request: Request, caller: Caller) -> Response:
    """The caller's own provisioned products, or the account's."""
    level = request.query_params.get("level", "User")
    level = level if level in LEVELS else "User"
    chosen = {"Key": level, "Value": "self"}
    found = calls.everything(caller, "SearchProvisionedProducts", "ProvisionedProducts", AccessLevelFilter=chosen)
    found.sort(key=lambda one: one["CreatedTime"], reverse=True)
    busy = any(one["Status"] == "UNDER_CHANGE" for one in found)
    return render(request, "provisioned.html", found=found, level=level, levels=LEVELS, busy=busy)


async def detail(request: Request, caller: Caller) -> Response:
    """Everything about one; a terminated one still shows its records."""
    provisioned_id = request.path_params["provisioned"]
    records = calls.everything(
        caller,
        "ListRecordHistory",
        "RecordDetails",
        AccessLevelFilter={"Key": "Account", "Value": "self"},
        SearchFilter={"Key": "provisionedproduct", "Value": provisioned_id},
    )
    found = _find(caller, provisioned_id)
    if not found and records:
        return render(request, "terminated.html", name=records[0]["ProvisionedProductName"], records=records)
    found = found or _known(caller, provisioned_id)
    stack_id = found.get("PhysicalId", "")
    stack = calls.stack(caller, stack_id)
    outputs = calls.everything(caller, "GetProvisionedProductOutputs", "Outputs", ProvisionedProductId=provisioned_id)
    return render(
        request,
        "detail.html",
        found=found,
        records=records,
        stack=stack,
        events=calls.events(caller, stack_id),
        outputs=outputs,
        busy=found["Status"] == "UNDER_CHANGE",
        updatable=stack is not None and stack.status in UPDATABLE,
    )


def _known(caller: Caller, provisioned_id: str) -> dict[str, Any]:
    """Its attributes; raises ResourceNotFoundException."""
    calls.call(caller, "DescribeProvisionedProduct", Id=provisioned_id)
    return _find(caller, provisioned_id)


def _find(caller: Caller, provisioned_id: str) -> dict[str, Any]:
    query = {"SearchQuery": [f"id:{provisioned_id}"]}
    rows = calls.call(caller, "SearchProvisionedProducts", Filters=query)["ProvisionedProducts"]
    return dict(rows[0]) if rows else {}


async def update(request: Request, caller: Caller) -> Response:
    """The update form, and the update: another version, other parameters, or both."""
    found = _known(caller, request.path_params["provisioned"])
    versions = _versions(caller, found)
    chosen = named(versions, request.query_params.get("version", found["ProvisioningArtifactId"]))
    stack = calls.stack(caller, found.get("PhysicalId", ""))
    sent = await request.form() if request.method == "POST" else {}
    template = calls.template(caller, found["ProductId"], chosen["Id"])
    form = Form(template, stack.parameters if stack else {}, sent)
    if request.method == "POST" and (done := _updated(caller, found["Id"], chosen["Id"], form)):
        return done
    status = 422 if form.errors else 200
    return render(request, "update.html", status, found=found, versions=versions, chosen=chosen, form=form)


def _versions(caller: Caller, found: dict[str, Any]) -> list[dict[str, Any]]:
    """What it can be updated to: every launchable version, and its own."""
    offered = launchable_versions(caller, found["ProductId"])
    if all(version["Id"] != found["ProvisioningArtifactId"] for version in offered):
        own = {"Id": found["ProvisioningArtifactId"], "Name": found.get("ProvisioningArtifactName", "")}
        offered.append(own)
    return offered


def _updated(caller: Caller, provisioned_id: str, version_id: str, form: Form) -> Response | None:
    """Where to go once the update runs; None when the form has errors now."""
    form.check()
    if form.errors:
        return None
    request = {
        "ProvisionedProductId": provisioned_id,
        "ProvisioningArtifactId": version_id,
        "ProvisioningParameters": form.parameters(),
        "UpdateToken": form.token,
    }
    try:
        calls.call(caller, "UpdateProvisionedProduct", **request)
    except CatalogueError as error:
        form.errors[""] = str(error)
        return None
    return RedirectResponse(f"/console/provisioned/{provisioned_id}", 303)


async def terminate(request: Request, caller: Caller) -> Response:
    """Asks first, then terminates."""
    provisioned_id = request.path_params["provisioned"]
    found = _known(caller, provisioned_id)
    error = ""
    if request.method == "POST":
        sent = await request.form()
        try:
            calls.call(
                caller,
                "TerminateProvisionedProduct",
                ProvisionedProductId=provisioned_id,
                TerminateToken=str(sent.get("token", uuid.uuid4())),
            )
            return RedirectResponse(f"/console/provisioned/{provisioned_id}", 303)
        except CatalogueError as refused:
            error = str(refused)
    return render(request, "terminate.html", 422 if error else 200, found=found, token=str(uuid.uuid4()), error=error)
