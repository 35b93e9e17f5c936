"""What holds and what does not, in gates of ours and of others."""

from __future__ import annotations

import json

import pytest

from catalog.gating import Inspection, Opening, Part, Verdict, Why, inspect
from tests.support.gating import BUCKET, HAND_MADE, gated, outcome, refused, tree
from tests.support.hospital import ROOT

SAMPLE = (ROOT / "lambdas" / "samples" / "wordpress.yaml").read_text("utf-8")


def leaks(text: str) -> dict[str, Why]:
    return {leak.logical_id: leak.why for leak in inspect(text.encode()).leaks}


def test_our_samples_hold() -> None:
    found = inspect(SAMPLE.encode())
    assert found.is_gated
    (gate,) = found.gates
    assert (gate.kind, gate.release, gate.is_ours, gate.stale) == ("receipt", "ApprovalReceiptV1", False, None)
    assert (gate.timeout, gate.service_timeout, gate.email, gate.gate_updates) == (
        "42600",
        3600,
        {"Ref": "UserEmail"},
        True,
    )
    assert found.no_echo == ["DBPassword"]
    assert found.not_fed == []


def test_what_is_found_survives_as_json() -> None:
    for text in (SAMPLE, HAND_MADE, BUCKET, gated(BUCKET)):
        found = inspect(text.encode())
        assert Inspection.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_without_a_gate_everything_leaks() -> None:
    assert leaks(BUCKET) == {"Bucket": Why.NO_GATE}


def test_a_resource_that_waits_for_a_waiting_one_is_held() -> None:
    text = HAND_MADE + "  Topic:\n    Type: AWS::SNS::Topic\n    Properties: {Name: !Sub '${Bucket}'}\n"
    assert leaks(text) == {}


@pytest.mark.parametrize(
    ("resource", "why"),
    [
        ("{Type: x}", Why.NOT_WAITING),
        ("{Type: x, DependsOn: NotificationFunction}", Why.NOT_WAITING),
        ("{Type: x, Properties: {A: !If [IsOn, !Ref Bucket, b]}}", Why.NOT_WAITING),
        ("{Type: x, Metadata: {A: !Ref Bucket}}", Why.NOT_WAITING),
        ("{Type: x, Properties: {A: !Sub '${!Bucket}'}}", Why.NOT_WAITING),
        ("{Type: x, Properties: {A: !Sub ['${Bucket}', {Bucket: b}]}}", Why.NOT_WAITING),
        ("{Type: x, DependsOn: Maybe}", Why.CONDITION),
        ("{Type: x, Condition: Other, DependsOn: Maybe}", Why.CONDITION),
    ],
)
def test_what_is_not_surely_held_leaks(resource: str, why: Why) -> None:
    text = (
        "Conditions: {IsOn: !Equals [a, b], Other: !Equals [a, c]}\n"
        f"{HAND_MADE}  Maybe: {{Type: x, Condition: IsOn, DependsOn: WaitCondition}}\n  New: {resource}\n"
    )
    assert leaks(text) == {"New": why}


def test_under_the_same_condition_it_is_held() -> None:
    text = (
        "Conditions: {IsOn: !Equals [a, b]}\n"
        f"{HAND_MADE}  Maybe: {{Type: x, Condition: IsOn, DependsOn: WaitCondition}}\n"
        "  New: {Type: x, Condition: IsOn, DependsOn: Maybe}\n"
    )
    assert leaks(text) == {}


def test_who_waits_for_the_wait_condition_alone_goes_past_the_receipt() -> None:
    text = SAMPLE.replace("DependsOn: ApprovalReceiptV1", "DependsOn: ApprovalWaitV1")
    assert leaks(text)["WebSecurityGroup"] is Why.NO_RECEIPT


@pytest.mark.parametrize("count", ["0", "'0'", "!Ref Number", "-1"])
def test_a_wait_condition_that_may_count_to_nothing_holds_nothing(count: str) -> None:
    text = HAND_MADE.replace("      Timeout:", f"      Count: {count}\n      Timeout:")
    assert leaks(text) == {"Bucket": Why.COUNT}
    assert inspect(text.encode()).openings[0].part is Part.COUNT


def test_a_gate_under_a_condition_is_no_gate_for_the_others() -> None:
    text = "Conditions: {IsOn: !Equals [!Ref UserEmail, b]}\n" + HAND_MADE.replace(
        "    Type: AWS::CloudFormation::WaitCondition\n",
        "    Type: AWS::CloudFormation::WaitCondition\n    Condition: IsOn\n",
    )
    assert leaks(text) == {"Bucket": Why.CONDITION}
    assert inspect(text.encode()).openings == [Opening(Part.CONDITION, "WaitCondition", ["UserEmail"])]


