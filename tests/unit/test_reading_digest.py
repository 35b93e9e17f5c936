"""A template told to people: what is made, asked for, and left out; and values worked out as far as they are known."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.reading import Digest, difference, digest, losses, pseudo
from catalog.reading.functions import Resolver
from catalog.reading.values import Either, Unknown
from catalog.templates import BadTemplate, read
from tests.support.reading import GIVEN, document
from tests.support.run import ROOT

SAMPLES = ROOT / "lambdas" / "samples"
STACK = "arn:aws-cn:cloudformation:cn-north-1:111122223333:stack/SC-1-pp-2/uuid"


def sample(name: str = "wordpress.yaml", **given: str) -> Digest:
    return digest(read((SAMPLES / name).read_bytes(), name), GIVEN | given)


class TestDigest:
    def test_the_gate_is_left_out(self) -> None:
        for name in ("wordpress.yaml", "wordpress-classic.yaml", "data-sandbox.yaml"):
            made = [one for service in sample(name).services for one in service.resources]
            assert made
            assert not [one for one in made if "Wait" in one.type or one.type.startswith("Custom::")]

    def test_resources_by_service(self) -> None:
        services = {service.name: service for service in sample().services}
        assert "EC2" in services
        assert "RDS" in services
        assert dict(services["RDS"].types)["AWS::RDS::DBInstance"] == 1

    def test_parameters_in_the_words_of_the_interface(self) -> None:
        parameters = sample().parameters
        assert [(one.name, one.label, one.group) for one in parameters][:2] == [
            ("UserEmail", "Your e-mail address", "Request"),
            ("InstanceType", "", "Web server"),
        ]
        by_name = {one.name: one for one in parameters}
        assert by_name["InstanceType"].differs("m6i.large") is True
        assert by_name["InstanceType"].differs("t3.small") is False
        assert by_name["ImageId"].differs("ami-1") is None
        assert by_name["DBPassword"].no_echo
        assert by_name["DBPassword"].default is None

    def test_the_default_of_a_hidden_parameter_is_not_told(self) -> None:
        read_again = digest(
            document({"T": {"Type": "A::B::C"}}, Parameters={"P": {"NoEcho": True, "Default": "hunter2"}}), {}
        )
        assert "hunter2" not in repr(read_again)

    def test_what_a_condition_leaves_out(self) -> None:
        sections = {
            "Parameters": {"Big": {"Type": "String"}, "Secret": {"Type": "String", "NoEcho": True}},
            "Conditions": {
                "IsBig": {"Fn::Equals": [{"Ref": "Big"}, "yes"]},
                "IsSecret": {"Fn::Equals": [{"Ref": "Secret"}, "x"]},
                "Never": {"Fn::And": [{"Condition": "IsBig"}, {"Fn::Not": [{"Condition": "IsBig"}]}]},
                "Round": {"Condition": "Round"},
            },
        }
        names = ("IsBig", "IsSecret", "Never", "Round")
        template = document({name: {"Type": "A::B::C", "Condition": name} for name in names}, **sections)
        found = digest(template, {"Big": "no", "Secret": "****"})
        assert found.left_out == 2
        assert [(one.id, one.sure) for one in found.services[0].resources] == [("IsSecret", False), ("Round", False)]

    def test_loops_are_written_out(self) -> None:
        body = {"Q${Name}": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Name"}}}}
        template = document(
            {"Fn::ForEach::Queues": ["Name", {"Ref": "Names"}, body]},
            Parameters={"Names": {"Type": "CommaDelimitedList"}},
        )
        assert [one.id for one in digest(template, {"Names": "A,B"}).services[0].resources] == ["QA", "QB"]

    def test_loops_in_loops_end(self) -> None:
        many = [str(n) for n in range(3000)]
        inner = {"Fn::ForEach::In": ["Y", many, {"R${X}${Y}": {"Type": "AWS::SNS::Topic"}}]}
        began = time.process_time()
        digest(document({"Fn::ForEach::Out": ["X", many, inner]}), {})
        assert time.process_time() - began < 3

    def test_what_is_no_resource_hides_none(self) -> None:
        found = digest(document({"A": None, "B": [], "C": {"Type": "AWS::SNS::Topic"}}), {})
        assert [one.id for one in found.services[0].resources] == ["C"]

    def test_what_is_kept_is_read_again(self) -> None:
        found = sample()
        assert Digest.from_kept(json.loads(json.dumps(found.kept()))) == found


class TestValues:
    TREE = {
        "Mappings": {"M": {"us-east-1": {"Ami": "ami-1"}}},
        "Conditions": {"Yes": {"Fn::Equals": ["a", "a"]}, "Perhaps": {"Fn::Equals": [{"Ref": "Hidden"}, "a"]}},
    }

    @pytest.mark.parametrize(
        ("raw", "value"),
        [
            ({"Ref": "Size"}, "big"),
            ({"Ref": "Bucket"}, Unknown("${Bucket}")),
            ({"Fn::GetAtt": ["Role", "Arn"]}, Unknown("${Role.Arn}")),
            ({"Fn::Sub": "x-${Size}-${!Literal}"}, "x-big-${Literal}"),
            ({"Fn::Sub": ["${A}-${Bucket.Arn}", {"A": {"Ref": "Size"}}]}, Unknown("big-${Bucket.Arn}")),
            ({"Fn::Join": ["/", ["a", {"Ref": "Size"}, 1, True]]}, "a/big/1/true"),
            ({"Fn::Select": ["1", {"Fn::Split": [",", "a,b"]}]}, "b"),
            ({"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "Ami"]}, "ami-1"),
            ({"Fn::FindInMap": ["M", "eu-west-1", "Ami"]}, Unknown("${Fn::FindInMap}")),
            ({"Fn::If": ["Yes", 1, 2]}, 1),
            ({"Fn::If": ["Perhaps", 1, 2]}, Either((1, 2))),
            ({"a": {"Fn::If": ["Yes", {"Ref": "AWS::NoValue"}, 2]}, "b": 1}, {"b": 1}),
            ({"Fn::ImportValue": "x"}, Unknown("${Fn::ImportValue}")),
            ({"Fn::Base64": {"Ref": "Size"}}, "big"),
        ],
    )
    def test_functions(self, raw: Any, value: Any) -> None:
        found = Resolver(self.TREE, {"Size": "big", "AWS::Region": "us-east-1"}).value(raw)
        assert found == value
        assert type(found) is type(value)

    def test_pseudo_parameters(self) -> None:
        assert pseudo(STACK) == {
            "AWS::Partition": "aws-cn",
            "AWS::Region": "cn-north-1",
            "AWS::AccountId": "111122223333",
            "AWS::StackId": STACK,
            "AWS::StackName": "SC-1-pp-2",
            "AWS::URLSuffix": "amazonaws.com.cn",
        }
        assert pseudo("nothing") == {}


class TestDifference:
    OLD = {
        "Db": {"Type": "AWS::RDS::DBInstance", "Properties": {"DBName": {"Ref": "Name"}, "AllocatedStorage": 20}},
        "Web": {"Type": "AWS::EC2::Instance", "Properties": {"Tags": [{"Key": "a", "Value": "1"}]}},
        "Old": {"Type": "AWS::DynamoDB::Table"},
    }
    NEW = {
        "Db": {"Type": "AWS::RDS::DBInstance", "Properties": {"DBName": {"Ref": "Name"}, "AllocatedStorage": 30}},
        "Web": {"Type": "AWS::EC2::Instance", "Properties": {"Tags": [{"Key": "a", "Value": "2"}], "ImageId": "ami"}},
        "New": {"Type": "AWS::SQS::Queue"},
    }
    NAME = {"Parameters": {"Name": {"Type": "String", "Default": "a"}}}

    def test_by_resource_and_property(self) -> None:
        found = difference(document(self.OLD, **self.NAME), document(self.NEW))
        assert [one.id for one in found.added] == ["New"]
        assert [one.id for one in found.removed] == ["Old"]
        assert [(one.id, one.paths, one.replaced) for one in found.changed] == [
            ("Db", ("Properties.AllocatedStorage",), ()),
            ("Web", ("Properties.Tags[0].Value", "Properties.ImageId"), ("ImageId",)),
        ]
        assert found.parameters_removed == ("Name",)
        assert ("removed", "-      AllocatedStorage: 20") in found.lines

    def test_another_gate_is_no_change(self) -> None:
        text = (SAMPLES / "wordpress.yaml").read_text()
        found = difference(read(text.encode()), read(text.replace("ApprovalWait", "ApprovalWaitV2").encode()))
        assert (found.added, found.removed, found.changed) == ((), (), ())

    def test_secrets_are_covered(self) -> None:
        secret = {"Db": {"Type": "AWS::RDS::DBInstance", "Properties": {"MasterUserPassword": "hunter2"}}}
        old = document(secret, Parameters={"P": {"NoEcho": True, "Default": "hunter3"}})
        new = document(secret | {"A": {"Type": "A::B::C"}}, Parameters={"P": {"NoEcho": True, "Default": "hunter4"}})
        assert "hunter" not in repr(difference(old, new))

    def test_what_data_lose(self) -> None:
        old, new = document(self.OLD, **self.NAME), document(self.NEW, **self.NAME)
        assert [(one.code, one.resources) for one in losses(old, new, {}, {})] == [("data-removed", ("Old",))]
        lost = losses(old, old, {"Name": "a"}, {"Name": "b"})
        assert [(one.code, one.facts) for one in lost] == [("data-left-behind", {"properties": ["DBName"]})]

    def test_two_large_templates_without_a_line_in_common(self) -> None:
        many = [
            document({f"{x}{n}": {"Type": "A::B::C", "Properties": {"P": x * 9}} for n in range(3000)}) for x in "ab"
        ]
        began = time.process_time()
        assert difference(*many).cut
        assert time.process_time() - began < 10


functions = st.sampled_from(
    ["Ref", "Fn::If", "Fn::Sub", "Fn::Join", "Fn::Select", "Fn::FindInMap", "Fn::GetAtt", "Fn::Split", "Condition"]
)
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            functions | st.sampled_from(["Statement", "Effect", "Principal", "Policies", "Action"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)
KINDS = [
    "AWS::IAM::Role",
    "AWS::IAM::Policy",
    "AWS::EC2::SecurityGroup",
    "AWS::S3::Bucket",
    "AWS::RDS::DBInstance",
    "Custom::X",
]


@given(kind=st.sampled_from(KINDS), properties=trees, policies=trees, conditions=trees)
def test_no_template_breaks_it(kind: str, properties: Any, policies: Any, conditions: Any) -> None:
    resource = {
        "Type": kind,
        "Properties": {
            "PolicyDocument": policies,
            "AssumeRolePolicyDocument": properties,
            "Policies": properties,
            "SecurityGroupIngress": policies,
        },
    }
    body = {
        "Resources": {"A": resource, "B": {"Type": kind, "Properties": properties}},
        "Conditions": conditions,
        "Parameters": policies,
        "Metadata": {"AWS::CloudFormation::Interface": policies},
    }
    template = read(json.dumps(body).encode())
    found = digest(template, {})
    assert "unchecked" not in {one.code for one in found.findings}
    json.dumps(found.kept())
    difference(template, document({"T": {"Type": "A::B::C"}}))


def test_bad_templates_are_no_surprise() -> None:
    with pytest.raises(BadTemplate):
        read(b"{}")
