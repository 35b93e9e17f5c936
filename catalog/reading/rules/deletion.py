"""Data that go when the stack goes, or when CloudFormation replaces what holds them."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_noop as _

from catalog.reading.findings import Finding, Risk
from catalog.reading.stack import Resource, Stack
from catalog.reading.values import is_true, text_of

# A bucket is not among them: CloudFormation fails to delete one that is not empty.
HOLDS_DATA = frozenset(
    (
        "AWS::Cognito::UserPool",
        "AWS::DocDB::DBCluster",
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::EC2::Volume",
        "AWS::EFS::FileSystem",
        "AWS::Elasticsearch::Domain",
        "AWS::FSx::FileSystem",
        "AWS::Neptune::DBCluster",
        "AWS::OpenSearchService::Domain",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::Redshift::Cluster",
        "AWS::Timestream::Table",
    )
)
# CloudFormation takes a last snapshot of these where the template says nothing (aws-attribute-deletionpolicy).
_SNAPSHOT = ("AWS::RDS::DBCluster", "AWS::RDS::DBInstance")
_KEEPS = ("Retain", "Snapshot", "RetainExceptOnCreate")
_PROTECTED = ("DeletionProtection", "DeletionProtectionEnabled")


def is_kept(resource: Resource, policy: str = "DeletionPolicy") -> bool:
    """Whether the data outlive the resource."""
    said = text_of(resource.raw.get(policy) or "")
    if not said and resource.type in _SNAPSHOT:
        return "DBClusterIdentifier" not in resource.properties
    return said in _KEEPS


def data_go_with_the_stack(stack: Stack) -> Iterator[Finding]:
    """Nothing of the data remains when the stack is deleted."""
    for resource in stack.of(*HOLDS_DATA):
        if is_kept(resource) or _is_a_member(resource):
            continue
        if any(is_true(one.value) or text_of(one.value) == "ACTIVE" for p in _PROTECTED for one in resource.at(p)):
            continue
        said = "DeletionPolicy" in resource.raw
        yield Finding(
            "data-go",
            Risk.MEDIUM if said and resource.type in _SNAPSHOT else Risk.LOW,
            _("Its data go with the stack"),
            _("When the stack is terminated, the data are deleted with it; no DeletionPolicy keeps them."),
            (resource.id,),
            sure=resource.sure,
        )


def _is_a_member(resource: Resource) -> bool:
    """The data of a cluster are the cluster's."""
    return resource.type == "AWS::RDS::DBInstance" and "DBClusterIdentifier" in resource.properties
