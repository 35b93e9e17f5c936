"""What cannot be gated is wrapped: a parent with the gate, and the template as its nested stack."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from benchmarks.leaks import made_before_approval
from catalog.gating import NotGated, Options, Verdict, gate, inspect, ungate
from tests.support.gating import BUCKET, outcome, refused, tree

URL = "https://templates.s3.eu-west-1.amazonaws.com/{sha256}.yaml?versionId=abc"
SAM = """\
Transform: AWS::Serverless-2016-10-31
Description: 'A function: with SAM'
Metadata:
  AWS::CloudFormation::Interface:
    ParameterGroups:
      - Label: {default: All}
        Parameters: [Size, Password]
  Secret: stays in the child
Parameters:
  Size:
    Type: Number
    Default: 1
    MinValue: 0
  Password:
    Type: String
    NoEcho: true
  Subnets:
    Type: List<AWS::EC2::Subnet::Id>
  Words:
    Type: CommaDelimitedList
    Default: a,b
  Image:
    Type: AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>
    Default: /aws/image
    Description: It's "the" image # of the day
Rules:
  Some:
    Assertions:
      - Assert: !Not [!Equals [!Ref Size, '0']]
        AssertDescription: more
Mappings:
  Sizes:
    eu-west-1: {Big: '9'}
  Unused:
    a: {b: c}
Conditions:
  IsBig: !Equals [!Ref Size, !FindInMap [Sizes, !Ref AWS::Region, Big]]
  IsBigHere: !And [!Condition IsBig, !Equals [!Ref AWS::Region, eu-west-1]]
  IsImage: !Equals [!Ref Image, x]
  IsNamed: !Equals [!Ref AWS::StackName, x]
Resources:
  Function:
    Type: AWS::Serverless::Function
Outputs:
  Arn:
    Description: Its ARN
    Value: !GetAtt Function.Arn
    Export: {Name: arn}
  Big:
    Condition: IsBigHere
    Value: big
  Image:
    Condition: IsImage
    Value: image
  Named:
    Condition: IsNamed
    Value: named
