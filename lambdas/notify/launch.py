"""What waits: the launch envelope, and the fingerprint of what an approver will be shown.

The fingerprint has one definition, here and in the desk (`tests/vectors/fingerprint.json` holds both to it):
long values and the wait URL enter as their sha256, so the desk can recompute it from what it keeps.
"""

import json
import re
from typing import Any

from botocore.exceptions import ClientError

from lambdas.notify.template import Template, template_of
from lambdas.shared import (
    Refused,
    Request,
    call,
    canonical,
    client,
    code_of,
    envelope_of,
    key_of,
    rfc3339,
    sha256,
)

LONGEST_WAIT_S = 43_200
TAG = "aws:servicecatalog:"
GATE = "Custom::NotificationFunction"
RECEIPT = "Custom::ApprovalReceipt"
WAIT_CONDITION = "AWS::CloudFormation::WaitCondition"


def fingerprint_of(
    stack_id: str, gate: str, url: str, parameters: dict[str, str], principal: str, template: str
) -> str:
    """64 hex digits; `parameters` as CloudFormation shows them, `template` is the template's sha256."""
    facts = {
        "v": 1,
        "stack": stack_id,
        "gate": gate,
        "url": sha256(url),
        "parameters": {name: sha256(value) for name, value in parameters.items()},
        "principal": principal,
        "template": template,
    }
    return sha256(canonical(facts))


def resource_of(request: Request, logical_id: str) -> Any:
    """The resource as CloudFormation knows it. Raises Refused if the stack has none of that name."""
    read = client("cloudformation").describe_stack_resource
    try:
        found = call(request.deadline, read, StackName=request.stack.id, LogicalResourceId=logical_id)
    except ClientError as error:
        if code_of(error) != "ValidationError":
            raise
        raise Refused(f"The stack has no resource {logical_id}.") from None
    return found["StackResourceDetail"]


def check_gate(request: Request) -> None:
    """Raises Refused unless CloudFormation is at work on this very gate, and in the way the event says.

    Whoever may invoke the function could else announce a wait a second time under another resource's name.
    """
    gate = resource_of(request, request.logical_id)
    if gate["ResourceType"] != GATE:
        raise Refused(f"The resource {request.logical_id} is no {GATE}.")
    if gate["ResourceStatus"] != f"{request.type.upper()}_IN_PROGRESS":
        raise Refused(f"The resource {request.logical_id} waits for nothing.")


def hold_of(request: Request, template: Template) -> dict[str, Any]:
    """What CloudFormation waits on, once the stack confirms that the URL is its handle's. Raises Refused."""
    url, stack = request.properties.get("WaitUrl"), request.stack
    key = key_of(url, stack, f"cloudformation-waitcondition-{stack.region}")
    tail = key.removeprefix(f"{stack.id}/")
    if tail == key or not re.fullmatch("(?:[A-Za-z0-9-]+/)?[A-Za-z0-9]+", tail):
        raise Refused("The WaitUrl is not one of this stack.")
    fed_by = template.written(request.logical_id, "WaitUrl")
    handle = str(fed_by["Ref"]) if isinstance(fed_by, dict) and "Ref" in fed_by else tail.rsplit("/", 1)[-1]
    if resource_of(request, handle).get("PhysicalResourceId") != url:
        raise Refused("The WaitUrl is not the one of the stack's wait condition handle.")
    waits = (i for i in template.resources if template.kind(i) == WAIT_CONDITION)
    wait = next((i for i in waits if template.written(i, "Handle") == {"Ref": handle}), "")
    timeout = template.value(wait, "Timeout")
    seconds = int(timeout) if re.fullmatch("[0-9]{1,5}", timeout) else LONGEST_WAIT_S
    seconds = min(max(seconds, 1), LONGEST_WAIT_S)
    return {"kind": "wait_handle", "url": url, "handle": handle, "wait": wait, "timeout": seconds}


def gate_of(request: Request, template: Template) -> dict[str, bool]:
    """Whether a receipt is asked for. Updates of parameters alone are never held: `open_` answers them at once."""
    gate = re.compile(rf"\b{request.logical_id}\b")
    receipts = (i for i in template.resources if template.kind(i) == RECEIPT)
    asks = any(gate.search(json.dumps(template.resources[i], default=str)) for i in receipts)
    return {"receipt": asks and RECEIPT in template.types, "gate_updates": False}


def launch_of(request: Request, found: dict[str, Any]) -> dict[str, Any]:
    """The launch envelope, read from CloudFormation; `found` is the stack as DescribeStacks has it."""
    shown = {p["ParameterKey"]: p.get("ParameterValue", "") for p in found.get("Parameters", [])}
    tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
    check_gate(request)
    template = template_of(request.stack, shown, request.deadline)
    hold = hold_of(request, template)
    principal = tags.get(TAG + "provisioningPrincipalArn", "")
    fingerprint = fingerprint_of(request.stack.id, request.logical_id, hold["url"], shown, principal, template.sha256)
    email = template.value(request.logical_id, "EmailID")
    return envelope_of(
        "launch",
        request.id,
        request.stack,
        event=request.type,
        logical_id=request.logical_id,
        physical_id=f"gatehouse-{fingerprint}",
        fingerprint=fingerprint,
        hold=hold,
        gate=gate_of(request, template),
        stack=stack_facts(found, tags),
        product=product_of(tags),
        requester={"principal_arn": principal, "email": email[:320]},
        parameters=[parameter_facts(name, value) for name, value in shown.items()],
        template=summary_of(template),
    )


def stack_facts(found: dict[str, Any], tags: dict[str, str]) -> dict[str, Any]:
    return {
        "name": found["StackName"],
        "status": found["StackStatus"],
        "created_at": rfc3339(found["CreationTime"]),
        "parent_id": found.get("ParentId", ""),
        "role_arn": found.get("RoleARN", ""),
        "capabilities": found.get("Capabilities", []),
        "tags": tags,
    }


def product_of(tags: dict[str, str]) -> dict[str, str]:
    product = tags.get(TAG + "productArn", "")
    return {
        "product_id": product.rpartition("/")[2],
        "product_arn": product,
        "portfolio_arn": tags.get(TAG + "portfolioArn", ""),
        "provisioned_product_arn": tags.get(TAG + "provisionedProductArn", ""),
        "artifact_id": tags.get(TAG + "provisioningArtifactIdentifier", ""),
    }


def parameter_facts(name: str, value: str) -> dict[str, Any]:
    # CloudFormation shows every NoEcho value as these four stars.
    hidden = value == "****"
    return {"name": name, "value": value, "no_echo": hidden, "sha256": sha256(value), "length": len(value)}


def summary_of(template: Template) -> dict[str, Any]:
    resources = [{"id": i, "type": template.kind(i)} for i in template.resources]
    return {
        "sha256": template.sha256,
        "description": template.description,
        "resource_types": template.types,
        "resources": [] if template.cut else resources,
        "cut": template.cut,
    }
