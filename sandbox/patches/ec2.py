"""EC2 resource types a usual catalogue has and MiniStack's CloudFormation refuses.

Each goes through MiniStack's own EC2 actions, so that the result is what its EC2 API shows. A property that no action
takes is kept in the template and has no effect. A type that is not here and not in MiniStack stays an error.
"""
# ruff: noqa: SLF001 - MiniStack's private names

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from sandbox.patches.engine import cloudformation, ministack

Properties = dict[str, Any]
Made = tuple[str, dict[str, str]]
NEW_INSTANCE = ("ImageId", "SubnetId", "KeyName", "UserData", "PrivateIpAddress", "AvailabilityZone")
TAGGED = ("Instance", "EIP", "Volume", "NatGateway", "KeyPair")


def install() -> None:
    """Register the types."""
    provisioners = cloudformation("provisioners")
    kinds: dict[str, dict[str, Callable[..., Any]]] = {
        "Instance": {"create": _instance, "update": _change_instance, "delete": _terminate},
        "EIP": {"create": _address, "delete": _release},
        "EIPAssociation": {"create": _associate, "delete": _by_id("DisassociateAddress", "AssociationId")},
        "SecurityGroupIngress": {"create": _ingress, "delete": _revoke("Ingress")},
        "SecurityGroupEgress": {"create": _egress, "delete": _revoke("Egress")},
        "Volume": {"create": _volume, "delete": _by_id("DeleteVolume", "VolumeId")},
        "VolumeAttachment": {"create": _attach, "delete": _detach},
        "NatGateway": {"create": _nat_gateway, "delete": _by_id("DeleteNatGateway", "NatGatewayId")},
        "KeyPair": {"create": _key_pair, "delete": _by_id("DeleteKeyPair", "KeyName")},
    }
    for name, handler in kinds.items():
        provisioners._RESOURCE_HANDLERS.setdefault(f"AWS::EC2::{name}", handler)
    for name in TAGGED:
        provisioners._STACK_TAG_PROPERTY.setdefault(f"AWS::EC2::{name}", ("Tags", "list"))


def call(action: str, **parameters: Any) -> dict[str, str]:
    """Run one EC2 action: the leaves of its answer by element name, the first of each. Raises with EC2's message."""
    ec2 = ministack("services.ec2")
    ec2._ensure_defaults_initialized()
    given = {name.replace("__", "."): [str(value)] for name, value in parameters.items() if value not in (None, "")}
    status, _, body = ec2._ACTION_MAP[action](given)
    leaves: dict[str, str] = {}
    for element in ElementTree.fromstring(body).iter():  # noqa: S314 - made by MiniStack in this process
        if not len(element):
            leaves.setdefault(element.tag.rpartition("}")[2], (element.text or "").strip())
    if status >= 400:
        raise RuntimeError(f"{leaves.get('Message', action)} (Service: Ec2, Status Code: {status})")
    return leaves


def _by_id(action: str, parameter: str) -> Callable[[str, Properties], None]:
    def delete(physical_id: str, _properties: Properties) -> None:
        call(action, **{parameter: physical_id})

    return delete


def _tag(resource_id: str, properties: Properties) -> None:
    cloudformation("provisioners")._ec2_apply_tags(resource_id, properties)


def _group_ids(properties: Properties) -> list[str]:
    """Security groups named by id or, in a default VPC, by name."""
    groups = ministack("services.ec2")._security_groups
    wanted = [*properties.get("SecurityGroupIds", []), *properties.get("SecurityGroups", [])]
    by_name = {group["GroupName"]: group_id for group_id, group in groups.items()}
    return [by_name.get(group, group) for group in wanted]


def _instance(_logical_id: str, properties: Properties, _stack_name: str) -> Made:
    groups = {f"SecurityGroupId__{n}": group for n, group in enumerate(_group_ids(properties), 1)}
    made = call(
        "RunInstances",
        MinCount=1,
        MaxCount=1,
        IamInstanceProfile__Name=properties.get("IamInstanceProfile"),
        **{name: properties.get(name) for name in (*NEW_INSTANCE, "InstanceType") if name != "AvailabilityZone"},
        **groups,
    )
    instance_id = made["instanceId"]
    if zone := properties.get("AvailabilityZone"):
        ministack("services.ec2")._instances[instance_id]["Placement"]["AvailabilityZone"] = zone
    _tag(instance_id, properties)
    return instance_id, _instance_attributes(instance_id)


def _instance_attributes(instance_id: str) -> dict[str, str]:
    record = ministack("services.ec2")._instances[instance_id]
    return {
        "InstanceId": instance_id,
        "VpcId": record["VpcId"],
        "AvailabilityZone": record["Placement"]["AvailabilityZone"],
        "PrivateIp": record["PrivateIpAddress"],
        "PublicIp": record["PublicIpAddress"],
        "PrivateDnsName": record["PrivateDnsName"],
        "PublicDnsName": record["PublicDnsName"],
        "State.Name": record["State"]["Name"],
    }


