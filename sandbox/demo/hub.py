"""What an administrator sets up in AWS before a desk can work: hub stack, queue, sender."""

import functools
import time
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from sandbox.demo.catalogue import ClientFactory
from sandbox.demo.environment import SENDER, WORK_QUEUE, aws
from sandbox.problems import ProblemError

STACK = "gatehouse-hub"
TEMPLATE = Path(__file__).resolve().parent.parent.parent / "lambdas" / "template.yaml"
PATIENCE = 60.0


class HubError(ProblemError):
    """The hub stack could not be deployed; one sentence with CloudFormation's reason."""


def clients(sandbox_url: str) -> ClientFactory:
    """Clients of the sandbox, as the demo account unless the call names other keys."""
    told = aws(sandbox_url)
    session = boto3.Session(told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"], None, told["AWS_DEFAULT_REGION"])
    return functools.partial(session.client, endpoint_url=sandbox_url)


def prepare(desk_url: str, sandbox_url: str, administrator: str) -> dict[str, str]:
    """Deploy everything the desk needs; safe to repeat. Returns the hub stack's outputs by name."""
    client = clients(sandbox_url)
    wanted = {"DeskUrl": desk_url, "DevelopmentOrigin": sandbox_url, "AdminEmail": administrator}
    outputs = deploy(client("cloudformation"), wanted)
    client("sqs").create_queue(QueueName=WORK_QUEUE)
    client("ses").verify_email_identity(EmailAddress=SENDER)
    return outputs


def deploy(cloudformation: Any, wanted: dict[str, str]) -> dict[str, str]:
    """Create or update the stack `gatehouse-hub` from lambdas/template.yaml with these parameters; its outputs."""
    arguments = {
        "StackName": STACK,
        "TemplateBody": TEMPLATE.read_text(),
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in wanted.items()],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
    }
    if _status(cloudformation) is None:
        cloudformation.create_stack(**arguments)
    else:
        try:
            cloudformation.update_stack(**arguments)
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise
    return _settled(cloudformation)


def _status(cloudformation: Any) -> str | None:
    try:
        return str(cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"])
    except ClientError:
        return None


def _settled(cloudformation: Any) -> dict[str, str]:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        if stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            break
        time.sleep(0.1)
    events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
    reasons = [e["ResourceStatusReason"] for e in events if e["ResourceStatus"].endswith("_FAILED")]
    raise HubError(f"The stack {STACK} ended {stack['StackStatus']}: {reasons[-1] if reasons else 'no reason given'}")
