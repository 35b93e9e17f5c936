"""The products a person can launch, and launching one."""

import re
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox.console import calls
from sandbox.console.forms import Form
from sandbox.console.rendering import render
from sandbox.servicecatalog.entities import Caller
from sandbox.servicecatalog.errors import CatalogueError, DuplicateResourceError

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}")


async def listing(request: Request, caller: Caller) -> Response:
    """All launchable products, or those a search finds."""
    query = request.query_params.get("q", "").strip()
    filters = {"Filters": {"FullTextSearch": [query]}} if query else {}
    found = calls.everything(caller, "SearchProducts", "ProductViewSummaries", **filters)
    products = [{**product, "version": _newest(caller, product["ProductId"])} for product in found]
    return render(request, "products.html", products=products, query=query)


def _newest(caller: Caller, product_id: str) -> dict[str, Any] | None:
    versions = launchable_versions(caller, product_id)
    return versions[0] if versions else None


def launchable_versions(caller: Caller, product_id: str) -> list[dict[str, Any]]:
    """Newest first; deprecated ones take no new launches."""
    versions = calls.call(caller, "DescribeProduct", Id=product_id)["ProvisioningArtifacts"]
    offered = [version for version in versions if version["Guidance"] != "DEPRECATED"]
    return sorted(offered, key=lambda version: version["CreatedTime"], reverse=True)


async def launch(request: Request, caller: Caller) -> Response:
    """The launch form, and the launch."""
    product_id = request.path_params["product"]
    product = calls.call(caller, "DescribeProduct", Id=product_id)["ProductViewSummary"]
    versions = launchable_versions(caller, product_id)
    if not versions:
        return render(request, "message.html", 409, title=product["Name"], text="No version of it can be launched.")
    chosen = named(versions, request.query_params.get("version", ""))
    sent = await request.form() if request.method == "POST" else {}
    form = Form(calls.template(caller, product_id, chosen["Id"]), {}, sent)
    name = str(sent.get("name", _suggestion(product["Name"])))
    if request.method == "POST" and (done := _launched(caller, product_id, chosen["Id"], name, form)):
        return done
    status = 422 if form.errors else 200
    shown = {"product": product, "versions": versions, "chosen": chosen, "form": form, "name": name}
    return render(request, "launch.html", status, **shown)


def named(versions: list[dict[str, Any]], version_id: str) -> dict[str, Any]:
    """The version of that id, else the first."""
    return next((version for version in versions if version["Id"] == version_id), versions[0])


def _launched(caller: Caller, product_id: str, version_id: str, name: str, form: Form) -> Response | None:
    """Where to go once it is launched; None when the form has errors now."""
    form.check()
    if not _NAME.fullmatch(name):
        form.errors["name"] = "Use letters, digits, dots, hyphens and underscores; begin with a letter or digit."
    if form.errors:
        return None
    request = {
        "ProductId": product_id,
        "ProvisioningArtifactId": version_id,
        "ProvisionedProductName": name,
        "ProvisioningParameters": form.parameters(),
        "ProvisionToken": form.token,
    }
    try:
        record = calls.call(caller, "ProvisionProduct", **request)["RecordDetail"]
    except DuplicateResourceError:
        form.errors["name"] = "A provisioned product of this name exists already."
    except CatalogueError as error:
        form.errors[""] = str(error)
    else:
        return RedirectResponse(f"/console/provisioned/{record['ProvisionedProductId']}", 303)
    return None


def _suggestion(product: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", product.lower()).strip("-")
    return f"{slug or 'product'}-{datetime.now(UTC):%m%d%H%M%S}"
