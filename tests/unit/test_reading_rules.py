"""Every rule finds what it is for, and does not cry wolf."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.reading import Finding, Risk
from catalog.reading import rules as all_rules
from catalog.reading.stack import Stack
from tests.support.reading import OTHER, OWN, allow, codes, found, one, policy


def the(code: str, *args: Any, **kwargs: Any) -> Finding:
    return next(finding for finding in found(*args, **kwargs) if finding.code == code)


def role_with(*statements: dict[str, Any]) -> dict[str, Any]:
    return one("AWS::IAM::ManagedPolicy", PolicyDocument=policy(*statements))


def trusted(principal: Any, **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    return one("AWS::IAM::Role", AssumeRolePolicyDocument=policy(statement))


def queue_for(principal: Any, **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage", "Resource": "*", **more}
    return one("AWS::SQS::QueuePolicy", Queues=["q"], PolicyDocument=policy(statement))


class TestIdentities:
    def test_iam_names_the_capability(self) -> None:
        assert the("iam", one("AWS::IAM::Role")).facts == {"capability": "CAPABILITY_IAM"}
        assert the("iam", one("AWS::IAM::Role", RoleName="x")).facts == {"capability": "CAPABILITY_NAMED_IAM"}
        assert codes(one("AWS::EC2::Instance")) == set()

    def test_administrators(self) -> None:
        mighty = one("AWS::IAM::Role", ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"])
        assert the("administrator", mighty).risk == Risk.HIGH
        modest = one("AWS::IAM::Role", ManagedPolicyArns=["arn:aws:iam::aws:policy/ReadOnlyAccess"])
        assert "administrator" not in codes(modest)

    def test_keys_that_do_not_expire(self) -> None:
        assert "long-lived-key" in codes(one("AWS::IAM::AccessKey", UserName="u"))
        assert "long-lived-key" not in codes(one("AWS::IAM::User"))


class TestPolicies:
    def test_everything(self) -> None:
        assert the("everything", role_with(allow("*"))).risk == Risk.HIGH
        assert the("everything", role_with(allow("*", "arn:aws:s3:::b/*"))).risk == Risk.MEDIUM
        assert the("everything-but", role_with({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})).facts == {
            "actions": ["iam:*"]
        }

    def test_a_deny_is_no_risk(self) -> None:
        assert codes(role_with({"Effect": "Deny", "Action": "*", "Resource": "*"})) == {"iam"}

    def test_whole_services(self) -> None:
        assert the("whole-service", role_with(allow(["s3:*", "sqs:*"]))).facts == {"services": ["s3", "sqs"]}
        assert codes(role_with(allow("s3:*", "arn:aws:s3:::b"))) == {"iam"}

    def test_single_actions_on_everything(self) -> None:
        assert the("any-resource", role_with(allow("s3:GetObject"))).risk == Risk.LOW
        harmless = ["ec2:DescribeInstances", "logs:PutLogEvents", "cloudwatch:PutMetricData", "s3:ListAllMyBuckets"]
        assert codes(role_with(allow(harmless))) == {"iam"}

    def test_rights_that_lead_to_others(self) -> None:
        assert the("more-rights", role_with(allow("iam:PassRole"))).risk == Risk.HIGH
        narrowed = {"Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}
        assert the("more-rights", role_with(allow("iam:PassRole", **narrowed))).risk == Risk.MEDIUM
        assert codes(role_with(allow("iam:PassRole", "arn:aws:iam::111122223333:role/x"))) == {"iam"}

    def test_policies_stand_in_many_places(self) -> None:
        inline = {"PolicyName": "p", "PolicyDocument": policy(allow("*"))}
        assert "everything" in codes(one("AWS::IAM::Role", Policies=[inline]))
        assert "everything" in codes(one("AWS::Serverless::Function", Policies=[policy(allow("*"))]))
        assert "everything" in codes(
            one(
                "AWS::SSO::PermissionSet",
                InlinePolicy='{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}',
            )
        )


class TestTrust:
    def test_anybody_may_take_the_role(self) -> None:
        assert the("anybody-becomes", trusted("*")).risk == Risk.HIGH
        assert the("anybody-becomes", trusted({"AWS": "*"}, Condition={"Bool": {"x": "y"}})).risk == Risk.MEDIUM
        within = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}
        assert codes(trusted("*", Condition=within)) == {"iam"}

    def test_another_account_may_take_the_role(self) -> None:
        assert the("other-account-becomes", trusted({"AWS": OTHER})).facts == {"accounts": [OTHER]}
        assert the("other-account-becomes", trusted({"AWS": f"arn:aws:iam::{OTHER}:role/x"})).sure
        own = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
        assert codes(trusted({"AWS": [own, OWN]})) == {"iam"}
        assert codes(trusted({"Service": "ec2.amazonaws.com"})) == {"iam"}

    def test_a_parameter_names_the_account(self) -> None:
        taken = trusted({"AWS": {"Fn::Sub": "arn:aws:iam::${Who}:root"}})
        parameters = {"Who": {"Type": "String"}}
        assert "other-account-becomes" in codes(taken, {"Who": OTHER}, Parameters=parameters)
        assert codes(taken, {"Who": OWN}, Parameters=parameters) == {"iam"}

    def test_tokens_of_others(self) -> None:
        provider = {"Federated": f"arn:aws:iam::{OWN}:oidc-provider/token.actions.githubusercontent.com"}
        audience = {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}}
        subject = {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:us/it:*"}}
        assert "any-token" in codes(trusted(provider, Condition=audience))
        assert "any-token" not in codes(trusted(provider, Condition=audience | subject))

    def test_resources_for_everybody(self) -> None:
        assert "anybody-uses" in codes(queue_for("*"))
        assert codes(queue_for("*", Condition={"ArnEquals": {"aws:SourceArn": "arn:x"}})) == set()
        assert codes(queue_for({"Service": "sns.amazonaws.com"})) == set()
        assert "other-account-uses" in codes(queue_for({"AWS": OTHER}))

    def test_the_log_deliveries_of_aws_are_no_strangers(self) -> None:
        assert codes(queue_for({"AWS": "arn:aws:iam::127311923021:root"})) == set()

    def test_functions(self) -> None:
        assert "anybody-uses" in codes(one("AWS::Lambda::Permission", Principal="*"))
        assert codes(one("AWS::Lambda::Permission", Principal="*", PrincipalOrgID="o-1")) == set()
        assert "other-account-uses" in codes(one("AWS::Lambda::Permission", Principal=OTHER))
        assert codes(one("AWS::Lambda::Permission", Principal="s3.amazonaws.com")) == set()
        assert "open-function" in codes(one("AWS::Lambda::Url", AuthType="NONE"))
        assert codes(one("AWS::Lambda::Url", AuthType="AWS_IAM")) == set()

    def test_shares(self) -> None:
        assert "other-account-uses" in codes(one("AWS::EC2::VPCPeeringConnection", PeerOwnerId=OTHER))
        assert codes(one("AWS::EC2::VPCPeeringConnection", PeerOwnerId={"Ref": "AWS::AccountId"})) == set()
        assert "anybody-uses" in codes(one("AWS::Events::EventBusPolicy", Principal="*"))
        assert "other-account-uses" in codes(one("AWS::RAM::ResourceShare", Principals=[OTHER]))


class TestNetwork:
    @pytest.mark.parametrize(
        ("ingress", "risk", "ports"),
        [
            ({"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}, Risk.HIGH, "22 (SSH)"),
            ({"CidrIpv6": "::/0", "IpProtocol": "tcp", "FromPort": "3389", "ToPort": "3389"}, Risk.HIGH, "3389 (RDP)"),
            ({"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"}, Risk.HIGH, "0–65535"),
            ({"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp", "FromPort": 3000, "ToPort": 4000}, Risk.HIGH, "3000–4000"),
            ({"CidrIp": "0.0.0.0/1", "IpProtocol": "tcp", "FromPort": 8443, "ToPort": 8443}, Risk.MEDIUM, "8443"),
            ({"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}, Risk.LOW, "443"),
            ({"CidrIp": "0.0.0.0/0", "IpProtocol": "icmp", "FromPort": -1, "ToPort": -1}, Risk.LOW, "ICMP"),
        ],
    )
    def test_what_is_open_and_how_bad_that_is(self, ingress: dict[str, Any], risk: Risk, ports: str) -> None:
        for resources in (
            one("AWS::EC2::SecurityGroup", SecurityGroupIngress=[ingress]),
            one("AWS::EC2::SecurityGroupIngress", **ingress),
        ):
            finding = the("open-ingress", resources)
            assert (finding.risk, finding.facts, finding.sure) == (risk, {"ports": [ports]}, True)

    def test_a_network_of_ours_is_not_the_internet(self) -> None:
        sources: list[dict[str, Any]] = [
            {"CidrIp": "10.0.0.0/8"},
            {"SourceSecurityGroupId": "sg-1"},
            {"CidrIp": "203.0.113.7/32"},
        ]
        for source in sources:
            assert codes(one("AWS::EC2::SecurityGroupIngress", FromPort=22, ToPort=22, **source)) == set()

    def test_the_parameters_of_the_launch_decide(self) -> None:
        group = one("AWS::EC2::SecurityGroupIngress", CidrIp={"Ref": "From"}, FromPort=22, ToPort=22)
        parameters = {"From": {"Type": "String", "Default": "0.0.0.0/0"}}
        assert "open-ingress" in codes(group, Parameters=parameters)
        assert codes(group, {"From": "10.0.0.0/8"}, Parameters=parameters) == set()

    def test_what_an_unknown_condition_decides_may_be(self) -> None:
        both = {"Fn::If": ["Open", "0.0.0.0/0", "10.0.0.0/8"]}
        sections = {
            "Parameters": {"Mode": {"Type": "String", "NoEcho": True}},
            "Conditions": {"Open": {"Fn::Equals": [{"Ref": "Mode"}, "open"]}},
        }
        group = one("AWS::EC2::SecurityGroupIngress", CidrIp=both, FromPort=22, ToPort=22)
        assert not the("open-ingress", group, {"Mode": "****"}, **sections).sure


class TestData:
    def test_public_buckets(self) -> None:
        assert the("public-bucket", one("AWS::S3::Bucket", AccessControl="PublicReadWrite")).risk == Risk.HIGH
        assert codes(one("AWS::S3::Bucket", AccessControl="LogDeliveryWrite")) == set()
        statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
        assert "public-bucket" in codes(one("AWS::S3::BucketPolicy", PolicyDocument=policy(statement)))
        tls = statement | {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
        assert codes(one("AWS::S3::BucketPolicy", PolicyDocument=policy(tls))) == set()
        inside = statement | {"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}
        assert codes(one("AWS::S3::BucketPolicy", PolicyDocument=policy(inside))) == set()

    def test_the_guard_of_a_bucket(self) -> None:
        off = {"BlockPublicAcls": False, "BlockPublicPolicy": "false"}
        assert the("unguarded-bucket", one("AWS::S3::Bucket", PublicAccessBlockConfiguration=off)).facts == {
            "guards": ["BlockPublicAcls", "BlockPublicPolicy"]
        }
        assert codes(one("AWS::S3::Bucket", PublicAccessBlockConfiguration={"BlockPublicAcls": True})) == set()

    def test_public_databases(self) -> None:
        kept: dict[str, Any] = {"StorageEncrypted": True}
        assert codes(one("AWS::RDS::DBInstance", PubliclyAccessible=True, **kept)) == {"public-database"}
        assert codes(one("AWS::RDS::DBInstance", PubliclyAccessible="false", **kept)) == set()
        assert not the("public-database", one("AWS::RDS::DBInstance", PubliclyAccessible={"Ref": "P"})).sure

    def test_encryption(self) -> None:
        assert "not-encrypted" in codes(one("AWS::RDS::DBInstance"))
        assert codes(one("AWS::RDS::DBInstance", DBClusterIdentifier="c")) == set()
        assert "not-encrypted" in codes(one("AWS::EC2::Volume", {"DeletionPolicy": "Retain"}, Encrypted=False))
        assert codes(one("AWS::EC2::Volume", {"DeletionPolicy": "Retain"})) == set()

    def test_data_that_go_with_the_stack(self) -> None:
        assert the("data-go", one("AWS::DynamoDB::Table")).risk == Risk.LOW
        assert codes(one("AWS::DynamoDB::Table", {"DeletionPolicy": "Retain"})) == set()
        assert codes(one("AWS::DynamoDB::Table", DeletionProtectionEnabled=True)) == set()
        # CloudFormation takes a snapshot of these unless it is told not to, and deletes no bucket that is full.
        assert codes(one("AWS::RDS::DBInstance", StorageEncrypted=True)) == set()
        assert codes(one("AWS::RDS::DBInstance", {"DeletionPolicy": "Delete"}, StorageEncrypted=True)) == {"data-go"}
        assert codes(one("AWS::S3::Bucket")) == set()

    def test_secrets_in_the_template(self) -> None:
        safe: dict[str, Any] = {"StorageEncrypted": True}
        finding = the("secret-in-template", one("AWS::RDS::DBInstance", MasterUserPassword="hunter2", **safe))
        assert "hunter2" not in repr(finding)
        dynamic = one("AWS::RDS::DBInstance", MasterUserPassword="{{resolve:secretsmanager:x}}", **safe)
        assert codes(dynamic) == set()
        asked = one("AWS::RDS::DBInstance", MasterUserPassword={"Ref": "P"}, **safe)
        assert codes(asked, Parameters={"P": {"Type": "String"}}) == {"secret-is-shown"}
        assert codes(asked, Parameters={"P": {"Type": "String", "NoEcho": "true"}}) == set()


class TestCode:
    def test_functions_of_others(self) -> None:
        token = "arn:aws:lambda:us-east-1:{}:function:f"
        assert the("foreign-function", one("Custom::X", ServiceToken=token.format(OTHER))).risk == Risk.HIGH
        assert codes(one("Custom::X", ServiceToken=token.format(OWN))) == {"unknown-function"}
        inside = one("Custom::X", ServiceToken={"Fn::GetAtt": ["F", "Arn"]}) | one("AWS::Lambda::Function")
        inside["F"] = {"Type": "AWS::Lambda::Function"}
        inside["Thing"] = {"Type": "Custom::X", "Properties": {"ServiceToken": {"Fn::GetAtt": ["F", "Arn"]}}}
        assert codes(inside) == set()

    def test_nested_templates(self) -> None:
        url = "https://b.s3.amazonaws.com/t.yaml"
        assert the("loose-template", one("AWS::CloudFormation::Stack", TemplateURL=url)).risk == Risk.MEDIUM
        assert codes(one("AWS::CloudFormation::Stack", TemplateURL=f"{url}?versionId=abc")) == {"nested-template"}
        anywhere = {"Fn::Sub": "https://${Bucket}.s3.amazonaws.com/t?versionId=abc"}
        assert codes(one("AWS::CloudFormation::Stack", TemplateURL=anywhere)) == {"loose-template"}

    def test_what_is_not_read_here(self) -> None:
        assert codes(one("AWS::CloudFormation::StackSet")) == {"stack-set"}
        assert codes(one("AWS::S3::Bucket"), Transform="Count") == {"macro"}
        assert codes(one("AWS::S3::Bucket"), Transform="AWS::Serverless-2016-10-31") == {"sam"}
        assert codes(one("AWS::S3::Bucket"), Transform="AWS::LanguageExtensions") == set()
        assert codes(one("A::B::C::MODULE")) == {"module"}

    @pytest.mark.parametrize(
        ("script", "wolf"),
        [
            ("curl -fsSL https://get.example.com | sudo -E bash -", True),
            ('bash -c "$(curl -fsSL https://x)"', True),
            ("iex ((New-Object Net.WebClient).DownloadString('https://x'))", True),
            ("curl -o f https://x\nsha256sum -c f.sum && sh f", False),
            ("curl https://x | jq .name", False),
        ],
    )
    def test_scripts(self, script: str, wolf: bool) -> None:
        data = {"Fn::Base64": {"Fn::Sub": "#!/bin/sh\n" + script.replace("${", "${!")}}
        assert ("fetched-and-run" in codes(one("AWS::EC2::Instance", UserData=data))) is wolf


def test_the_same_said_of_several_resources_is_said_once() -> None:
    tables = {name: {"Type": "AWS::DynamoDB::Table"} for name in ("A", "B")}
    assert [finding.resources for finding in found(tables)] == [("A", "B")]


def test_the_gravest_comes_first() -> None:
    mixed = one("AWS::DynamoDB::Table") | {
        "Role": {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": policy(allow("*"))}}
    }
    assert [finding.risk for finding in found(mixed)] == [Risk.HIGH, Risk.LOW, Risk.LOW]


def test_a_rule_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(stack: Stack) -> Any:
        raise ValueError("hunter2")

    monkeypatch.setattr(all_rules, "RULES", (broken, *all_rules.RULES))
    findings = found(one("AWS::DynamoDB::Table"))
    assert [finding.code for finding in findings] == ["unchecked", "data-go"]
    assert "hunter2" not in repr(findings)


def test_every_sentence_has_its_facts() -> None:
    """What is kept and read again says the same."""
    for finding in found(role_with(allow(["*", "s3:*", "iam:PassRole", "s3:GetObject"]))):
        assert "%(" not in finding.said
        assert Finding.from_kept(finding.kept()) == finding
