"""What waits: the launch envelope, and the fingerprint of what an approver will be shown.

The fingerprint has one definition, here and in the desk (`tests/vectors/fingerprint.json` holds both to it):
long values and the wait URL enter as their sha256, so the desk can recompute it from what it keeps. That of
a held update is over the gate's WaitUrl too, not over the response URL it waits on: asked again, the same
update has the same fingerprint.
"""

import json
import os
import re
from dataclasses import replace
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
LONGEST_ANSWER_S = 3_600
TAG = "aws:servicecatalog:"
GATE = "Custom::NotificationFunction"
RECEIPT = "Custom::ApprovalReceipt"
WAIT_CONDITION = "AWS::CloudFormation::WaitCondition"
HIDDEN = "****"  # how CloudFormation shows every NoEcho value


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


def handle_of(request: Request, template: Template) -> str:
    """The wait condition handle, once the stack confirms that the event's WaitUrl is its. Raises Refused."""
    url, stack = request.properties.get("WaitUrl"), request.stack
    key = key_of(url, stack, f"cloudformation-waitcondition-{stack.region}")
    tail = key.removeprefix(f"{stack.id}/")
    if tail == key or not re.fullmatch("(?:[A-Za-z0-9-]+/)?[A-Za-z0-9]+", tail):
        raise Refused("The WaitUrl is not one of this stack.")
    fed_by = template.written(request.logical_id, "WaitUrl")
    handle = str(fed_by["Ref"]) if isinstance(fed_by, dict) and "Ref" in fed_by else tail.rsplit("/", 1)[-1]
    if resource_of(request, handle).get("PhysicalResourceId") != url:
        raise Refused("The WaitUrl is not the one of the stack's wait condition handle.")
    return handle


def seconds_in(text: str, default: int, longest: int) -> int:
    seconds = int(text) if re.fullmatch("[0-9]{1,5}", text) else default
    return min(max(seconds, 1), longest)


def hold_of(request: Request, template: Template) -> dict[str, Any]:
    """What CloudFormation waits on: the handle's signal or, once that was given, our own answer. Raises Refused."""
    handle, url = handle_of(request, template), request.properties["WaitUrl"]
    if keeps_wait(request):
        if not request.physical_id:
            raise Refused("The event does not say which resource is updated.")
        timeout = template.value(request.logical_id, "ServiceTimeout")
        return {
            "kind": "response",
            "url": request.response_url,
            "handle": "",
            "wait": "",
            "timeout": seconds_in(timeout, LONGEST_ANSWER_S, LONGEST_ANSWER_S),
            "request_id": request.id,
            "physical_id": request.physical_id,
            "wait_url_sha256": sha256(url),
        }
    waits = (i for i in template.resources if template.kind(i) == WAIT_CONDITION)
    wait = next((i for i in waits if template.written(i, "Handle") == {"Ref": handle}), "")
    unknown = int(os.environ.get("WAIT_TIMEOUT") or LONGEST_WAIT_S)
    seconds = seconds_in(template.value(wait, "Timeout"), unknown, LONGEST_WAIT_S)
    return {"kind": "wait_handle", "url": url, "handle": handle, "wait": wait, "timeout": seconds}


def keeps_wait(request: Request) -> bool:
    """Whether this is an update whose wait is over already: CloudFormation never waits twice on one handle."""
    return request.type == "Update" and request.properties.get("WaitUrl") == request.old_properties.get("WaitUrl")


def gate_of(request: Request, template: Template) -> dict[str, bool]:
    """Whether a receipt is asked for, and whether updates of parameters alone wait too; all of them, for a launch.

    Raises Refused for an update of a gate that cannot be read: it may be one that holds.
    """
    if keeps_wait(request) and (template.cut or template.kind(request.logical_id) != GATE):
        raise Refused("The product's template cannot be read, so nobody knows whether this update must wait.")
    gate = re.compile(rf"\b{request.logical_id}\b")
    receipts = (i for i in template.resources if template.kind(i) == RECEIPT)
    asks = any(gate.search(json.dumps(template.resources[i], default=str)) for i in receipts)
    receipt = updates = asks and RECEIPT in template.types
    if template.written(request.logical_id, "GateUpdates") is not None:
        updates = template.value(request.logical_id, "GateUpdates").lower() not in ("no", "false")
    if not keeps_wait(request):
        updates = updates and sees_all(request, template)
    return {"receipt": receipt, "gate_updates": updates}


def sees_all(request: Request, template: Template) -> bool:
    """Whether each visible parameter feeds the gate: CloudFormation asks it nothing when another one changes."""
    gate = json.dumps(template.resources.get(request.logical_id), default=str)
    visible = (name for name, value in template.parameters.items() if value != HIDDEN)
    return all(f'"Ref": "{name}"' in gate or f"${{{name}}}" in gate for name in visible)


def shown_in(found: dict[str, Any]) -> dict[str, str]:
    """The stack's parameters as CloudFormation shows them; one of an SSM type is what it stands for."""
    parameters = found.get("Parameters", [])
    return {p["ParameterKey"]: p.get("ResolvedValue") or p.get("ParameterValue", "") for p in parameters}


def updated(request: Request, template: Template) -> dict[str, str]:
    """The parameters a held update asks for.

    What DescribeStacks shows while a stack is updated is not documented, so the event's own `Parameters` go
    over it, where the template feeds them from the parameter of that name and CloudFormation hides no value.
    A forged event gains nothing: its answer would go to a URL that S3 refuses.
    """
    shown, given = template.parameters, request.properties.get("Parameters")
    fed_by = template.written(request.logical_id, "Parameters")
    if not keeps_wait(request) or not isinstance(given, dict) or not isinstance(fed_by, dict):
        return shown
    names = (n for n in shown if n in given and fed_by.get(n) == {"Ref": n} and HIDDEN not in (shown[n], given[n]))
    return shown | {n: ",".join(map(str, given[n])) if isinstance(given[n], list) else str(given[n]) for n in names}


def launch_of(request: Request, found: dict[str, Any]) -> dict[str, Any]:
    """The launch envelope, read from CloudFormation; `found` is the stack as DescribeStacks has it."""
    tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
    check_gate(request)
    template = template_of(request.stack, shown_in(found), request.deadline)
    shown = updated(request, template)
    template = replace(template, parameters=shown)
    hold = hold_of(request, template)
    principal = tags.get(TAG + "provisioningPrincipalArn", "")
    fingerprint = fingerprint_of(
        request.stack.id, request.logical_id, request.properties["WaitUrl"], shown, principal, template.sha256
    )
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
        gate=gate_of(request, template) | {"email_decisions": False},
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
    return {"name": name, "value": value, "no_echo": value == HIDDEN, "sha256": sha256(value), "length": len(value)}


def summary_of(template: Template) -> dict[str, Any]:
    resources = [{"id": i, "type": template.kind(i)} for i in template.resources]
    return {
        "sha256": template.sha256,
        "description": template.description,
        "resource_types": template.types,
        "resources": [] if template.cut else resources,
        "cut": template.cut,
    }
