"""A template as CloudFormation would see it with given parameters, and a judge for the policies in it.

Both know only what our templates use and fail loudly on anything else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

LAMBDAS = Path(__file__).resolve().parents[2] / "lambdas"
ACCOUNT, REGION = "111122223333", "us-east-1"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/gatehouse-hub/0",
    "AWS::URLSuffix": "amazonaws.com",
}
GONE = object()
NAMES = {
    "AWS::SNS::Topic": ("sns", "TopicName", ""),
    "AWS::SQS::Queue": ("sqs", "QueueName", ""),
    "AWS::Lambda::Function": ("lambda", "FunctionName", "function:"),
    "AWS::DynamoDB::Table": ("dynamodb", "TableName", "table/"),
    "AWS::Events::Rule": ("events", "Name", "rule/"),
    "AWS::Logs::LogGroup": ("logs", "LogGroupName", "log-group:"),
}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@cache
def _loaded(name: str) -> dict[str, Any]:
    """Nobody changes it: what is resolved of it is made anew."""
    loaded: dict[str, Any] = cfn_yaml.load(str(LAMBDAS / f"{name}.yaml"))
    return loaded


@dataclass
class Stack:
    """A template with parameters; what has a condition that does not hold is not in `resources`."""

    name: str
    given: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.template = _loaded(self.name)
        unknown = set(self.given) - set(self.template["Parameters"])
        assert not unknown, unknown
        self.resources = {
            name: self.resolve(body) for name, body in self.template["Resources"].items() if self.has(body)
        }
        self.outputs = {n: self.resolve(o["Value"]) for n, o in self.template["Outputs"].items() if self.has(o)}

    def has(self, body: dict[str, Any]) -> bool:
        return "Condition" not in body or self.holds(body["Condition"])

    def holds(self, condition: str) -> bool:
        return bool(self.resolve(self.template["Conditions"][condition]))

    def resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [made for made in map(self.resolve, value) if made is not GONE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name in ("Ref", "Condition") and isinstance(argument, str):
                return self.ref(argument) if name == "Ref" else self.holds(argument)
            if name.startswith("Fn::"):
                return getattr(self, f"fn_{name[4:].lower()}")(argument)
        made = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in made.items() if item is not GONE}

    def ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return GONE
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.template["Parameters"]:
            parameter = self.template["Parameters"][name]
            text = str(self.given.get(name, parameter.get("Default", "")))
            return text.split(",") if parameter["Type"] == "CommaDelimitedList" else text
        kind = self.template["Resources"][name]["Type"]
        return self.arn(name) if kind == "AWS::SNS::Topic" else name

    def arn(self, name: str) -> str:
        body = self.template["Resources"][name]
        assert self.has(body), f"{name} does not exist with {self.given}"
        if body["Type"] == "AWS::IAM::Role":
            return f"arn:aws:iam::{ACCOUNT}:role/{self.resolve(body['Properties']['RoleName'])}"
        if body["Type"] == "AWS::KMS::Key":
            return f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{name}"
        service, property_, prefix = NAMES[body["Type"]]
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{prefix}{body['Properties'][property_]}"

    def fn_getatt(self, argument: Any) -> str:
        name, attribute = argument if isinstance(argument, list) else argument.split(".")
        return self.arn(name) if attribute == "Arn" else f"{name}.{attribute}"

    def fn_sub(self, argument: Any) -> str:
        text, more = argument if isinstance(argument, list) else (argument, {})
        values = {name: self.resolve(value) for name, value in more.items()}
        return re.sub(r"\$\{([\w:.]+)\}", lambda m: str(values.get(m[1]) or self.named(m[1])), text)

    def named(self, name: str) -> Any:
        return self.fn_getatt(name) if "." in name else self.ref(name)

    def fn_join(self, argument: list[Any]) -> str:
        return str(argument[0]).join(map(str, self.resolve(argument[1])))

    def fn_select(self, argument: list[Any]) -> Any:
        return self.resolve(argument[1])[int(argument[0])]

    def fn_split(self, argument: list[Any]) -> list[str]:
        return str(self.resolve(argument[1])).split(argument[0])

    def fn_if(self, argument: list[Any]) -> Any:
        return self.resolve(argument[1] if self.holds(argument[0]) else argument[2])

    def fn_equals(self, argument: list[Any]) -> bool:
        left, right = map(self.resolve, argument)
        return str(left) == str(right)

    def fn_not(self, argument: list[Any]) -> bool:
        return not self.resolve(argument[0])

    def fn_or(self, argument: list[Any]) -> bool:
        return any(map(self.resolve, argument))

    def fn_and(self, argument: list[Any]) -> bool:
        return all(map(self.resolve, argument))

    def fn_findinmap(self, argument: list[str]) -> str:
        return str(self.template["Mappings"][argument[0]][argument[1]][argument[2]])

    def statements(self) -> list[tuple[str, dict[str, Any]]]:
        """Every statement of every policy, with the logical id of the resource it stands in."""
        return [(name, found) for name, body in self.resources.items() for found in statements_in(body)]

    def policy(self, name: str) -> list[dict[str, Any]]:
        return [found for of, found in self.statements() if of == name]


def statements_in(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        own = [value] if value.get("Effect") in ("Allow", "Deny") else []
        return own + [found for item in value.values() for found in statements_in(item)]
    return [found for item in value for found in statements_in(item)] if isinstance(value, list) else []


@dataclass(frozen=True)
class Call:
    """Somebody does something; `context` has IAM's condition keys. A service has no aws:PrincipalArn."""

    action: str
    resource: str
    principal: str = ""
    service: str = ""
    context: dict[str, Any] = field(default_factory=dict)

    def key(self, name: str) -> list[str] | None:
        if name == "aws:PrincipalArn":
            return [self.principal] if self.principal else None
        if name == "aws:SecureTransport":
            return [str(self.context.get(name, "true"))]
        found = self.context.get(name)
        return None if found is None else [str(item) for item in listed(found)]


def judged(statements: list[dict[str, Any]], call: Call) -> str:
    """ "Deny", "Allow" or "" (nothing is said), as IAM reads one policy."""
    effects = {statement["Effect"] for statement in statements if applies(statement, call)}
    return "Deny" if "Deny" in effects else "Allow" if effects else ""


def applies(statement: dict[str, Any], call: Call) -> bool:
    return (
        is_principal(statement.get("Principal"), call)
        and any(like(call.action.lower(), str(action).lower()) for action in listed(statement["Action"]))
        and any(like(call.resource, resource) for resource in listed(statement.get("Resource", "*")))
        and all(
            holds(operator, call.key(name), [str(item) for item in listed(wanted)])
            for operator, keys in statement.get("Condition", {}).items()
            for name, wanted in keys.items()
        )
    )


def is_principal(principal: Any, call: Call) -> bool:
    if principal is None or principal == "*":
        return True
    if call.service:
        return call.service in listed(principal.get("Service", []))
    account = call.principal.split(":")[4]
    wanted = {"*", account, f"arn:aws:iam::{account}:root", call.principal}
    return bool(wanted & set(listed(principal.get("AWS", []))))


def holds(operator: str, found: list[str] | None, wanted: list[str]) -> bool:
    operator = operator.removeprefix("ForAnyValue:")
    negated = "Not" in operator
    if found is None:
        return negated
    exact = operator in ("StringEquals", "StringNotEquals", "Bool")
    assert exact or operator in ("StringLike", "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"), operator
    hit = any(one == two if exact else like(one, two) for one in found for two in wanted)
    return hit is not negated


def like(text: str, pattern: str) -> bool:
    return fnmatchcase(text, pattern.replace("[", "[[]"))
