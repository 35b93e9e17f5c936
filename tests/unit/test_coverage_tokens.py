"""What a gate's tokens and time-outs come to before a launch, and what nobody pretends to know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.coverage import analyse
from catalog.coverage.tokens import resolved
from catalog.gating.names import RECEIPT, REQUEST
from tests.support.hospital import ROOT

HERE = ("111122223333", "us-east-1")
CHINA = ("111122223333", "cn-north-1")
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
Mappings:
  Regions:
    us-east-1: {{Notify: '{NOTIFY}'}}
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


def tokens(text: str, place: tuple[str, str] = HERE) -> dict[tuple[str, str], str | None]:
    return {(call.logical_id, call.kind): resolved(call.token, *place) for call in analyse(text).calls}


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
        ("!Sub ['${X}', {X: !Ref Token}]", NOTIFY),
        ("!Join ['', ['arn:', !Ref AWS::Partition, '" + NOTIFY[7:] + "']]", NOTIFY),
        ("!FindInMap [Regions, !Ref AWS::Region, Notify]", NOTIFY),
        (f">-\n        {NOTIFY}", NOTIFY),
        ("!Ref Unknown", None),
        ("!Sub '${Unknown}'", None),
        ("!Sub '${Handle}'", "${Handle}"),
        ("!GetAtt Handle.Arn", "${Handle}"),
        ("!Join [':', [arn, !GetAtt Handle.Arn]]", "arn:${Handle}"),
        ("!Select [0, !Split [',', !GetAtt Handle.Arns]]", "${Handle}"),
        ("!Join [':', [arn, !Ref Unknown]]", None),
        ("!FindInMap [Regions, !Ref Unknown, Notify]", None),
        ("!FindInMap [Nothing, !Ref AWS::Region, Notify]", None),
        ("!ImportValue gatehouse", None),
        ("{Fn::ImportValue: gatehouse}", None),
        ("!GetAtt Function.Arn", None),
        ("!If [A, b, c]", "b"),
    ],
)
def test_a_service_token_is_read_or_said_to_be_unknown(written: str, means: str | None) -> None:
    assert tokens(yaml(written)) == {("Ask", REQUEST): means}


def test_all_that_a_parameter_allows_is_told() -> None:
    text = yaml("!Ref Token").replace(f"Default: {NOTIFY}", f"Default: {NOTIFY}\n    AllowedValues: [mine, '{NOTIFY}']")
    (call,) = analyse(text).calls
    assert (call.token, call.others) == (NOTIFY, ["mine"])
    (call,) = analyse(text.replace(f"    Default: {NOTIFY}\n", "")).calls
    assert call.tokens == ["mine", NOTIFY]
    (call,) = analyse(yaml(f"!If [A, '{NOTIFY}', !Ref Unknown]")).calls
    assert call.tokens == [NOTIFY, None]


def test_a_mapping_that_does_not_know_the_region_names_nothing() -> None:
    assert tokens(yaml("!FindInMap [Regions, !Ref AWS::Region, Notify]"), CHINA) == {("Ask", REQUEST): ""}


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("'42600'", 42600), ("43200", 43200), ("!Ref Seconds", 600), ("!Ref Unknown", None), ("soon", None)],
)
def test_a_timeout_is_read_or_said_to_be_unknown(written: str, seconds: int | None) -> None:
    assert analyse(yaml(NOTIFY, written)).waits == {"Wait": seconds}


def test_json_says_the_same() -> None:
    template = {
        "Parameters": {"Seconds": {"Type": "Number", "Default": 600}},
        "Resources": {
            "H": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
            "Ask": {"Type": REQUEST, "Properties": {"ServiceToken": {"Fn::Sub": NOTIFY}, "WaitUrl": {"Ref": "H"}}},
            "Wait": {
                "Type": "AWS::CloudFormation::WaitCondition",
                "Properties": {"Handle": {"Ref": "H"}, "Timeout": {"Ref": "Seconds"}},
            },
            "Receipt": {"Type": RECEIPT, "Properties": {"Data": {"Fn::GetAtt": ["Wait", "Data"]}}},
        },
    }
    analysis = analyse(json.dumps(template))
    assert tokens(json.dumps(template)) == {("Ask", REQUEST): NOTIFY, ("Receipt", RECEIPT): ""}
    assert analysis.waits == {"Wait": 600}
    assert analysis.inspection.gates


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_our_samples_are_read_as_they_are_meant(sample: Path) -> None:
    text = sample.read_text("utf-8")
    assert bool(analyse(text).inspection.gates) == (REQUEST in text)
    for (_name, kind), token in tokens(text).items():
        function = "gatehouse-notify" if kind == REQUEST else "gatehouse-verify"
        assert token == f"arn:aws:lambda:us-east-1:111122223333:function:{function}"


def test_pseudo_parameters_follow_the_partition() -> None:
    written = "!Sub arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:gatehouse-notify"
    (token,) = tokens(yaml(written), CHINA).values()
    assert token == "arn:aws-cn:lambda:cn-north-1:111122223333:function:gatehouse-notify"


@pytest.mark.parametrize("text", ["", "[]", "{}", "no template", '{"Resources": 3}', "- a\n- b\n"])
def test_what_is_no_template_says_so(text: str) -> None:
    assert analyse(text).bad


@given(st.text(max_size=400) | st.text(alphabet="Resources: \n{}[]'\"!|>-#ab", max_size=400))
def test_whatever_the_text_it_is_analysed_or_said_to_be_none(text: str) -> None:
    analysis = analyse(text)
    assert analysis.bad or analysis.inspection.resource_types or analysis.inspection.leaks
