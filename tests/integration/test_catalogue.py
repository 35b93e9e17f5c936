"""The catalogue, read page by page, and the names it gives to requests."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from django.core.management import call_command

from approvals import names
from approvals.models import LaunchRequest
from catalog import sync
from catalog.models import Product, Version
from catalog.names import lookup
from tests.support.launches import open_launch

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def view(product_id: str, name: str) -> dict[str, Any]:
    return {
        "ProductViewSummary": {
            "Id": f"prodview-{product_id}",
            "ProductId": product_id,
            "Name": name,
            "Owner": "IT",
            "ShortDescription": "A blog",
        },
        "Status": "AVAILABLE",
        "ProductARN": f"arn:aws:catalog:us-east-1:111122223333:product/{product_id}",
    }


def artifact(artifact_id: str, name: str, *, active: bool = True) -> dict[str, Any]:
    return {"Id": artifact_id, "Name": name, "Active": active, "CreatedTime": NOW}


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Any:
    client = boto3.client("servicecatalog", region_name="us-east-1")
    monkeypatch.setattr("catalog.aws.client", lambda *_: client)
    with Stubber(client) as stub:
        yield stub


def says(stub: Stubber, *products: tuple[str, str, list[dict[str, Any]]], page: str = "", next_page: str = "") -> None:
    """One page of products, and the versions of each."""
    request = {"PageSize": 20} | ({"PageToken": page} if page else {})
    answer: dict[str, Any] = {"ProductViewDetails": [view(product_id, name) for product_id, name, _ in products]}
    stub.add_response("search_products_as_admin", answer | ({"NextPageToken": next_page} if next_page else {}), request)
    for product_id, _, artifacts in products:
        stub.add_response(
            "list_provisioning_artifacts", {"ProvisioningArtifactDetails": artifacts}, {"ProductId": product_id}
        )


def test_every_page_is_read(stub: Stubber) -> None:
    says(stub, ("prod-1", "WordPress", [artifact("pa-1", "v1", active=False), artifact("pa-2", "v2")]), next_page="two")
    says(stub, ("prod-2", "Bucket", []), page="two")
    assert sync.run(NOW) == 2
    stub.assert_no_pending_responses()
    product = Product.objects.get(product_id="prod-1")
    assert (product.name, product.account, product.region, product.owner) == (
        "WordPress",
        "111122223333",
        "us-east-1",
        "IT",
    )
    assert dict(Version.objects.values_list("name", "active")) == {"v1": False, "v2": True}
    assert lookup("prod-1", "pa-2") == ("WordPress", "v2")
    assert lookup("prod-2", "pa-2") == ("Bucket", "")
    assert lookup("prod-9", "pa-9") == ("", "")


def test_reading_again_renames_and_a_version_that_is_gone_is_inactive(stub: Stubber) -> None:
    says(stub, ("prod-1", "WordPress", [artifact("pa-1", "v1"), artifact("pa-2", "v2")]))
    says(stub, ("prod-1", "Blog", [artifact("pa-2", "v2")]))
    sync.run(NOW)
    sync.run(NOW)
    assert Product.objects.get().name == "Blog"
    assert dict(Version.objects.values_list("name", "active")) == {"v1": False, "v2": True}


def test_requests_that_came_before_the_catalogue_get_their_names(stub: Stubber) -> None:
    request = open_launch(NOW, product_id="prod-1", version_id="pa-1")
    other = open_launch(NOW, product_id="prod-9", version_id="pa-9")
    assert (request.product_name, request.version_name) == ("", "")
    says(stub, ("prod-1", "WordPress", [artifact("pa-1", "v1")]))
    call_command("sync_catalogue", stdout=StringIO())
    request.refresh_from_db()
    assert (request.product_name, request.version_name, request.title) == ("WordPress", "v1", "WordPress")
    assert names.fill() == 0
    other.refresh_from_db()
    assert other.title == "prod-9"
    assert open_launch(NOW, product_id="prod-1", version_id="pa-1").product_name == "WordPress"
    assert LaunchRequest.objects.filter(product_name="").count() == 1
