"""Which changes make CloudFormation replace a resource, for the types that hold data or carry names.

No more than a hint: the list holds what AWS's reference says of the commonest types ("Update requires:
Replacement"); what is not in it may be replaced, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.reading.values import text_of

_REPLACES: dict[str, tuple[str, ...]] = {
    "AWS::Cognito::UserPool": ("UsernameAttributes", "AliasAttributes"),
    "AWS::DocDB::DBCluster": (
        "DBClusterIdentifier",
        "KmsKeyId",
        "MasterUsername",
        "SnapshotIdentifier",
        "StorageEncrypted",
    ),
    "AWS::DynamoDB::GlobalTable": ("KeySchema", "LocalSecondaryIndexes", "TableName"),
    "AWS::DynamoDB::Table": ("KeySchema", "LocalSecondaryIndexes", "TableName"),
    "AWS::EC2::Instance": ("AvailabilityZone", "ImageId", "KeyName", "NetworkInterfaces", "SubnetId"),
    "AWS::EC2::Subnet": ("AvailabilityZone", "CidrBlock", "VpcId"),
    "AWS::EC2::VPC": ("CidrBlock",),
    "AWS::EC2::Volume": ("AvailabilityZone", "Encrypted", "KmsKeyId", "SnapshotId"),
    "AWS::EFS::FileSystem": ("AvailabilityZoneName", "Encrypted", "KmsKeyId", "PerformanceMode"),
    "AWS::Elasticsearch::Domain": ("DomainName",),
    "AWS::FSx::FileSystem": ("BackupId", "FileSystemType", "KmsKeyId", "SubnetIds"),
    "AWS::IAM::Role": ("Path", "RoleName"),
    "AWS::KMS::Key": ("KeySpec", "KeyUsage", "MultiRegion", "Origin"),
    "AWS::Kinesis::Stream": ("Name",),
    "AWS::Lambda::Function": ("FunctionName", "PackageType"),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::Neptune::DBCluster": ("DBClusterIdentifier", "KmsKeyId", "SnapshotIdentifier", "StorageEncrypted"),
    "AWS::OpenSearchService::Domain": ("DomainName",),
    "AWS::RDS::DBCluster": (
        "DBClusterIdentifier",
        "DBSubnetGroupName",
        "DatabaseName",
        "EngineMode",
        "KmsKeyId",
        "SnapshotIdentifier",
        "StorageEncrypted",
    ),
    "AWS::RDS::DBInstance": (
        "CharacterSetName",
        "DBClusterIdentifier",
        "DBInstanceIdentifier",
        "DBName",
        "DBSnapshotIdentifier",
        "DBSubnetGroupName",
        "KmsKeyId",
        "MasterUsername",
        "SourceDBInstanceIdentifier",
        "StorageEncrypted",
    ),
    "AWS::Redshift::Cluster": ("ClusterSubnetGroupName", "DBName", "MasterUsername", "OwnerAccount"),
    "AWS::S3::Bucket": ("BucketName", "ObjectLockEnabled"),
    "AWS::SNS::Topic": ("FifoTopic", "TopicName"),
    "AWS::SQS::Queue": ("FifoQueue", "QueueName"),
    "AWS::SecretsManager::Secret": ("Name",),
    "AWS::Timestream::Table": ("DatabaseName", "TableName"),
}


def replaced_by(was: Mapping[str, Any], will: Mapping[str, Any]) -> list[str]:
    """The properties whose change makes a new resource; "Type" where it is another kind of thing."""
    if was.get("Type") != will.get("Type"):
        return ["Type"]
    before, after = _properties(was), _properties(will)
    names = _REPLACES.get(text_of(will.get("Type") or ""), ())
    return [name for name in names if before.get(name) != after.get(name)]


def _properties(raw: Mapping[str, Any]) -> dict[str, Any]:
    found = raw.get("Properties")
    return found if isinstance(found, dict) else {}
