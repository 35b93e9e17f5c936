"""`make deploy-hub` and `make deploy-spoke`, against the local AWS: what is made, what is kept, what is said."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError

from lambdas import deploy as deploying
from lambdas.deploy import DeployError, deploy, explained, main

Clients = Callable[[str], Any]
NO_ACCESS: Any = {"Error": {"Code": "AccessDenied", "Message": "not authorized to perform: iam:CreateRole"}}


def clients_of(sandbox: str, account: str, region: str = "us-east-1") -> Clients:
    def make(service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=sandbox,
            region_name=region,
            aws_access_key_id=account,
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 1}),
        )

    return make


def number() -> int:
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


@pytest.fixture(scope="module")
def clients(sandbox: str) -> Clients:
    """An account that only this module's tests deploy into."""
    return clients_of(sandbox, f"3000000000{number():02}")


@pytest.fixture(scope="module")
def hub(clients: Clients, sandbox: str) -> dict[str, str]:
    wanted = {"DevelopmentOrigin": sandbox, "DeskUrl": "https://desk.example.com", "AllowedAccounts": spoke_account()}
    return deploy(clients, "hub", wanted, pause=0.1)


def spoke_account() -> str:
    return f"4000000000{number():02}"


def parameters(clients: Clients, name: str = "gatehouse-hub") -> dict[str, str]:
    (stack,) = clients("cloudformation").describe_stacks(StackName=name)["Stacks"]
    return {p["ParameterKey"]: p["ParameterValue"] for p in stack["Parameters"]}


def test_the_hub_is_deployed_and_an_update_keeps_what_is_not_named(clients: Clients, hub: dict[str, str]) -> None:
    assert hub["NotifyArn"].endswith(":function:gatehouse-notify")
    said: list[str] = []
    before = parameters(clients)
    assert before["DeskUrl"] == "https://desk.example.com"
    outputs = deploy(clients, "hub", {"SigningKeys": "AB"}, say=said.append, pause=0.1)
    assert parameters(clients) == before | {"SigningKeys": "AB"}
    assert outputs["AllowedKeys"].split(",")[0] == hub["SigningKeyArn"] != outputs["SigningKeyArn"]
    assert "updating gatehouse-hub" in said


def test_deploying_again_changes_nothing(clients: Clients, hub: dict[str, str]) -> None:
    said: list[str] = []
    deploy(clients, "hub", {}, say=said.append, pause=0.1)
    before = parameters(clients)
    deploy(clients, "hub", {}, say=said.append, pause=0.1)
    assert parameters(clients) == before
    assert not any("making" in line for line in said), "the bucket is used again"


def test_the_hub_with_decisions_by_mail_has_an_address_for_them(clients: Clients, hub: dict[str, str]) -> None:
    outputs = deploy(clients, "hub", {"EmailDecisions": "yes", "AdminEmail": "amir@example.com"}, pause=0.1)
    assert outputs["ApiUrl"].startswith("http")
    assert outputs["EmailKeyArn"] not in outputs["AllowedKeys"]
    assert outputs["DecisionsTable"] == "gatehouse-decisions"
    assert "ApiUrl" not in deploy(clients, "hub", {"EmailDecisions": "no"}, pause=0.1)


def test_the_bucket_is_private_encrypted_and_tls_only(clients: Clients, hub: dict[str, str]) -> None:
    s3, account = clients("s3"), clients("sts").get_caller_identity()["Account"]
    bucket = f"gatehouse-deploy-{account}-us-east-1"
    closed = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert set(closed.values()) == {True}
    assert s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_a_spoke_is_deployed_and_its_self_test_has_reached_the_hubs_key(sandbox: str, hub: dict[str, str]) -> None:
    spoke = clients_of(sandbox, spoke_account())
    wanted = {
        "DevelopmentOrigin": sandbox,
        "HubAccount": hub["SigningKeyArn"].split(":")[4],
        "HubRegion": "us-east-1",
        "SigningKeyArns": hub["SigningKeyArn"],
    }
    outputs = deploy(spoke, "spoke", wanted, pause=0.1)
    assert outputs["TopicArn"] == f"arn:aws:sns:us-east-1:{spoke_account()}:gatehouse-launches"
    changed = deploy(spoke, "spoke", {"DeskUrl": "https://desk.example.com"}, pause=0.1)
    assert changed == outputs
    assert parameters(spoke, "gatehouse-spoke")["SigningKeyArns"] == hub["SigningKeyArn"]


