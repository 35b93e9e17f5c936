"""What is not gated, said in one sentence with file and line, and nothing written."""

from __future__ import annotations

import json
import time

import pytest

from catalog.gating import Options, Verdict, gate
from tests.support.gating import BUCKET, gated, outcome, refused, tree, version

DEEP = "Resources:\n  A:\n    Type: x\n    Properties: " + "[" * 5000 + "]" * 5000 + "\n"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (b"", 1, "empty"),
        (b"[]", 1, "no Resources"),
        (b"just text", 1, "no Resources"),
        (b"Resources: []\n", 1, "not a mapping"),
        (b"Resources:\n", 1, "not a mapping"),
        (BUCKET.encode("utf-16"), 1, "UTF-16"),
        (BUCKET.encode("utf-32"), 1, "UTF-16 or UTF-32"),
        (b"Resources:\n\tBucket:\n", 2, "tab"),
        (b"Resources:\n  A:\n    Type: \xff\n", 3, "not UTF-8"),
        (b"Resources:\n  A:\n    Type: x\n  A:\n    Type: y\n", 4, "a second time"),
        (b'{"Resources": {"A": {"Type": "x"}, "A": {"Type": "y"}}}', 1, "a second time"),
        (b'{"Resources": {"A": {"Type": "x"}}', 1, "ends too early"),
        (b"Resources:\n  A:\n    Properties: {}\n", 2, "has no Type"),
        (b"Resources:\n  A:\n    Type: {Ref: B}\n", 3, "has no Type"),
        (b"Resources:\n  A: text\n", 2, "not a mapping"),
        (b"Resources:\n  A-B:\n    Type: x\n", 2, "no logical id"),
        (b"Resources:\n  A:\n    Type: x\n---\nResources:\n", 5, "second document"),
        (b"Hooks:\n  A: {}\nResources:\n  A:\n    Type: x\n", 1, "Hooks"),
        (b"Resources:\n  Fn::ForEach::A: {}\n", 2, "is not a list of"),
        (DEEP.encode(), 4, "deeper than"),
        ((BOMB + BUCKET).encode(), 6, "aliases written out"),
        (b"Parameters: []\nResources:\n  A:\n    Type: x\n", 1, "not a mapping"),
        (b"Outputs: text\nResources:\n  A:\n    Type: x\n", 1, "not a mapping"),
        (b"Parameters: ~\nResources:\n  A:\n    Type: x\n", 1, "is null, which CloudFormation does not take"),
        (b"Resources:\n  A:\n    Type: x\nOutputs: null\n", 4, "Delete the line"),
        (b'{"Parameters": null, "Resources": {"A": {"Type": "x"}}}', 1, "Delete the line"),
    ],
    ids=range(26),
)
def test_bad_templates(text: bytes, line: int, what: str) -> None:
    reason = refused(text)
    assert reason.startswith(f"product.yaml:{line}: "), reason
    assert what in reason


def test_a_megabyte_of_nested_lists_is_refused_at_once() -> None:
    data = b"Resources:\n  A:\n    Type: x\n    Properties: " + b"[" * 500_000 + b"]" * 500_000
    start = time.process_time()
    assert "deeper than" in refused(data)
    assert time.process_time() - start < 5


def test_a_circle_is_named_with_its_lines() -> None:
    text = (
        "Resources:\n  A:\n    Type: x\n    DependsOn: B\n"
        "  B:\n    Type: x\n    Properties: {Name: !Sub '${C.Arn}'}\n  C:\n    Type: x\n    DependsOn: [A]\n"
    )
    assert refused(text) == (
        "product.yaml:2: Its resources wait for each other in a circle (A → B → C → A; A in line 2, B in line 5, "
        "C in line 8). Cut it at one of them."
    )


def test_a_circle_that_conditions_may_open_is_no_circle() -> None:
    text = (
        "Conditions: {IsOn: !Equals [a, b]}\nResources:\n"
        "  A:\n    Type: x\n    Properties: {Name: !If [IsOn, !Ref B, c]}\n"
        "  B:\n    Type: x\n    Properties: {Name: !If [IsOn, c, !Ref A]}\n"
    )
    assert gated(text)


