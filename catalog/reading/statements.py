"""The statements of every policy in a template, whatever resource it stands on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from catalog.reading.stack import Resource, Stack
from catalog.reading.values import Seen, at, options, text_of

Place = Literal["identity", "resource", "trust"]

# Where policies stand: what an identity may, who may use a resource, and who may become a role.
PLACES: dict[str, tuple[tuple[Place, tuple[str, ...]], ...]] = {
    "AWS::ApiGateway::RestApi": (("resource", ("Policy",)),),
    "AWS::Backup::BackupVault": (("resource", ("AccessPolicy",)),),
    "AWS::DynamoDB::Table": (("resource", ("ResourcePolicy", "PolicyDocument")),),
    "AWS::ECR::Repository": (("resource", ("RepositoryPolicyText",)),),
    "AWS::EFS::FileSystem": (("resource", ("FileSystemPolicy",)),),
    "AWS::Elasticsearch::Domain": (("resource", ("AccessPolicies",)),),
    "AWS::Events::EventBusPolicy": (("resource", ("Statement",)),),
    "AWS::IAM::Group": (("identity", ("Policies", "PolicyDocument")),),
    "AWS::IAM::GroupPolicy": (("identity", ("PolicyDocument",)),),
    "AWS::IAM::ManagedPolicy": (("identity", ("PolicyDocument",)),),
    "AWS::IAM::Policy": (("identity", ("PolicyDocument",)),),
    "AWS::IAM::Role": (
        ("identity", ("Policies", "PolicyDocument")),
        ("trust", ("AssumeRolePolicyDocument",)),
    ),
    "AWS::IAM::RolePolicy": (("identity", ("PolicyDocument",)),),
    "AWS::IAM::User": (("identity", ("Policies", "PolicyDocument")),),
    "AWS::IAM::UserPolicy": (("identity", ("PolicyDocument",)),),
    "AWS::KMS::Key": (("resource", ("KeyPolicy",)),),
    "AWS::Logs::ResourcePolicy": (("resource", ("PolicyDocument",)),),
    "AWS::OpenSearchService::Domain": (("resource", ("AccessPolicies",)),),
    "AWS::S3::AccessPoint": (("resource", ("Policy",)),),
    "AWS::S3::BucketPolicy": (("resource", ("PolicyDocument",)),),
    "AWS::SNS::TopicInlinePolicy": (("resource", ("PolicyDocument",)),),
    "AWS::SNS::TopicPolicy": (("resource", ("PolicyDocument",)),),
    "AWS::SQS::QueueInlinePolicy": (("resource", ("PolicyDocument",)),),
    "AWS::SQS::QueuePolicy": (("resource", ("PolicyDocument",)),),
    "AWS::SSO::PermissionSet": (("identity", ("InlinePolicy",)),),
    "AWS::SecretsManager::ResourcePolicy": (("resource", ("ResourcePolicy",)),),
    "AWS::Serverless::Function": (("identity", ("Policies",)),),
}
# Conditions on who calls, which narrow a statement whose principal is everybody.
_NARROWING = re.compile(
    r"aws:(?:principal(?:org|account|arn)|source(?:account|arn|owner|ip|vpce?\b|org)|vpcsourceip|userid)"
    r"|kms:calleraccount|kms:viaservice|lambda:functionurlauthtype|s3:dataaccesspointaccount|elasticfilesystem:accessedviamounttarget",
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that allows. `but` is true where the actions, and `elsewhere` where the
    resources, are those it does not mean. `principals` are texts such as "*", an account, an ARN; of a federated
    one it is the provider, in `federated`."""

    resource: Resource
    place: Place
    actions: tuple[Seen, ...]
    but: bool
    resources: tuple[Seen, ...]
    elsewhere: bool
    principals: tuple[Seen, ...]
    federated: tuple[Seen, ...]
    conditions: frozenset[str]
    sure: bool

    @property
    def everywhere(self) -> bool:
        """Whether it means any resource."""
        return self.elsewhere or any(text_of(one.value) == "*" for one in self.resources)

    @property
    def narrowed(self) -> bool:
        """Whether a condition says who may call."""
        return any(_NARROWING.match(key) for key in self.conditions)


def statements(stack: Stack, *places: Place) -> Iterator[Statement]:
    """Every statement that allows something, of policies in these places."""
    for resource in stack.resources:
        for place, path in PLACES.get(resource.type, ()):
            if place in places:
                for document in resource.at(*path):
                    yield from _allowing(resource, place, document)


def _allowing(resource: Resource, place: Place, document: Seen) -> Iterator[Statement]:
    value = _parsed(document.value)
    # An event bus takes one bare statement.
    found = at(value, "Statement") if isinstance(value, dict) and "Statement" in value else options(value)
    for one in found:
        if not isinstance(one.value, dict):
            continue
        for effect in at(one.value, "Effect"):
            if text_of(effect.value).lower() == "allow":
                yield _statement(resource, place, one.value, document.sure and one.sure and effect.sure)


def _parsed(value: Any) -> Any:
    """Some policies are texts of JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.lstrip().startswith("{") else None
    except ValueError:
        return None


def _statement(resource: Resource, place: Place, said: dict[str, Any], sure: bool) -> Statement:
    principals, federated = _principals(said)
    conditions = frozenset(key.lower() for one in at(said, "Condition") for key in _condition_keys(one.value))
    return Statement(
        resource,
        place,
        tuple(at(said, "NotAction" if "NotAction" in said else "Action")),
        "NotAction" in said,
        tuple(at(said, "NotResource" if "NotResource" in said else "Resource")),
        "NotResource" in said,
        principals,
        federated,
        conditions,
        sure and resource.sure,
    )


def _principals(said: dict[str, Any]) -> tuple[tuple[Seen, ...], tuple[Seen, ...]]:
    if "NotPrincipal" in said:
        return (Seen("*", True),), ()
    plain, federated = [], []
    for one in at(said, "Principal"):
        if isinstance(one.value, dict):
            plain += [seen for seen in at(one.value, "AWS", sure=one.sure) if not isinstance(seen.value, dict)]
            federated += [seen for seen in at(one.value, "Federated", sure=one.sure) if isinstance(seen.value, str)]
        else:
            plain.append(one)
    return tuple(plain), tuple(federated)


def _condition_keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for operator, tests in value.items():
            if isinstance(tests, dict) and "notequals" not in operator.lower() and "notlike" not in operator.lower():
                yield from (str(key) for key in tests)
