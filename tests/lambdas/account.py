"""An account of the local AWS with the hub in it, and a desk played by hand."""

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
from cryptography.hazmat.primitives.asymmetric import utils

from lambdas.deploy import deploy
from lambdas.shared import canonical
from tests.lambdas.conftest import SCHEMA

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

    def update(self, stack_id: str, template: str, **parameters: str) -> None:
        self.client("cloudformation").update_stack(
            StackName=stack_id,
            TemplateBody=template,
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in (REQUESTER | parameters).items()],
        )

    def stands(self, name: str, template: str) -> tuple[str, dict[str, Any]]:
        """A stack that was approved: (id, its launch)."""
        stack_id = self.launch(name, template)
        launch = self.message(stack_id, kind="launch", event="Create")
        signal(launch, data=self.receipt(launch))
        assert self.ended(stack_id)["StackStatus"] == "CREATE_COMPLETE", self.reasons(stack_id)
        return stack_id, launch

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
    put(launch["hold"]["url"], {"Status": status, "UniqueId": "gh-0123456789", "Reason": reason, "Data": data})


def answer(launch: dict[str, Any], status: str = "SUCCESS", reason: str = "", receipt: str = "") -> None:
    """What the desk answers an update that is held."""
    hold, went = launch["hold"], status == "SUCCESS"
    body = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": launch["physical_id"] if went else hold["physical_id"],
        "StackId": launch["stack_id"],
        "RequestId": hold["request_id"],
        "LogicalResourceId": launch["logical_id"],
        "Data": {"Fingerprint": launch["fingerprint"], "Receipt": receipt},
    }
    put(hold["url"], body)


def put(url: str, body: dict[str, Any]) -> None:
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": ""}, method="PUT")  # noqa: S310 - the sandbox's
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        assert response.status == 200


def with_hub(number: str, sandbox: str) -> Account:
    """The hub, deployed into an account; `number` ends in 00, and each test worker gets one of its own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    account = Account(f"{number[:-2]}{worker:02}", sandbox, {}, [])
    account.hub = deploy(account.client, "hub", {"DevelopmentOrigin": sandbox}, pause=0.2)
    return account
