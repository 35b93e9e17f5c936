"""What the doctor reads in templates, and what it does not pretend to know."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.conclusions import RECEIPT
from approvals.doctor.gates import REQUEST, Unreadable, gate_of
from approvals.doctor.products import object_of
from approvals.doctor.visit import Place
from tests.support.hospital import ROOT

HERE = Place("111122223333", "us-east-1")
CHINA = Place("111122223333", "cn-north-1")
NOTIFY = "arn:aws:lambda:us-east-1:111122223333:function:gatehouse-notify"
SAMPLES = sorted((ROOT / "lambdas" / "samples").glob("*.yaml"))


def yaml(token: str, timeout: str = "'42600'") -> str:
    return f"""\
AWSTemplateFormatVersion: '2010-09-09'
# Resources: not yet
Parameters:
  Token:
    Type: String
    Default: {NOTIFY}
  Seconds: {{Type: Number, Default: 600}}
  Unknown:
    Type: String
Resources:
  Handle:
    Type: AWS::CloudFormation::WaitConditionHandle
  Ask:
    Properties:
      Parameters:
        Type: Custom::Other
      ServiceToken: {token}
      WaitUrl: !Ref Handle
    Type: Custom::NotificationFunction
  Wait:
    Type: 'AWS::CloudFormation::WaitCondition'
    DependsOn: Ask
    Properties: {{Handle: !Ref Handle, Timeout: {timeout}}}
Outputs:
  Data:
    Value: !GetAtt Wait.Data
"""


@pytest.mark.parametrize(
    ("written", "means"),
    [
        (NOTIFY, NOTIFY),
        (f'"{NOTIFY}" # ours', NOTIFY),
        ("''", ""),
        ("!Sub arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:gatehouse-notify", NOTIFY),
        ("\n        Fn::Sub: 'arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:gatehouse-notify'", NOTIFY),
        ("!Ref Token", NOTIFY),
        ("{Ref: Token}", NOTIFY),
        ('{ "Ref" : "Token" }', NOTIFY),
        ("!Sub '${Token}'", NOTIFY),
        (f">-\n        {NOTIFY}", NOTIFY),
        ("!Ref Unknown", None),
        ("!ImportValue gatehouse", None),
        ("{Fn::ImportValue: gatehouse}", None),
        ("!Sub ['${X}', {X: !Ref Token}]", None),
        ("!GetAtt Function.Arn", None),
        ("!If [A, b, c]", None),
    ],
)
def test_a_service_token_is_read_or_said_to_be_unknown(written: str, means: str | None) -> None:
    assert gate_of(yaml(written), HERE).tokens == {("Ask", REQUEST): means}


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("'42600'", 42600), ("43200", 43200), ("!Ref Seconds", 600), ("!Ref Unknown", None), ("soon", None)],
)
def test_a_timeout_is_read_or_said_to_be_unknown(written: str, seconds: int | None) -> None:
    assert gate_of(yaml(NOTIFY, written), HERE).timeouts == {"Wait": seconds}


def test_json_says_the_same() -> None:
    template = {
        "Parameters": {"Seconds": {"Type": "Number", "Default": 600}},
        "Resources": {
            "Ask": {"Type": REQUEST, "Properties": {"ServiceToken": {"Fn::Sub": NOTIFY}, "WaitUrl": {"Ref": "H"}}},
            "Wait": {
                "Type": "AWS::CloudFormation::WaitCondition",
                "Properties": {"Handle": {"Ref": "H"}, "Timeout": {"Ref": "Seconds"}},
            },
            "Receipt": {"Type": RECEIPT, "Properties": {"Data": "x"}},
        },
    }
    gate = gate_of(json.dumps(template), HERE)
    assert gate.tokens == {("Ask", REQUEST): NOTIFY, ("Receipt", RECEIPT): ""}
    assert gate.timeouts == {"Wait": 600}
    assert gate.holds


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_our_samples_are_read_as_they_are_meant(sample: Path) -> None:
    text = sample.read_text("utf-8")
    gate = gate_of(text, HERE)
    assert gate.holds == (REQUEST in text)
    for (_name, kind), token in gate.tokens.items():
        function = "gatehouse-notify" if kind == REQUEST else "gatehouse-verify"
        assert token in (f"arn:aws:lambda:us-east-1:111122223333:function:{function}", "", None)


def test_pseudo_parameters_follow_the_partition() -> None:
    written = "!Sub arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:gatehouse-notify"
    (token,) = gate_of(yaml(written), CHINA).tokens.values()
    assert token == "arn:aws-cn:lambda:cn-north-1:111122223333:function:gatehouse-notify"


@pytest.mark.parametrize("text", ["", "[]", "{}", "no template", '{"Resources": 3}', "- a\n- b\n"])
def test_what_is_no_template_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        gate_of(text, HERE)


@given(st.text(max_size=400) | st.text(alphabet="Resources: \n{}[]'\"!|>-#ab", max_size=400))
def test_whatever_the_text_it_is_read_or_unreadable(text: str) -> None:
    with contextlib.suppress(Unreadable):
        gate_of(text, HERE)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://my.bucket.s3.eu-west-1.amazonaws.com/a/b%20c.yaml?X-Amz-Signature=x", ("my.bucket", "a/b c.yaml")),
        ("https://bucket.s3.amazonaws.com/t.json", ("bucket", "t.json")),
        ("https://bucket.s3-us-west-2.amazonaws.com/t.json", ("bucket", "t.json")),
        ("https://s3.amazonaws.com/bucket/t.json", ("bucket", "t.json")),
        ("https://s3-us-west-2.amazonaws.com/bucket/t.json", ("bucket", "t.json")),
        ("https://bucket.s3.cn-north-1.amazonaws.com.cn/t.json", ("bucket", "t.json")),
        ("http://localhost:4566/bucket/t.json", ("bucket", "t.json")),
    ],
)
def test_the_place_of_a_template_is_read_from_every_form_of_address(url: str, place: tuple[str, str]) -> None:
    assert object_of(url) == place


@pytest.mark.parametrize("url", ["", "https://github.com", "nonsense"])
def test_an_address_that_names_no_object_is_unreadable(url: str) -> None:
    with pytest.raises(Unreadable):
        object_of(url)
