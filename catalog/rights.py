"""Whether an IAM principal may do something, asked of IAM; where that is not allowed, read in its policies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, Protocol


class Forbidden(Exception):
    """The right `action`, as a policy would have to name it, is missing to look."""

    def __init__(self, action: str) -> None:
        super().__init__(action)
        self.action = action


class Asker(Protocol):
    """Reads in one account. Both raise Forbidden, and what else they raise comes through."""

    def read(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]: ...

    def pages(self, service: str, operation: str, key: str, **arguments: Any) -> list[Any]: ...


def may(asker: Asker, principal: str, action: str, resource: str) -> bool:
    """Asks IAM to work it out; where that is not allowed, reads the role's policies. There a Deny outweighs an Allow;
    conditions of an Allow are left aside, and a Deny under conditions, boundaries and an organization's policies are
    not seen.

    Raises the Forbidden of the first where neither is allowed: that one right is enough.
    """
    try:
        return bool(simulated(asker, principal, [action], resource))
    except Forbidden as forbidden:
        try:
            about = [one for one in _statements(asker, principal) if _speaks_of(one, action, resource)]
        except Forbidden:
            raise forbidden from None
        denied = any(one.get("Effect") == "Deny" and not one.get("Condition") for one in about)
        return not denied and any(one.get("Effect") == "Allow" for one in about)


def simulated(asker: Asker, principal: str, actions: list[str], resource: str) -> list[str]:
    """Which of the actions the principal may."""
    told = asker.read(
        "iam", "simulate_principal_policy", PolicySourceArn=principal, ActionNames=actions, ResourceArns=[resource]
    )
    return [one["EvalActionName"] for one in told["EvaluationResults"] if one["EvalDecision"] == "allowed"]


def _statements(asker: Asker, role: str) -> Iterator[dict[str, Any]]:
    name = role.rpartition("/")[2]
    for policy in asker.pages("iam", "list_role_policies", "PolicyNames", RoleName=name):
        yield from _in(asker.read("iam", "get_role_policy", RoleName=name, PolicyName=policy)["PolicyDocument"])
    for attached in asker.pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name):
        version = asker.read("iam", "get_policy", PolicyArn=attached["PolicyArn"])["Policy"]["DefaultVersionId"]
        told = asker.read("iam", "get_policy_version", PolicyArn=attached["PolicyArn"], VersionId=version)
        yield from _in(told["PolicyVersion"]["Document"])


def _in(document: Any) -> list[dict[str, Any]]:
    document = json.loads(document) if isinstance(document, str) else document
    statements = document.get("Statement", [])
    return [statements] if isinstance(statements, dict) else list(statements)


def _speaks_of(statement: dict[str, Any], action: str, resource: str) -> bool:
    actions = [one.lower() for one in _many(statement.get("Action", statement.get("NotAction")))]
    resources = _many(statement.get("Resource", statement.get("NotResource")))
    of_action = any(fnmatchcase(action.lower(), one) for one in actions)
    of_resource = any(fnmatchcase(resource, one) for one in resources)
    return of_action is ("NotAction" not in statement) and of_resource is ("NotResource" not in statement)


def _many(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())