def test_a_spoke_that_cannot_check_receipts_is_not_left_standing(sandbox: str, hub: dict[str, str]) -> None:
    spoke = clients_of(sandbox, f"5000000000{number():02}")
    missing = hub["SigningKeyArn"].rpartition("/")[0] + "/00000000-0000-4000-8000-000000000000"
    wanted = {"DevelopmentOrigin": sandbox, "HubAccount": "1" * 12, "HubRegion": "us-east-1", "SigningKeyArns": missing}
    with pytest.raises(DeployError, match=r"SelfTest.*could not check"):
        deploy(spoke, "spoke", wanted, pause=0.1)
    with pytest.raises(DeployError, match=r"is ROLLBACK_COMPLETE.*aws cloudformation delete-stack"):
        deploy(spoke, "spoke", wanted, pause=0.1)


def test_a_parameter_that_is_none_is_named_with_those_there_are(clients: Clients, hub: dict[str, str]) -> None:
    with pytest.raises(DeployError, match=r"no parameter DeskURL; it has AdminEmail, .*DeskUrl"):
        deploy(clients, "hub", {"DeskURL": "https://desk.example.com"}, pause=0.1)


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("ROLLBACK_COMPLETE", "delete-stack"),
        ("CREATE_FAILED", "delete-stack"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
        ("UPDATE_IN_PROGRESS", "Wait until"),
        ("DELETE_IN_PROGRESS", "Wait until"),
    ],
)
def test_a_stack_that_cannot_be_updated_is_left_alone(status: str, advice: str) -> None:
    with pytest.raises(DeployError, match=advice):
        deploying.check({"StackName": "gatehouse-hub", "StackStatus": status})


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_stack_that_stands_is_updated(status: str) -> None:
    deploying.check({"StackName": "gatehouse-hub", "StackStatus": status})


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NoCredentialsError(), "no AWS credentials"),
        (NoRegionError(), "--region"),
        (ClientError({"Error": {"Code": "ExpiredToken"}}, "CreateStack"), "Sign in again"),
        (ClientError(NO_ACCESS, "CreateStack"), r"refuses CreateStack .*iam:CreateRole"),
        (ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadBucket"), "refuses HeadBucket"),
        (ClientError({"Error": {"Code": "LimitExceeded", "Message": "2000"}}, "CreateStack"), "LimitExceeded"),
        (EndpointConnectionError(endpoint_url="https://cloudformation"), "cannot be reached"),
    ],
)
def test_what_aws_refuses_is_said_with_what_to_do(error: Exception, words: str) -> None:
    with pytest.raises(DeployError, match=words):
        raise DeployError(explained(error))


def test_a_small_template_needs_no_bucket(tmp_path: Path) -> None:
    small = tmp_path / "small.yaml"
    small.write_text("Resources: {}")

    def none(service: str) -> Any:
        raise AssertionError(service)

    assert deploying.placed(none, small, "", print) == {"TemplateBody": "Resources: {}"}


def test_the_command_prints_the_outputs_and_fails_with_a_sentence(
    sandbox: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], hub: dict[str, str]
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", f"3000000000{number():02}")
    where = ["--region", "us-east-1", "--endpoint-url", sandbox]
    assert main(["hub", *where, "--parameter", "LogRetention=30"]) == 0
    assert hub["TopicArn"] in capsys.readouterr().out
    assert main(["hub", *where, "--parameter", "Nonsense=1"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("gatehouse: The template has no parameter Nonsense")
    assert main(["hub", *where, "--profile", "nobody"]) == 1
    assert "nobody" in capsys.readouterr().err