def test_a_logical_id_of_ours_that_is_another_resource_is_refused() -> None:
    # Whoever has such an id has it by chance: it is made of the template's own hash, so the template is changed for it.
    v = version(gated(BUCKET))
    text = f"{BUCKET}  ApprovalWait{v}:\n    Type: AWS::SNS::Topic\n"
    assert gated(text)


def test_a_handle_that_only_looks_like_ours_is_a_resource_like_others() -> None:
    text = f"{BUCKET}  ApprovalHandle0123456789:\n    Type: AWS::CloudFormation::WaitConditionHandle\n"
    assert tree(gated(text))["Resources"]["ApprovalHandle0123456789"]["DependsOn"]


def test_496_resources_are_gated_and_497_are_too_many() -> None:
    many = "".join(f"  R{n}: {{Type: 'AWS::SNS::Topic'}}\n" for n in range(497))
    assert "With the gate it would have 501 resources; the limit is 500. Wrap it" in refused(f"Resources:\n{many}")
    assert gated("Resources:\n" + many.replace("  R0: {Type: 'AWS::SNS::Topic'}\n", ""))


def test_a_template_that_grows_too_large_is_refused_with_a_way_out() -> None:
    body = f"{BUCKET}    Metadata:\n      Text: {'x' * (1_048_576 - 120)}\n"
    assert "With the gate it would have more than 1,048,576 bytes. Wrap it" in refused(body)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Transform: AWS::Serverless-2016-10-31\n" + BUCKET, 1),
        ("Transform: [AWS::LanguageExtensions, Mine]\n" + BUCKET, 1),
        ("Transform:\n  Name: AWS::Include\n  Parameters: {Location: s3://a}\n" + BUCKET, 2),
        ("Fn::Transform: {Name: Mine}\n" + BUCKET, 1),
        ("Resources:\n  Fn::Transform: {Name: AWS::Include}\n  A:\n    Type: x\n", 2),
        ("Resources:\n  A:\n    Fn::Transform: {Name: Mine}\n", 2),
        ("Resources:\n  A: !Transform {Name: Mine}\n", 2),
        ("Resources: !Transform {Name: Mine}\n", 1),
        ("Resources:\n  A:\n    Type: My::Own::Thing::MODULE\n", 2),
        ("Resources:\n  A:\n    Type: AWS::Serverless::Function\n", 2),
        (
            "Resources:\n  Fn::ForEach::A:\n    - X\n    - [a]\n    - B${X}:\n        Fn::Transform: {Name: Mine}\n",
            5,
        ),
    ],
    ids=range(11),
)
def test_what_macros_write_is_refused_with_the_way_out(text: str, line: int) -> None:
    reason = refused(text)
    assert reason.startswith(f"product.yaml:{line}: "), reason
    assert reason.endswith("with {sha256} in its key and a versionId.")


def test_an_include_inside_properties_makes_no_resources() -> None:
    text = "Resources:\n  A:\n    Type: x\n    Properties:\n      Fn::Transform: {Name: AWS::Include}\n"
    assert gated(text)


def test_a_failed_last_check_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from catalog.gating import building

    monkeypatch.setattr(building, "wait", lambda *_args: None)
    reason = refused(BUCKET)
    assert reason.startswith("product.yaml:1: The gated template failed its last check (Bucket is not held)")


def test_a_gate_that_was_damaged_is_written_anew() -> None:
    before = gated(BUCKET)
    start = before.index("  ApprovalWait")
    damaged = before[:start] + before[before.index("  ApprovalReceipt", start + 20) :]
    assert outcome(damaged).output == before.encode()


def test_json_stays_json() -> None:
    result = gate(json.dumps({"Resources": {"A": {"Type": "x"}}}).encode(), Options())
    assert result.verdict is Verdict.GATED
    assert json.loads(result.output or b"")
