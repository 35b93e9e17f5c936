"""Resource types of a usual catalogue, made through MiniStack's own services."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Client
from tests.sandbox.gate import Gate

PORT = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "10.0.0.0/8"}


def resources(**members: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"Resources": {name: {"Type": f"AWS::{kind}", "Properties": p} for name, (kind, p) in members.items()}}


def server() -> dict[str, Any]:
    return resources(
        Group=("EC2::SecurityGroup", {"GroupDescription": "web"}),
        In=("EC2::SecurityGroupIngress", {"GroupId": {"Fn::GetAtt": ["Group", "GroupId"]}, **PORT}),
        Out=("EC2::SecurityGroupEgress", {"GroupId": {"Fn::GetAtt": ["Group", "GroupId"]}, **PORT}),
        Key=("EC2::KeyPair", {"KeyName": "catalogue"}),
        Role=("IAM::Role", {"AssumeRolePolicyDocument": {"Statement": []}}),
        Profile=("IAM::InstanceProfile", {"Roles": [{"Ref": "Role"}]}),
        Server=(
            "EC2::Instance",
            {
                "ImageId": "ami-12345678",
                "InstanceType": "t3.small",
                "KeyName": {"Ref": "Key"},
                "SecurityGroupIds": [{"Fn::GetAtt": ["Group", "GroupId"]}],
                "IamInstanceProfile": {"Ref": "Profile"},
                "Tags": [{"Key": "Name", "Value": "wordpress"}],
            },
        ),
        Address=("EC2::EIP", {"Domain": "vpc"}),
        Bind=(
            "EC2::EIPAssociation",
            {"AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]}, "InstanceId": {"Ref": "Server"}},
        ),
        Disk=("EC2::Volume", {"AvailabilityZone": {"Fn::GetAtt": ["Server", "AvailabilityZone"]}, "Size": 20}),
        Attach=(
            "EC2::VolumeAttachment",
            {"VolumeId": {"Ref": "Disk"}, "InstanceId": {"Ref": "Server"}, "Device": "/dev/sdh"},
        ),
    )  # fmt: skip


def test_server_with_address_disk_and_rules_shows_in_ec2_and_goes_with_its_stack(gate: Gate, aws: Client) -> None:
    ec2 = aws("ec2")
    stack = gate.create(server(), Capabilities=["CAPABILITY_IAM"], Tags=[{"Key": "team", "Value": "web"}])
    assert gate.ended(stack)["StackStatus"] == "CREATE_COMPLETE", gate.story(stack)
    instance_id = gate.resource(stack, "Server")["PhysicalResourceId"]
    instance = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
    assert (instance["InstanceType"], instance["KeyName"], instance["State"]["Name"]) == (
        "t3.small",
        "catalogue",
        "running",
    )
    tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
    assert (tags["Name"], tags["team"], tags["aws:cloudformation:stack-id"]) == ("wordpress", "web", stack)
    address = ec2.describe_addresses(PublicIps=[gate.resource(stack, "Address")["PhysicalResourceId"]])["Addresses"][0]
    assert address["InstanceId"] == instance_id
    disk = ec2.describe_volumes(VolumeIds=[gate.resource(stack, "Disk")["PhysicalResourceId"]])["Volumes"][0]
    assert (disk["Size"], disk["Attachments"][0]["InstanceId"]) == (20, instance_id)
    group = ec2.describe_security_groups(GroupIds=[gate.resource(stack, "Group")["PhysicalResourceId"]])[
        "SecurityGroups"
    ][0]
    assert group["IpPermissions"][0]["FromPort"] == 80
    gate.cloudformation.delete_stack(StackName=stack)
    assert gate.ended(stack)["StackStatus"] == "DELETE_COMPLETE", gate.story(stack)
    state = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]["State"]["Name"]
    assert state == "terminated"
    assert "catalogue" not in [pair["KeyName"] for pair in ec2.describe_key_pairs()["KeyPairs"]]


def test_instance_changes_its_size_in_place_and_its_image_by_replacement(gate: Gate) -> None:
    def template(**properties: str) -> dict[str, Any]:
        return resources(Server=("EC2::Instance", {"ImageId": "ami-1", "InstanceType": "t3.small", **properties}))

    stack = gate.create(template())
    gate.ended(stack)
    first = gate.resource(stack, "Server")["PhysicalResourceId"]
    for properties, same in (({"InstanceType": "t3.large"}, True), ({"ImageId": "ami-2"}, False)):
        gate.cloudformation.update_stack(StackName=stack, TemplateBody=json.dumps(template(**properties)))
        assert gate.ended(stack)["StackStatus"] == "UPDATE_COMPLETE"
        assert (gate.resource(stack, "Server")["PhysicalResourceId"] == first) is same


def test_other_types_of_a_catalogue_are_made_without_docker(gate: Gate) -> None:
    subnets = [{"Ref": "A"}, {"Ref": "B"}]
    template = resources(
        Vpc=("EC2::VPC", {"CidrBlock": "10.9.0.0/16"}),
        A=("EC2::Subnet", {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.9.1.0/24", "AvailabilityZone": "us-east-1a"}),
        B=("EC2::Subnet", {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.9.2.0/24", "AvailabilityZone": "us-east-1b"}),
        Address=("EC2::EIP", {"Domain": "vpc"}),
        Nat=(
            "EC2::NatGateway",
            {"SubnetId": {"Ref": "A"}, "AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]}},
        ),
        Group=("RDS::DBSubnetGroup", {"DBSubnetGroupDescription": "d", "SubnetIds": subnets}),
        Database=(
            "RDS::DBInstance",
            {
                "Engine": "mysql",
                "DBInstanceClass": "db.t3.micro",
                "AllocatedStorage": "20",
                "MasterUsername": "root",
                "MasterUserPassword": "hush-hush",
                "DBSubnetGroupName": {"Ref": "Group"},
            },
        ),
        Balancer=("ElasticLoadBalancingV2::LoadBalancer", {"Subnets": subnets}),
        Targets=("ElasticLoadBalancingV2::TargetGroup", {"Port": 80, "Protocol": "HTTP", "VpcId": {"Ref": "Vpc"}}),
        Listener=(
            "ElasticLoadBalancingV2::Listener",
            {
                "LoadBalancerArn": {"Ref": "Balancer"},
                "Port": 80,
                "Protocol": "HTTP",
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}],
            },
        ),
        Bucket=("S3::Bucket", {}),
        Log=("Logs::LogGroup", {}),
        Alarm=("CloudWatch::Alarm", {
            "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "MetricName": "Errors",
            "Namespace": "AWS/Lambda", "Period": 60, "Statistic": "Sum", "Threshold": 0,
        }),
        Table=("DynamoDB::Table", {
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        }),
    )  # fmt: skip
    template["Resources"]["Database"]["DeletionPolicy"] = "Delete"
    stack = gate.create(template)
    assert gate.ended(stack)["StackStatus"] == "CREATE_COMPLETE", gate.story(stack)
    gate.cloudformation.delete_stack(StackName=stack)
    assert gate.ended(stack)["StackStatus"] == "DELETE_COMPLETE", gate.story(stack)


def test_type_nobody_handles_is_refused_by_name(gate: Gate) -> None:
    with pytest.raises(ClientError, match=r"Unrecognized resource types: \[AWS::Sagemaker::Oracle\]"):
        gate.create(resources(Oracle=("Sagemaker::Oracle", {})))


def test_property_that_ec2_refuses_fails_the_resource_and_rolls_back(gate: Gate) -> None:
    stack = gate.create(
        resources(Attach=("EC2::VolumeAttachment", {"VolumeId": "vol-0", "InstanceId": "i-0", "Device": "/dev/sdh"}))
    )
    assert gate.ended(stack)["StackStatus"] == "ROLLBACK_COMPLETE"
    reason = "The volume 'vol-0' does not exist. (Service: Ec2, Status Code: 400)"
    assert ("Attach", "CREATE_FAILED", reason) in gate.story(stack)