"""


def wrapped(text: str, **options: Any) -> str:
    result = outcome(text, **{"wrap": URL, **options})
    assert result.verdict is Verdict.WRAPPED, result.reason
    assert result.output is not None
    assert inspect(result.output).is_gated
    assert not {name for name in made_before_approval(result.output) if not name.startswith("Approval")}
    assert gate(result.output, Options(**{"wrap": URL, **options})).verdict is Verdict.ALREADY
    return result.output.decode()


def test_a_wrapper_is_the_gate_and_one_nested_stack() -> None:
    parent = tree(wrapped(SAM))
    sha256 = hashlib.sha256(SAM.encode()).hexdigest()
    assert set(parent["Resources"]) - {"Product"} == {
        name for name in parent["Resources"] if name.startswith("Approval")
    }
    properties = parent["Resources"]["Product"]["Properties"]
    assert properties == {
        "TemplateURL": URL.format(sha256=sha256),
        "Parameters": {
            "Size": {"Ref": "Size"},
            "Password": {"Ref": "Password"},
            "Subnets": {"Fn::Join": [",", {"Ref": "Subnets"}]},
            "Words": {"Fn::Join": [",", {"Ref": "Words"}]},
            "Image": {"Ref": "Image"},
        },
    }
    assert parent["Metadata"]["Gatehouse"] == {"Wraps": {"Sha256": sha256}}
    assert inspect(wrapped(SAM).encode()).wraps == sha256
    assert inspect(wrapped(SAM).encode()).children[0].pinned


def test_parameters_rules_and_labels_come_along() -> None:
    child, parent = tree(SAM), tree(wrapped(SAM))
    for name in ("Size", "Password", "Subnets", "Words"):
        assert parent["Parameters"][name] == child["Parameters"][name]
    assert parent["Parameters"]["Image"] == {**child["Parameters"]["Image"], "Type": "String"}
    assert parent["Rules"] == child["Rules"]
    assert parent["Description"] == child["Description"]
    assert [
        group["Parameters"] for group in parent["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    ] == [
        ["UserEmail"],
        ["Size", "Password"],
    ]
    assert "Secret" not in parent["Metadata"]


def test_outputs_come_along_with_the_conditions_that_mean_the_same() -> None:
    child, parent = tree(SAM), tree(wrapped(SAM))
    assert parent["Outputs"]["Arn"] == {"Description": "Its ARN", "Value": {"Fn::GetAtt": "Product.Outputs.Arn"}}
    assert parent["Outputs"]["Big"]["Condition"] == "IsBigHere"
    assert set(parent["Outputs"]) == {"Arn", "Big", "ApprovalReceipt"}
    assert parent["Conditions"] == {name: child["Conditions"][name] for name in ("IsBigHere", "IsBig")}
    assert parent["Mappings"] == {"Sizes": child["Mappings"]["Sizes"]}
    assert "These outputs are not given by the parent: Image, Named." in map(str, outcome(SAM, wrap=URL).notes)


def test_what_has_to_be_allowed_is_said() -> None:
    notes = " ".join(map(str, outcome(SAM, wrap=URL).notes))
    assert "CAPABILITY_AUTO_EXPAND" in notes
    assert "s3:GetObject" in notes


def test_json_is_wrapped_in_json() -> None:
    text = json.dumps(
        {"Transform": "Mine", "Parameters": {"Product": {"Type": "String"}}, "Resources": {"A": {"Type": "x"}}}
    )
    parent = json.loads(wrapped(text))
    assert "Product2" in parent["Resources"]


def test_too_many_resources_are_wrapped() -> None:
    many = "".join(f"  R{n}: {{Type: 'AWS::SNS::Topic'}}\n" for n in range(499))
    assert "Product" in tree(wrapped(f"Resources:\n{many}"))["Resources"]


def test_what_grows_too_large_is_wrapped() -> None:
    text = f"{BUCKET}    Metadata:\n      Text: {'x' * (1_048_576 - 120)}\n"
    assert "Product" in tree(wrapped(text))["Resources"]


def test_what_can_be_gated_is_not_wrapped() -> None:
    assert outcome(BUCKET, wrap=URL).verdict is Verdict.GATED


def test_a_function_may_store_the_template() -> None:
    stored = {}

    def upload(data: bytes, sha256: str) -> str:
        stored[sha256] = data
        return f"http://localhost:4566/templates/{sha256}?versionId=1"

    result = outcome(SAM, wrap=upload)
    assert result.verdict is Verdict.WRAPPED
    assert list(stored.values()) == [SAM.encode()]


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("http://templates.s3.amazonaws.com/{sha256}?versionId=a", "not one of Amazon S3"),
        ("https://example.com/{sha256}?versionId=a", "not one of Amazon S3"),
        ("https://s3.amazonaws.com.example.com/{sha256}?versionId=a", "not one of Amazon S3"),
        ("https://templates.s3.amazonaws.com/product.yaml?versionId=a", "does not carry the template's sha256"),
        ("https://templates.s3.amazonaws.com/a?versionId=a&b={sha256}", "does not carry the template's sha256"),
        ("https://templates.s3.amazonaws.com/{sha256}", "names no version"),
        ("https://templates.s3.amazonaws.com/{sha256}?versionId=", "names no version"),
    ],
)
def test_a_url_behind_which_the_child_could_be_exchanged_is_refused(url: str, what: str) -> None:
    assert what in refused(SAM, wrap=url)


def test_a_wrapper_says_where_the_original_is() -> None:
    with pytest.raises(NotGated, match="TemplateURL"):
        ungate(wrapped(SAM).encode())


def test_a_template_with_hooks_cannot_be_wrapped_either() -> None:
    assert "Hooks" in refused("Hooks: {A: {}}\n" + SAM, wrap=URL)
