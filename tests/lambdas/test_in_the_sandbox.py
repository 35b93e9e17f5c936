"""The template as it is, deployed into the local AWS, with our own samples behind its gate."""

from __future__ import annotations

import base64
import json
import os
import time
import urllib.request
from dataclasses import dataclass
from typing import Any

import boto3
import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric import utils

from lambdas.shared import canonical
from tests.lambdas.conftest import ROOT, SCHEMA

LAMBDAS = ROOT / "lambdas"
REQUESTER = {"UserEmail": "rita@example.com"}


@dataclass
class Account:
    """An account of its own with the hub in it."""

    number: str
    endpoint: str
    hub: dict[str, str]
    seen: list[dict[str, Any]]

    def client(self, service: Any) -> Any:
        session = boto3.Session(self.number, "test", region_name="us-east-1")
        return session.client(service, endpoint_url=self.endpoint)

    def launch(self, name: str, template: str, **parameters: str) -> str:
        stack = self.client("cloudformation").create_stack(
            StackName=f"SC-{self.number}-pp-{name}",
            TemplateBody=template,
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in (REQUESTER | parameters).items()],
        )
        return str(stack["StackId"])

    def message(self, stack_id: str, **wanted: str) -> dict[str, Any]:
        """The first envelope about the stack with these values, within a while; each is held to the schema."""
        sqs, until = self.client("sqs"), time.monotonic() + 20
        while True:
            for envelope in self.seen:
                if envelope["stack_id"] == stack_id and wanted.items() <= envelope.items():
                    self.seen.remove(envelope)
                    return envelope
            assert time.monotonic() < until, f"nothing like {wanted} in {self.seen}"
            got = sqs.receive_message(QueueUrl=self.hub["QueueUrl"], WaitTimeSeconds=1, MaxNumberOfMessages=10)
            for message in got.get("Messages", []):
                sqs.delete_message(QueueUrl=self.hub["QueueUrl"], ReceiptHandle=message["ReceiptHandle"])
                envelope = json.loads(json.loads(message["Body"])["Message"])
                jsonschema.validate(envelope, SCHEMA)
                self.seen.append(envelope)

    def ended(self, stack_id: str) -> dict[str, Any]:
        cloudformation, until = self.client("cloudformation"), time.monotonic() + 30
        while True:
            stack: dict[str, Any] = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]
            if not stack["StackStatus"].endswith("_IN_PROGRESS"):
                return stack
            assert time.monotonic() < until, stack["StackStatus"]
            time.sleep(0.1)

    def reasons(self, stack_id: str) -> str:
        events = self.client("cloudformation").describe_stack_events(StackName=stack_id)["StackEvents"]
        return "\n".join(event.get("ResourceStatusReason", "") for event in events)

    def receipt(self, launch: dict[str, Any], **changes: Any) -> str:
        """What the desk's worker signs."""
        key = self.hub["SigningKeyArn"]
        statement = {
            "v": 1,
            "stack": launch["stack_id"],
            "fp": launch["fingerprint"],
            "decision": "approved",
            "request": "GH-1",
            "approvers": 1,
            "record": "0" * 64,
            "iat": int(time.time()),
        } | changes
        signed = f"{b64(canonical({'alg': 'ES256', 'kid': key}))}.{b64(canonical(statement))}"
        signature = self.client("kms").sign(
            KeyId=key, Message=signed.encode(), MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256"
        )["Signature"]
        r, s = utils.decode_dss_signature(signature)
        return f"{signed}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signal(launch: dict[str, Any], status: str = "SUCCESS", reason: str = "", data: str = "") -> None:
    body = json.dumps({"Status": status, "UniqueId": "gh-0123456789", "Reason": reason, "Data": data}).encode()
    request = urllib.request.Request(launch["hold"]["url"], body, {"Content-Type": ""}, method="PUT")  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        assert response.status == 200