@pytest.mark.parametrize(
    ("token", "parameters"),
    [
        ("!Ref Typed", ["Typed"]),
        ("!Sub 'arn:aws:lambda:${AWS::Region}:${Typed}:function:x'", ["Typed"]),
        ("!Join ['', [a, !Ref Typed]]", ["Typed"]),
        ("!If [IsOn, !Ref Typed, b]", ["Typed"]),
        ("!Ref Pinned", None),
        ("!FindInMap [Map, !Ref Typed, b]", None),
        ("!ImportValue a", None),
    ],
)
def test_a_token_the_requester_can_type_is_named(token: str, parameters: list[str] | None) -> None:
    text = HAND_MADE.replace("arn:aws:lambda:us-east-1:111122223333:function:approval", token).replace(
        "Parameters:\n", "Parameters:\n  Typed: {Type: String}\n  Pinned: {Type: String, AllowedValues: [a]}\n"
    )
    openings = inspect(text.encode()).openings
    assert openings == ([Opening(Part.TOKEN, "NotificationFunction", parameters)] if parameters else [])


def test_nested_stacks_are_pinned_or_not() -> None:
    urls = {
        "A": "https://b.s3.amazonaws.com/t.yaml?versionId=abc",
        "B": "https://b.s3.amazonaws.com/t.yaml",
        "C": "!Sub 'https://b.s3.amazonaws.com/${AWS::Region}.yaml?versionId=a'",
        "D": "!Ref Url",
    }
    nested = "".join(
        f"  {name}:\n    Type: AWS::CloudFormation::Stack\n    Properties:\n      TemplateURL: {url}\n"
        for name, url in urls.items()
    )
    children = inspect(f"Resources:\n{nested}".encode()).children
    assert {one.logical_id: one.pinned for one in children} == {"A": True, "B": False, "C": False, "D": False}
    assert all(bool(one.why) != one.pinned for one in children)


def test_a_gate_beside_a_macro_leaks() -> None:
    found = inspect(("Transform: AWS::Serverless-2016-10-31\n" + HAND_MADE).encode())
    assert str(found.cannot).startswith("template:1: The transform AWS::Serverless-2016-10-31")
    assert [(leak.logical_id, leak.why) for leak in found.leaks] == [("Transform", Why.MACRO)]


def test_resources_a_macro_writes_leak() -> None:
    found = inspect(b"Resources: !Transform {Name: Mine}\n")
    assert [(leak.logical_id, leak.why) for leak in found.leaks] == [("Transform", Why.MACRO)]


def test_a_loop_that_does_not_wait_leaks() -> None:
    text = (
        HAND_MADE
        + "  Fn::ForEach::A:\n    - X\n    - [a]\n    - B${X}: {Type: x}\n      C${X}: {Type: x, DependsOn: Bucket}\n"
    )
    assert leaks(text) == {"B${X}": Why.NOT_WAITING}


def test_a_gate_written_by_hand_is_recognised_and_left_alone() -> None:
    result = outcome(HAND_MADE)
    assert (result.verdict, result.output) == (Verdict.ALREADY, HAND_MADE.encode())
    assert "written by hand" in result.reason
    leaky = outcome(HAND_MADE + "  New: {Type: x}\n")
    assert leaky.verdict is Verdict.ALREADY
    assert "New (x, line 23) is not held: It waits for no gate." in map(str, leaky.notes)


def test_a_gate_written_by_hand_is_replaced_on_request() -> None:
    result = outcome(HAND_MADE, upgrade=True)
    assert result.verdict is Verdict.GATED
    assert result.output is not None
    rest = "Parameters:\n  UserEmail:\n    Type: String\nResources:\n  Bucket:\n    Type: AWS::S3::Bucket\n"
    assert result.output.decode() == gated(rest)


@pytest.mark.parametrize("indent", [None, 2])
def test_an_upgrade_of_json_takes_the_outputs_of_the_gate_along(indent: int | None) -> None:
    data = tree(HAND_MADE)
    data["Outputs"] = {"A": {"Value": "a"}, "Data": {"Value": {"Fn::GetAtt": ["WaitCondition", "Data"]}}}
    data["Resources"]["Bucket"]["DependsOn"] = ["WaitCondition"]
    result = outcome(json.dumps(data, indent=indent), upgrade=True)
    assert result.output is not None, result.reason
    after = json.loads(result.output)
    assert set(after["Outputs"]) == {"A", "ApprovalReceipt"}
    assert len(after["Resources"]) == 5


def test_an_upgrade_of_our_samples() -> None:
    for sample in ("wordpress.yaml", "wordpress-classic.yaml", "data-sandbox.yaml"):
        result = outcome((ROOT / "lambdas" / "samples" / sample).read_text("utf-8"), upgrade=True)
        assert result.verdict is Verdict.GATED, result.reason
        assert result.output is not None
        found = inspect(result.output)
        assert found.is_gated
        assert len(found.gates) == 1


def test_an_upgrade_that_something_else_needs_is_refused() -> None:
    text = HAND_MADE + "  New: {Type: x, Properties: {Data: !GetAtt WaitCondition.Data}}\n"
    assert "New refers to WaitCondition, a part of the gate" in refused(text, upgrade=True)
