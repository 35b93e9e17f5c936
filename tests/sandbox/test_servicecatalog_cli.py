"""The unmodified AWS CLI works against the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.servicecatalog_support import Place, until

AWS = Path(sys.executable).with_name("aws")


@pytest.fixture
def place(sandbox: str) -> Place:
    return Place(sandbox)


def cli(place: Place, *arguments: str) -> Any:
    """What `aws … --output json` prints."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": place.account,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": place.region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    command = [str(AWS), "--endpoint-url", place.url, "--output", "json", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_aws_cli_finds_launches_and_follows_a_product(place: Place) -> None:
    product, artifact = place.product("Queue")
    found = cli(place, "servicecatalog", "search-products-as-admin")
    assert found["ProductViewDetails"][0]["ProductViewSummary"]["ProductId"] == product
    record = cli(
        place, "servicecatalog", "provision-product", "--product-id", product, "--provisioning-artifact-id", artifact,
        "--provisioned-product-name", "mine", "--provisioning-parameters", "Key=Size,Value=small",
    )["RecordDetail"]  # fmt: skip

    def succeeded() -> bool:
        shown = cli(place, "servicecatalog", "describe-record", "--id", record["RecordId"])
        return bool(shown["RecordDetail"]["Status"] == "SUCCEEDED")

    until(succeeded, 20)
    stack = f"SC-{place.account}-{record['ProvisionedProductId']}"
    events = cli(place, "cloudformation", "describe-stack-events", "--stack-name", stack)["StackEvents"]
    assert (events[0]["LogicalResourceId"], events[0]["ResourceStatus"]) == (stack, "CREATE_COMPLETE")
