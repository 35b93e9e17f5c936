"""CloudTrail: who launched and updated what through Service Catalog."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.servicecatalog_support import Place, template
from tests.sandbox.test_servicecatalog_provisioning import _credentials
from tests.support import allow


@pytest.fixture
def place(sandbox: str) -> Place:
    return Place(sandbox)


def events(place: Place, name: str, since: datetime | None = None) -> list[dict[str, Any]]:
    """Newest first."""
    asked = [{"AttributeKey": "EventName", "AttributeValue": name}]
    start = since or datetime.now(UTC) - timedelta(hours=1)
    found = place.client("cloudtrail").lookup_events(LookupAttributes=asked, StartTime=start)["Events"]
    return [json.loads(event["CloudTrailEvent"]) for event in found]


def test_update_names_its_caller_and_its_request_newest_first(place: Place) -> None:
    product, artifact = place.product(document=template())
    place.ended(place.launch(product, artifact))
    place.ended(place.update("mine", artifact, "large"))
    allow.role(place.client("iam"), "Developer")
    keys = place.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{place.account}:role/Developer", RoleSessionName="rita@example.com"
    )["Credentials"]
    rita = Place(place.url, place.account)
    rita.catalogue._request_signer._credentials = _credentials(keys)
    record = rita.update("mine", artifact, "small")
    rita.ended(record)
    newest, first = events(place, "UpdateProvisionedProduct")
    assert newest["userIdentity"]["type"] == "AssumedRole"
    assert newest["userIdentity"]["arn"].endswith(":assumed-role/Developer/rita@example.com")
    assert first["userIdentity"]["arn"] == f"arn:aws:iam::{place.account}:root"
    assert newest["eventSource"] == "servicecatalog.amazonaws.com"
    assert newest["requestParameters"]["provisionedProductName"] == "mine"
    assert newest["responseElements"]["recordDetail"]["provisionedProductId"] == record["ProvisionedProductId"]
    assert [event["eventName"] for event in events(place, "ProvisionProduct")] == ["ProvisionProduct"]
    assert events(place, "UpdateProvisionedProduct", datetime.now(UTC) + timedelta(minutes=1)) == []


def test_trail_does_not_know_the_values_of_parameters(place: Place) -> None:
    product, artifact = place.product(document=template())
    secret = {"Key": "Password", "Value": "correct-horse-battery"}
    place.catalogue.provision_product(
        ProductId=product,
        ProvisioningArtifactId=artifact,
        ProvisionedProductName="mine",
        ProvisioningParameters=[{"Key": "Size", "Value": "small"}, secret],
    )
    [event] = events(place, "ProvisionProduct")
    keys = [parameter["key"] for parameter in event["requestParameters"]["provisioningParameters"]]
    assert keys == ["Size", "Password"]
    assert "correct-horse" not in json.dumps(event)


def test_refused_call_is_in_the_trail_with_its_error(place: Place) -> None:
    with pytest.raises(ClientError):
        place.update("nothing", "pa-0000000000000")
    [event] = events(place, "UpdateProvisionedProduct")
    assert event["errorCode"] == "ResourceNotFoundException"
    assert event["responseElements"] is None
