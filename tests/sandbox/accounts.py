"""Several AWS accounts in one sandbox, and a hub's resources in the first: `tests/sandbox/hub.yaml`."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sandbox.conftest import client
from tests.sandbox.gate import until

HUB = Path(__file__).with_name("hub.yaml")


def new_account() -> str:
    """A number nobody else in this run uses."""
    return f"8{secrets.randbelow(10**11):011d}"


@dataclass
class Account:
    """One account in one region."""

    url: str
    number: str
    region: str = "us-east-1"

    def client(self, service: str) -> Any:
        return client(self.url, service, self.number, self.region)

    def deploy(self, name: str, template: dict[str, Any] | str, **parameters: str) -> dict[str, str]:
        """Create a stack, from S3 if it is a URL; its outputs. Fails with the reasons unless it completes."""
        cloudformation = self.client("cloudformation")
        text = template if isinstance(template, str) else json.dumps(template)
        source = {"TemplateURL" if text.startswith("http") else "TemplateBody": text}
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        cloudformation.create_stack(StackName=name, Parameters=given, Capabilities=["CAPABILITY_NAMED_IAM"], **source)
        stack = self.ended(name)
        assert stack["StackStatus"] == "CREATE_COMPLETE", self.reasons(name)
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def ended(self, name: str, seconds: float = 20) -> dict[str, Any]:
        cloudformation = self.client("cloudformation")

        def settled() -> dict[str, Any]:
            stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
            return {} if stack["StackStatus"].endswith("IN_PROGRESS") else stack

        return until(settled, seconds)

    def reasons(self, name: str) -> list[str]:
        """Why resources of the stack failed, oldest first."""
        events = self.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
        return [e["ResourceStatusReason"] for e in reversed(events) if e["ResourceStatus"].endswith("_FAILED")]

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """What a function answers."""
        answer = self.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read())

    def received(self, queue_url: str, seconds: float = 10) -> list[str]:
        """The bodies of what a queue holds, as soon as it holds something."""
        sqs = self.client("sqs")

        def take() -> list[str]:
            got = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            messages = got.get("Messages", [])
            for message in messages:
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            return [message["Body"] for message in messages]

        return until(take, seconds)


def deploy_hub(account: Account, **parameters: str) -> dict[str, str]:
    """The throw-away hub, from a template in the account's S3; its outputs."""
    bucket = f"hub-{account.number}"
    account.client("s3").create_bucket(Bucket=bucket)
    account.client("s3").put_object(Bucket=bucket, Key="hub.yaml", Body=HUB.read_bytes())
    return account.deploy("hub", f"{account.url}/{bucket}/hub.yaml", **parameters)
