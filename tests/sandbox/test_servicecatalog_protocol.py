"""JSON 1.1 as AWS speaks it: what is refused, and how."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from sandbox.servicecatalog import protocol
from sandbox.servicecatalog.errors import InvalidParametersError
from sandbox.servicecatalog.operations import supported
from tests.sandbox.servicecatalog_support import Place


@pytest.fixture
def place(sandbox: str) -> Place:
    return Place(sandbox)


def raw(url: str, target: str, body: bytes) -> tuple[int, dict[str, str], dict[str, Any]]:
    """One request without a client that could know better."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    connection.request("POST", "/", body, {"X-Amz-Target": f"AWS242ServiceCatalogService.{target}"})
    answer = connection.getresponse()
    with contextlib.closing(connection):
        return answer.status, dict(answer.getheaders()), json.load(answer)


def test_unknown_operation_is_refused_as_aws_does(sandbox: str) -> None:
    status, headers, body = raw(sandbox, "MakeCoffee", b"{}")
    assert (status, body["__type"]) == (400, "UnknownOperationException")
    assert headers["content-type"] == "application/x-amz-json-1.1"


def test_operation_the_sandbox_does_not_play_says_so(place: Place) -> None:
    with pytest.raises(ClientError) as refused:
        place.catalogue.list_budgets_for_resource(ResourceId="x")
    assert refused.value.response["Error"]["Code"] == "UnknownOperationException"


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff"])
def test_body_that_is_no_json_object_is_a_serialization_error(sandbox: str, body: bytes) -> None:
    assert raw(sandbox, "ListPortfolios", body)[2]["__type"] == "SerializationException"


@pytest.mark.parametrize(
    ("target", "members"),
    [
        ("DescribePortfolio", {}),
        ("DescribePortfolio", {"Id": 7}),
        ("DescribePortfolio", {"Id": "port/1"}),
        ("ListPortfolios", {"PageSize": 101}),
        ("ListPortfolios", {"PageToken": "bm9uc2Vuc2U="}),
        ("ScanProvisionedProducts", {"AccessLevelFilter": {"Key": "Everybody", "Value": "self"}}),
        ("ScanProvisionedProducts", {"AccessLevelFilter": {"Key": "Account", "Value": "other"}}),
        ("CreatePortfolio", {"DisplayName": "x", "ProviderName": "y" * 51, "IdempotencyToken": "t"}),
        ("CreatePortfolio", {"DisplayName": "x", "ProviderName": "y", "IdempotencyToken": "-"}),
        ("SearchProvisionedProducts", {"SortBy": "colour"}),
    ],
)
def test_request_outside_the_model_is_an_invalid_parameter(sandbox: str, target: str, members: dict[str, Any]) -> None:
    status, _, body = raw(sandbox, target, json.dumps(members).encode())
    assert (status, body["__type"]) == (400, "InvalidParametersException")
    assert body["Message"]


def test_members_the_model_does_not_know_and_nulls_are_ignored(sandbox: str) -> None:
    assert raw(sandbox, "ListPortfolios", b'{"Colour": "red", "PageToken": null}')[0] == 200


def test_every_pattern_of_the_model_can_be_checked() -> None:
    shapes = [protocol.model().shape_for(name) for name in protocol.model().shape_names]
    patterns = [shape.metadata["pattern"] for shape in shapes if "pattern" in shape.metadata]
    assert len(patterns) > 20
    assert all(isinstance(protocol._pattern(pattern), re.Pattern) for pattern in patterns)


def test_tags_take_any_script() -> None:
    operation = protocol.operation("AWS242ServiceCatalogService.CreatePortfolio")
    given: dict[str, Any] = {"DisplayName": "x", "ProviderName": "y", "IdempotencyToken": "t"}
    assert protocol.check(operation, {**given, "Tags": [{"Key": "部门", "Value": "平台 1"}]})
    with pytest.raises(InvalidParametersError):
        protocol.check(operation, {**given, "Tags": [{"Key": "a;b", "Value": "x"}]})


def test_every_operation_that_is_played_is_one_of_aws() -> None:
    assert supported() <= set(protocol.model().operation_names)