def _change_instance(physical_id: str, old: Properties, new: Properties, stack_name: str) -> Made:
    """What cannot change in place makes a new instance; CloudFormation then deletes the old one."""
    record = ministack("services.ec2")._instances.get(physical_id)
    if record is None or any(old.get(name) != new.get(name) for name in NEW_INSTANCE):
        return _instance("", new, stack_name)
    record["InstanceType"] = new.get("InstanceType", record["InstanceType"])
    cloudformation("provisioners")._ec2_apply_tags(physical_id, new, old)
    return physical_id, _instance_attributes(physical_id)


def _terminate(physical_id: str, _properties: Properties) -> None:
    call("TerminateInstances", InstanceId__1=physical_id)


def _address(_logical_id: str, properties: Properties, _stack_name: str) -> Made:
    made = call("AllocateAddress", Domain=properties.get("Domain", "vpc"))
    _tag(made["allocationId"], properties)
    if properties.get("InstanceId"):
        call("AssociateAddress", AllocationId=made["allocationId"], InstanceId=properties["InstanceId"])
    return made["publicIp"], {"AllocationId": made["allocationId"], "PublicIp": made["publicIp"]}


def _allocation(address: str) -> str:
    """The allocation id of a public address; empty when it is gone."""
    addresses = ministack("services.ec2")._addresses
    return next((key for key, record in addresses.items() if record["PublicIp"] == address), "")


def _release(physical_id: str, _properties: Properties) -> None:
    if allocation := _allocation(physical_id):
        call("ReleaseAddress", AllocationId=allocation)


def _associate(_logical_id: str, properties: Properties, _stack_name: str) -> Made:
    allocation = properties.get("AllocationId") or _allocation(properties.get("EIP", ""))
    made = call("AssociateAddress", AllocationId=allocation, InstanceId=properties.get("InstanceId"))
    return made["associationId"], {"Id": made["associationId"]}


def _rule(properties: Properties) -> Properties:
    """A rule as the EC2 actions take it."""
    parameters = {"GroupId": properties.get("GroupId") or "".join(_group_ids({"SecurityGroups": _name_of(properties)}))}
    parameters["IpPermissions__1__IpProtocol"] = properties.get("IpProtocol", "-1")
    for name in ("FromPort", "ToPort"):
        parameters[f"IpPermissions__1__{name}"] = properties.get(name)
    sources = {
        "IpRanges__1__CidrIp": properties.get("CidrIp"),
        "Ipv6Ranges__1__CidrIpv6": properties.get("CidrIpv6"),
        "Groups__1__GroupId": properties.get("SourceSecurityGroupId") or properties.get("DestinationSecurityGroupId"),
    }
    parameters.update({f"IpPermissions__1__{name}": value for name, value in sources.items()})
    return parameters


def _name_of(properties: Properties) -> list[str]:
    return [properties["GroupName"]] if properties.get("GroupName") else []


def _ingress(_logical_id: str, properties: Properties, _stack_name: str) -> Made:
    rule = call("AuthorizeSecurityGroupIngress", **_rule(properties)).get("securityGroupRuleId", "")
    return rule, {"Id": rule}


def _egress(_logical_id: str, properties: Properties, _stack_name: str) -> Made:
    rule = call("AuthorizeSecurityGroupEgress", **_rule(properties)).get("securityGroupRuleId", "")
    return rule, {"Id": rule}


def _revoke(direction: str) -> Callable[[str, Properties], None]:
    def delete(_physical_id: str, properties: Properties) -> None:
        call(f"RevokeSecurityGroup{direction}", **_rule(properties))

    return delete


def _volume(_logical_id: str, properties: Properties, _stack_name: str) -> Made:
    names = ("AvailabilityZone", "Size", "VolumeType", "SnapshotId", "Iops", "Encrypted")
    volume_id = call("CreateVolume", **{name: properties.get(name) for name in names})["volumeId"]
    _tag(volume_id, properties)
    return volume_id, {"VolumeId": volume_id}


def _attach(_logical_id: str, properties: Properties, _stack_name: str) -> Made:
    call("AttachVolume", **{name: properties.get(name) for name in ("VolumeId", "InstanceId", "Device")})
    return f"{properties['VolumeId']}|{properties['InstanceId']}", {}


def _detach(_physical_id: str, properties: Properties) -> None:
    call("DetachVolume", VolumeId=properties["VolumeId"])


def _nat_gateway(_logical_id: str, properties: Properties, _stack_name: str) -> Made:
    names = ("SubnetId", "AllocationId", "ConnectivityType")
    gateway_id = call("CreateNatGateway", **{name: properties.get(name) for name in names})["natGatewayId"]
    _tag(gateway_id, properties)
    return gateway_id, {"NatGatewayId": gateway_id}


def _key_pair(_logical_id: str, properties: Properties, _stack_name: str) -> Made:
    action = "ImportKeyPair" if properties.get("PublicKeyMaterial") else "CreateKeyPair"
    made = call(action, KeyName=properties["KeyName"], PublicKeyMaterial=properties.get("PublicKeyMaterial"))
    _tag(made["keyPairId"], properties)
    return made["keyName"], {"KeyPairId": made["keyPairId"], "KeyFingerprint": made["keyFingerprint"]}
