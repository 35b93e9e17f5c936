"""The hub stack and what it deployed."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError
from django.conf import settings
from django.utils.translation import gettext_noop as _

from approvals.doctor.findings import Problem, Severity, problem
from approvals.doctor.registry import check
from approvals.doctor.visit import HUB, SPOKE, Visit, code_of

_GOOD = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"})
_RULES = ("gatehouse-stacks", "gatehouse-gates")


@check(
    "hub_stack",
    Severity.CRITICAL,
    title=_("Gatehouse's stack"),
    why=_("Topic, queue, key and functions come from this stack: without it no launch can be held or decided."),
    remedy=_(
        "Deploy lambdas/template.yaml as gatehouse-hub (lambdas/spoke.yaml as gatehouse-spoke elsewhere); for a "
        "stack that failed, read its events in CloudFormation first."
    ),
    everywhere=True,
)
def hub_stack(visit: Visit) -> Iterator[Problem]:
    name = HUB if visit.is_home else SPOKE
    stack = visit.stack
    if not stack.status:
        yield problem(_("There is no stack %(name)s."), about=str(visit.here), name=name)
    elif stack.status.endswith("_IN_PROGRESS"):
        seen = _("The stack %(name)s is being changed: %(status)s.")
        yield problem(seen, about=stack.id, severity=Severity.WARNING, name=name, status=stack.status)
    elif stack.status not in _GOOD:
        yield problem(_("The stack %(name)s is %(status)s."), about=stack.id, name=name, status=stack.status)


@check(
    "hub_functions",
    Severity.CRITICAL,
    title=_("Gatehouse's functions"),
    why=_("A gated launch calls gatehouse-notify and gatehouse-verify; without one of them it fails or hangs."),
    remedy=_(
        "Deploy the stack again. If somebody deleted the function by hand, that alone does not bring it back: make a "
        "change set of the stack with the deployment mode REVERT_DRIFT, and execute it."
    ),
    everywhere=True,
)
def hub_functions(visit: Visit) -> Iterator[Problem]:
    names = ["gatehouse-notify", "gatehouse-verify"]
    if visit.stack.outputs.get("ApproveArn"):
        names.append("gatehouse-approve")
    for name in names:
        try:
            found = visit.here.read("lambda", "get_function_configuration", FunctionName=name)
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            yield problem(_("There is no function %(name)s."), about=str(visit.here), name=name)
            continue
        if (state := found.get("State", "Active")) not in ("Active", "Inactive"):
            yield problem(_("The function %(name)s is %(state)s."), about=found["FunctionArn"], name=name, state=state)


@check(
    "status_rules",
    Severity.WARNING,
    title=_("Status messages of stacks"),
    why=_(
        "These rules tell the desk what became of a stack; without them it finds out late, or in a spoke not at all."
    ),
    remedy=_("Enable the rule in EventBridge, or deploy the stack again when it is gone."),
    everywhere=True,
)
def status_rules(visit: Visit) -> Iterator[Problem]:
    for name in _RULES:
        try:
            state = visit.here.read("events", "describe_rule", Name=name)["State"]
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            state = "missing"
        if state == "missing":
            yield problem(_("The rule %(name)s is missing."), about=str(visit.here), name=name)
        elif state == "DISABLED":
            yield problem(_("The rule %(name)s is switched off."), about=str(visit.here), name=name)


@check(
    "desk_address",
    Severity.WARNING,
    title=_("The desk's address in messages"),
    why=_(
        "Mails carry a link to the desk from the stack's parameter DeskUrl; people who follow a wrong one end nowhere."
    ),
    remedy=_("Deploy the stack with DeskUrl set to the desk's GATEHOUSE_DESK_URL."),
)
def desk_address(visit: Visit) -> Iterator[Problem]:
    told = visit.hub.parameters.get("DeskUrl", "").rstrip("/")
    if visit.hub.status and told != settings.GATEHOUSE_DESK_URL:
        seen = _("The stack says %(told)s, the desk is at %(desk)s.")
        yield problem(seen, about=visit.hub.id, told=told or "–", desk=settings.GATEHOUSE_DESK_URL)
