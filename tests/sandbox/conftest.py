"""The sandbox over real HTTP with boto3: one server per run, one account per worker."""

import json
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from botocore.config import Config

from tests.sandbox.gate import Gate, fetch

Client = Callable[[str], Any]


def client(url: str, service: str, account: str, region: str = "us-east-1") -> Any:
    """A boto3 client of the sandbox at `url`; the access key is the account."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=account,
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 1}),
    )


@pytest.fixture(scope="session")
def account() -> str:
    return os.environ["AWS_ACCESS_KEY_ID"]


@pytest.fixture(scope="session")
def aws(sandbox: str, account: str) -> Client:
    """`aws("sns")`: a client for this worker's account."""
    made: dict[str, Any] = {}

    def get(service: str) -> Any:
        if service not in made:
            made[service] = client(sandbox, service, account)
        return made[service]

    return get


@pytest.fixture(scope="session")
def gate(sandbox: str, aws: Client, account: str) -> Gate:
    """Gated stacks in this worker's account."""
    return Gate(sandbox, aws("cloudformation"), account).deploy_hub()


@pytest.fixture(scope="session")
def mails(sandbox: str) -> Callable[[str], list[dict[str, Any]]]:
    """`mails("anna@example.com")`: what the mailbox has for an address, newest first."""

    def received(address: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(fetch(f"{sandbox}/mailbox/messages.json?to={quote(address)}"))
        return found

    return received
