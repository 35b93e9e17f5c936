"""Data at rest that are not encrypted."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_noop as _

from catalog.reading.findings import Finding, Risk
from catalog.reading.stack import Resource, Stack
from catalog.reading.values import is_false

# AWS leaves these unencrypted unless the property says otherwise.
_UNLESS_SAID = {
    "AWS::DocDB::DBCluster": "StorageEncrypted",
    "AWS::EFS::FileSystem": "Encrypted",
    "AWS::Neptune::DBCluster": "StorageEncrypted",
    "AWS::RDS::DBCluster": "StorageEncrypted",
    "AWS::RDS::DBInstance": "StorageEncrypted",
}
# Of these only an explicit no counts: an account may encrypt by default.
_IF_SAID = {"AWS::EC2::Volume": "Encrypted", "AWS::Redshift::Cluster": "Encrypted"}
# What is restored or belongs to a cluster is encrypted as its origin is.
_INHERITS = (
    "DBClusterIdentifier",
    "DBSnapshotIdentifier",
    "SnapshotIdentifier",
    "SourceDBInstanceIdentifier",
    "SourceDBClusterIdentifier",
    "GlobalClusterIdentifier",
    "KmsKeyId",
)


def not_encrypted(stack: Stack) -> Iterator[Finding]:
    """Databases and file systems whose storage is in the clear."""
    for resource in stack.of(*_UNLESS_SAID, *_IF_SAID):
        if _is_in_the_clear(resource):
            yield Finding(
                "not-encrypted",
                Risk.MEDIUM,
                _("Data are stored unencrypted"),
                _("Its storage is not encrypted, and it cannot be encrypted later without being replaced."),
                (resource.id,),
                sure=resource.sure,
            )


def _is_in_the_clear(resource: Resource) -> bool:
    said = _UNLESS_SAID.get(resource.type) or _IF_SAID[resource.type]
    if any(is_false(one.value) for one in resource.at(said)):
        return True
    if resource.type in _IF_SAID or said in resource.properties:
        return False
    return not any(name in resource.properties for name in _INHERITS)