@pytest.fixture(scope="module")
def account(sandbox: str) -> Account:
    """The hub, deployed into an account no other test uses."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    account = Account(f"2000000000{worker:02}", sandbox, {}, [])
    account.client("cloudformation").create_stack(
        StackName="gatehouse-hub",
        TemplateBody=(LAMBDAS / "template.yaml").read_text("utf-8"),
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": "DevelopmentOrigin", "ParameterValue": sandbox}],
    )
    stack = account.ended("gatehouse-hub")
    assert stack["StackStatus"] == "CREATE_COMPLETE", account.reasons("gatehouse-hub")
    account.hub = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    return account


@pytest.fixture(scope="module")
def sample() -> str:
    return (LAMBDAS / "samples" / "data-sandbox.yaml").read_text("utf-8")


def test_an_approved_launch_completes_and_keeps_its_receipt(account: Account, sample: str) -> None:
    stack_id = account.launch("approved", sample)
    launch = account.message(stack_id, kind="launch", event="Create")
    assert launch["requester"]["email"] == "rita@example.com"
    assert (launch["hold"]["wait"], launch["hold"]["timeout"]) == ("ApprovalWaitV1", 42600)
    receipt = account.receipt(launch)
    signal(launch, data=receipt)
    stack = account.ended(stack_id)
    assert stack["StackStatus"] == "CREATE_COMPLETE", account.reasons(stack_id)
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    assert outputs["ApprovalReceipt"] == receipt
    account.message(stack_id, kind="status", scope="stack", status="CREATE_COMPLETE")


def test_a_signal_without_a_receipt_stops_the_stack_and_raises_an_alarm(account: Account, sample: str) -> None:
    stack_id = account.launch("forged", sample)
    launch = account.message(stack_id, kind="launch", event="Create")
    signal(launch, data="approved")
    assert account.ended(stack_id)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "without a valid approval of the desk" in account.reasons(stack_id)
    assert account.message(stack_id, kind="alarm", code="bypass")["fingerprint"] == launch["fingerprint"]
    assert account.message(stack_id, kind="launch", event="Delete")["fingerprint"] == launch["fingerprint"]


def test_a_receipt_of_another_launch_does_not_help(account: Account, sample: str) -> None:
    stack_id = account.launch("copied", sample)
    launch = account.message(stack_id, kind="launch", event="Create")
    signal(launch, data=account.receipt(launch, stack=stack_id + "0"))
    assert account.ended(stack_id)["StackStatus"] == "ROLLBACK_COMPLETE"
    account.message(stack_id, kind="alarm", code="bypass")


def test_a_rejected_launch_rolls_back_with_the_reason(account: Account, sample: str) -> None:
    stack_id = account.launch("rejected", sample)
    launch = account.message(stack_id, kind="launch", event="Create")
    signal(launch, "FAILURE", "GH-1 was rejected: too large")
    assert account.ended(stack_id)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "GH-1 was rejected: too large" in account.reasons(stack_id)
    account.message(stack_id, kind="launch", event="Delete")


def test_a_new_version_is_asked_for_again_and_a_rejected_one_is_taken_back(account: Account, sample: str) -> None:
    stack_id = account.launch("versions", sample)
    first = account.message(stack_id, kind="launch", event="Create")
    signal(first, data=account.receipt(first))
    assert account.ended(stack_id)["StackStatus"] == "CREATE_COMPLETE", account.reasons(stack_id)

    def update(version: str) -> dict[str, Any]:
        account.client("cloudformation").update_stack(
            StackName=stack_id,
            TemplateBody=sample.replace("V1", version),
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in REQUESTER.items()],
        )
        return account.message(stack_id, kind="launch", logical_id=f"ApprovalRequest{version}", event="Create")

    second = update("V2")
    assert second["stack"]["status"] == "UPDATE_IN_PROGRESS"
    signal(second, data=account.receipt(second))
    assert account.ended(stack_id)["StackStatus"] == "UPDATE_COMPLETE", account.reasons(stack_id)
    gone = account.message(stack_id, kind="launch", event="Delete", logical_id="ApprovalRequestV1")
    assert gone["fingerprint"] == first["fingerprint"]

    third = update("V3")
    signal(third, "FAILURE", "no")
    assert account.ended(stack_id)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", account.reasons(stack_id)


@pytest.mark.parametrize("update", ["parameter", "handle"])
def test_an_update_that_keeps_the_request_is_answered(account: Account, sample: str, update: str) -> None:
    """A parameter alone asks nobody (yet); the same request with a new handle is a new launch."""
    stack_id = account.launch(f"keeps-{update}", sample)
    first = account.message(stack_id, kind="launch", event="Create")
    signal(first, data=account.receipt(first))
    assert account.ended(stack_id)["StackStatus"] == "CREATE_COMPLETE", account.reasons(stack_id)
    body, parameters = sample, REQUESTER | {"Purpose": "more"}
    if update == "handle":
        body = sample.replace("ApprovalHandleV1", "ApprovalHandleV2").replace("ApprovalWaitV1", "ApprovalWaitV2")
    account.client("cloudformation").update_stack(
        StackName=stack_id,
        TemplateBody=body,
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
    )
    if update == "handle":
        second = account.message(stack_id, kind="launch", event="Update")
        assert second["fingerprint"] != first["fingerprint"]
        signal(second, data=account.receipt(second))
    assert account.ended(stack_id)["StackStatus"] == "UPDATE_COMPLETE", account.reasons(stack_id)


@pytest.mark.parametrize("name", ["wordpress", "wordpress-classic"])
def test_wordpress_launches_behind_either_gate(account: Account, name: str) -> None:
    template = (LAMBDAS / "samples" / f"{name}.yaml").read_text("utf-8")
    stack_id = account.launch(name, template, DBPassword="s3cretpassword")
    launch = account.message(stack_id, kind="launch", event="Create")
    password = next(p for p in launch["parameters"] if p["name"] == "DBPassword")
    assert (password["value"], password["no_echo"]) == ("****", True)
    assert launch["gate"]["receipt"] is (name == "wordpress")
    assert launch["template"]["resource_types"]["AWS::RDS::DBInstance"] == 1
    signal(launch, data=account.receipt(launch) if name == "wordpress" else "approved")
    assert account.ended(stack_id)["StackStatus"] == "CREATE_COMPLETE", account.reasons(stack_id)


def test_a_wait_url_of_another_stack_is_refused_in_words(account: Account, sample: str) -> None:
    url = "https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/elsewhere"
    stack_id = account.launch("elsewhere", sample.replace("WaitUrl: !Ref ApprovalHandleV1", f"WaitUrl: {url}"))
    assert account.ended(stack_id)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Approval cannot be asked for. The WaitUrl is not one of this stack." in account.reasons(stack_id)
