"""Whether a resource's own policy lets somebody do something, decided by MiniStack's policy evaluator.

MiniStack enforces identity policies and, within an account, resource policies (`AUTH`). It knows no call into another
account and lets AWS's services invoke functions without asking: those questions are asked here.
"""

from contextvars import ContextVar
from typing import Any

from sandbox.patches.engine import ministack, replace

# What a Subscribe asks for, while its request is handled: MiniStack's evaluator is not told.
_SUBSCRIBING: ContextVar[dict[str, str] | None] = ContextVar("subscribing", default=None)


def install() -> None:
    """Condition keys as on AWS: a session's aws:PrincipalArn is its role, organizations have accounts, TLS is used,
    and a Subscribe has sns:Endpoint and sns:Protocol."""
    evaluator, actions = ministack("core.iam_evaluator"), ministack("core.iam_actions")
    resolve, organization = evaluator._resolve_condition_key, evaluator._principal_org_id  # noqa: SLF001
    tags = actions.request_tag_context

    def of_request(service: str, action: str, body: bytes, params: dict[str, Any]) -> Any:
        """The keys of every request pass here before a policy is asked, the topic's own included."""
        asked = {f"sns:{name.lower()}": actions._query_param(params, name) for name in ("Endpoint", "Protocol")}  # noqa: SLF001
        _SUBSCRIBING.set(asked if action == "sns:Subscribe" else None)
        return tags(service, action, body, params)

    def resolve_as_aws(key: str, context: Any) -> Any:
        if key.lower() in (asked := _SUBSCRIBING.get() or {}):
            return asked[key.lower()]
        if key.lower() == "aws:principalarn":
            return _role_of(context.principal_arn)
        if key.lower() == "aws:sourceorgid":
            return organization_of(str(context.service_context.get("aws:sourceaccount", "")))
        if key.lower() == "aws:securetransport":
            # This port stands for AWS's endpoints, which speak TLS.
            return "true"
        return resolve(key, context)

    replace(tags, of_request)
    replace(resolve, resolve_as_aws)
    replace(organization, organization_of)


def organization_of(account: str) -> str | None:
    """The id of the organization this account leads or was made or invited in; None without one."""
    organizations = ministack("services.organizations")
    for (owner, _), made in list(organizations._orgs._data.items()):  # noqa: SLF001
        members = organizations._accounts.get_scoped(owner, None, account)  # noqa: SLF001
        if owner == account or members:
            return str(made["Id"])
    return None


def _role_of(principal: str) -> str:
    service, assumed, rest = principal.partition(":assumed-role/")
    if not assumed:
        return principal
    account, name = service.split(":")[4], rest.split("/")[0]
    role = ministack("services.iam")._roles.get_scoped(account, None, name)  # noqa: SLF001
    return str(role["Arn"]) if role else f"arn:aws:iam::{account}:role/{name}"


def allows(policy: Any, action: str, resource: str, principal: str) -> bool:
    """Whether a resource policy (JSON text or document) names this principal (an ARN) for the action."""
    return _decision(policy, action, resource, principal) == "Allow"


def function_lets(record: dict[str, Any], service: str, source_arn: str) -> bool:
    """Whether a function's policy lets an AWS service invoke it for the resource `source_arn`."""
    source = {"aws:sourcearn": source_arn, "aws:sourceaccount": source_arn.split(":")[4]}
    arn = record["config"]["FunctionArn"]
    return _decision(record.get("policy"), "lambda:InvokeFunction", arn, "*", service, source) == "Allow"


def role_lets(role_arn: str, action: str, resource: str) -> bool | None:
    """Whether a role's identity policies allow the action; None when there is no such role."""
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    evaluator, iam = ministack("core.iam_evaluator"), ministack("services.iam")
    if iam._roles.get_scoped(account, None, name) is None:  # noqa: SLF001 - MiniStack offers no reader
        return None
    context = _context(action, resource, f"arn:aws:sts::{account}:assumed-role/{name}/servicecatalog", {})
    found = evaluator.evaluate(context, evaluator._gather_role_policies(name, account))  # noqa: SLF001
    return bool(found.decision == "Allow")


def _decision(
    policy: Any, action: str, resource: str, principal: str, service: str = "", source: dict[str, str] | None = None
) -> str:
    context = _context(action, resource, principal, source or {})
    found = ministack("core.iam_evaluator").evaluate_resource_policy(policy, context, service=service or None)
    return str(found.decision)


def _context(action: str, resource: str, principal: str, keys: dict[str, str]) -> Any:
    account = principal.split(":")[4] if principal.startswith("arn:") else ""
    return ministack("core.iam_evaluator").EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole" if ":assumed-role/" in principal else "Root" if account else "Service",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=resource.split(":")[3] if resource.startswith("arn:") else "",
        service_context=keys,
    )
