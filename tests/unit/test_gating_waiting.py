"""Every resource waits, however it is written, and nothing else changes."""

from __future__ import annotations

import json
import re

import pytest

from catalog.gating import inspect
from catalog.templates import BadTemplate
from tests.support.gating import BUCKET, added, gated, refused, tree, version


def waiting_for(text: str, name: str) -> object:
    return tree(text)["Resources"][name]["DependsOn"]


def test_a_diff_shows_only_the_gate() -> None:
    after = gated(BUCKET)
    v = version(after)
    assert f"    DependsOn: ApprovalReceipt{v}" in added(BUCKET, after)
    assert {line.strip().split(":")[0] for line in added(BUCKET, after) if line.startswith("  Approval")} == {
        f"ApprovalHandle{v}",
        f"ApprovalRequest{v}",
        f"ApprovalWait{v}",
        f"ApprovalReceipt{v}",
        "ApprovalReceipt",
    }


@pytest.mark.parametrize(
    ("written", "after"),
    [
        ("DependsOn: Other", "DependsOn: [{}, Other]"),
        ("DependsOn: 'Other'  # first", "DependsOn: [{}, 'Other']  # first"),
        ('DependsOn: "Other"', 'DependsOn: [{}, "Other"]'),
        ("DependsOn: [Other]", "DependsOn: [Other, {}]"),
        ("DependsOn: [ Other ]", "DependsOn: [ Other, {} ]"),
        ("DependsOn: []", "DependsOn: [{}]"),
        ("DependsOn: ['Other',\n      'Third']", "DependsOn: ['Other',\n      'Third',\n      {}]"),
        ("DependsOn:\n      - Other", "DependsOn:\n      - {}\n      - Other"),
        ("DependsOn:\n    - Other # c\n    - Third", "DependsOn:\n    - {}\n    - Other # c\n    - Third"),
        ("DependsOn:\n      # why\n      -   Other", "DependsOn:\n      # why\n      - {}\n      -   Other"),
        ("DependsOn:\n      Other", "DependsOn:\n      [{}, Other]"),
        ('"DependsOn" : Other', '"DependsOn" : [{}, Other]'),
    ],
)
def test_a_depends_on_keeps_its_form(written: str, after: str) -> None:
    others = "  Other:\n    Type: AWS::SNS::Topic\n  Third:\n    Type: AWS::SNS::Topic\n"
    text = gated(f"Resources:\n{others}  Bucket:\n    {written}\n    Type: AWS::S3::Bucket\n")
    assert after.format(f"ApprovalReceipt{version(text)}") in text


@pytest.mark.parametrize(
    "text",
    [
        "Resources:\n  Bucket:\n    Type: AWS::S3::Bucket",
        "Resources:\n    Bucket:\n            Properties: {}\n            Type: 'AWS::S3::Bucket' # last",
        "Resources: # here\n\n\n  # above\n  Bucket:   \n    Type:   AWS::S3::Bucket   \n",
        "Resources:\n  Bucket: {Type: AWS::S3::Bucket}\n",
        "Resources:\n  Bucket: {'Type': AWS::S3::Bucket, Properties: {BucketName: a}}\n",
        "Resources: {Bucket: {Type: AWS::S3::Bucket}, Other: {Type: AWS::SNS::Topic}}\n",
        "{Resources: {Bucket: {Type: AWS::S3::Bucket}}} # YAML in braces\n",
        "Resources:\n  Bucket:\n    Type:\n      AWS::S3::Bucket\n",
        "Resources:\n  Bucket:\n    Type: >-\n      AWS::S3::Bucket\n    Properties: {}\n",
        "%YAML 1.1\n---\nResources:\n  Bucket:\n    Type: AWS::S3::Bucket\n...\n",
        "--- # start\nResources:\n  Bucket:\n    Type: AWS::S3::Bucket\n",
        "Description: |\n  Resources:\n    Fake:\n      Type: x\nResources:\n  Bucket:\n    Type: AWS::S3::Bucket\n",
        "Metadata:\n  Emoji: 🚀 日本語\nResources:\n  Bucket: {Type: AWS::S3::Bucket, Properties: {Name: 🚀}}\n",
        '"Resources":\n  "Bucket":\n    "Type": "AWS::S3::Bucket"\n',
        "Resources:\n  Bucket:\n    Type: AWS::S3::Bucket\n\n# the end\n",
        "Parameters:\nResources:\n  Bucket:\n    Type: AWS::S3::Bucket\nOutputs:\n",
        "Parameters: {}\nResources:\n  Bucket:\n    Type: AWS::S3::Bucket\nOutputs: { }\n",
        "\nResources:\n  Bucket:\n    Type: AWS::S3::Bucket\n",
        "Outputs:\n  # nothing yet\nResources:\n  Bucket:\n    Type: AWS::S3::Bucket\n",
        "Outputs:\n# two\nResources:\n  Bucket:\n    Type: AWS::S3::Bucket\n",
        "  Resources:\n    Bucket:\n      Type: AWS::S3::Bucket\n",
        "Resources :\t\n  Bucket :\n    Metadata: |+\n      text\n\n\n    Type : AWS::S3::Bucket # last",
        "# one\n# two\nResources:\n  Bucket:\n    Type: AWS::S3::Bucket\n",
        "Conditions: {}\n\n# two\nResources:\n  Bucket:\n    Type: AWS::S3::Bucket\n",
        "Resources:\n  Bucket:\n    ? Type\n    : AWS::S3::Bucket\n  Other:\n    Type: AWS::SNS::Topic\n",
        "Resources:\n  Bucket:\n    Type: AWS::S3::Bucket\n    Metadata: |\n      text\n\n\n",
        f"Resources:\n  Bucket:\n    Type: AWS::S3::Bucket\n    Properties: {{BucketName: {'x' * 5000}}}\n",
    ],
    ids=range(27),
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_ways_to_write_yaml(text: str, newline: str, bom: bytes) -> None:
    if "? Type" in text:
        assert "product.yaml:" in refused(text)
        return
    after = gated(bom + text.replace("\n", newline).encode())
    assert after.count("\r\n") == (after.count("\n") if newline == "\r\n" else 0)
    assert f"ApprovalReceipt{version(after)}" in waiting_for(after, "Bucket")  # type: ignore[operator]


TREE = {
    "Parameters": {"Size": {"Type": "Number", "Default": 1}},
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Topic": {"DependsOn": "Bucket", "Type": "AWS::SNS::Topic"},
        "Queue": {"Type": "AWS::SQS::Queue", "DependsOn": ["Bucket", "Topic"], "Properties": {}},
        "Last": {"Type": "AWS::SQS::Queue", "DependsOn": []},
    },
}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(TREE),
        json.dumps(TREE, indent=2),
        json.dumps(TREE, indent=4).replace("\n", "\r\n"),
        json.dumps(TREE, indent="\t") + "\n",
        json.dumps(TREE, separators=(",", ":")),
        json.dumps(TREE, indent=2).replace('"Bucket": {', '"Bucket" :\n  {'),
        "\n\n" + json.dumps(TREE, indent=2),
    ],
    ids=["one line", "two", "four, CRLF", "tabs", "tight", "braces below", "lines before"],
)
def test_ways_to_write_json(text: str) -> None:
    after = gated(text)
    data, v = json.loads(after), version(after)
    assert {name: one["DependsOn"] for name, one in data["Resources"].items() if not name.startswith("Approval")} == {
        "Bucket": f"ApprovalReceipt{v}",
        "Topic": [f"ApprovalReceipt{v}", "Bucket"],
        "Queue": ["Bucket", "Topic", f"ApprovalReceipt{v}"],
        "Last": [f"ApprovalReceipt{v}"],
    }
    assert ("\n" in after) == ("\n" in text)


LOOPS = """\
Transform: AWS::LanguageExtensions
Resources:
  Fn::ForEach::Buckets:
    - Name
    - [A, B]
    - Bucket${Name}:
        Type: AWS::S3::Bucket
      Fn::ForEach::Topics:
        - Topic
        - !Ref Topics
        - Topic${Name}${Topic}:
            Type: AWS::SNS::Topic
            DependsOn: !Sub Bucket${Name}
      'Queue${Name}': {Type: AWS::SQS::Queue, DependsOn: Other}
      Last${Name}:
        Type: AWS::SQS::Queue
        DependsOn: Bucket${Name} # of this round
  Other:
    Type: AWS::SNS::Topic
"""


def test_what_loops_make_waits_too() -> None:
    text = LOOPS.replace("            DependsOn: !Sub Bucket${Name}\n", "")
    after = gated(text)
    release = f"ApprovalReceipt{version(after)}"
    body = tree(after)["Resources"]["Fn::ForEach::Buckets"][2]
    assert body["Bucket${Name}"]["DependsOn"] == release
    assert body["Queue${Name}"]["DependsOn"] == [release, "Other"]
    assert body["Last${Name}"]["DependsOn"] == ["Bucket${Name}", release]
    assert body["Fn::ForEach::Topics"][2]["Topic${Name}${Topic}"]["DependsOn"] == release


def test_a_depends_on_that_is_a_function_is_refused() -> None:
    assert refused(LOOPS).startswith("product.yaml:13: The DependsOn of Topic${Name}${Topic} is neither")


def test_a_shared_body_is_edited_once() -> None:
    text = "Resources:\n  A: &topic\n    Type: AWS::SNS::Topic\n  B: *topic\n"
    after = gated(text)
    assert waiting_for(after, "A") == waiting_for(after, "B") == f"ApprovalReceipt{version(after)}"


def test_a_body_that_merges_another_waits_for_itself() -> None:
    text = (
        "Resources:\n  A: &a\n    Type: x\n    DependsOn: C\n"
        "  B:\n    <<: *a\n    Type: x\n    DependsOn: A\n  C:\n    Type: x\n"
    )
    after = gated(text)
    receipt = f"ApprovalReceipt{version(after)}"
    assert (waiting_for(after, "A"), waiting_for(after, "B")) == ([receipt, "C"], [receipt, "A"])


def test_a_shared_body_that_stands_elsewhere_is_refused() -> None:
    text = "Metadata:\n  Base: &b\n    Type: x\nResources:\n  A: *b\n"
    said = "product.yaml:5: A is an alias of something written elsewhere. Write it out there. Wrap it: "
    assert refused(text).startswith(said)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("<<: {Transform: AWS::Serverless-2016-10-31}\nResources:\n  A:\n    Type: x\n", 1, "sections"),
        ("Base: &b {P: {Type: String}}\nParameters:\n  <<: *b\nResources:\n  A:\n    Type: x\n", 3, "parameters"),
        ("Base: &b {O: {Value: x}}\nOutputs:\n  <<: [*b]\nResources:\n  A:\n    Type: x\n", 3, "outputs"),
        ("Base: &b {Fn::Transform: {Name: M}}\nResources:\n  A:\n    <<: *b\n    Type: x\n", 3, "A a macro"),
    ],
)
def test_what_a_merge_key_brings_beside_resources_is_not_overlooked(text: str, line: int, what: str) -> None:
    said = f"A merge key (<<) brings {what}"
    reason = refused(text)
    assert reason.startswith(f"product.yaml:{line}: {said}"), reason
    with pytest.raises(BadTemplate, match=re.escape(said)):
        inspect(text.encode())


def test_a_shared_list_of_names_is_refused() -> None:
    text = (
        "Resources:\n  A:\n    Type: AWS::SNS::Topic\n"
        "  B:\n    Type: AWS::SNS::Topic\n    DependsOn: &names [A]\n"
        "  C:\n    Type: AWS::SNS::Topic\n    DependsOn: *names\n"
    )
    # An alias stands elsewhere than what it means: one of the two places has to be written out.
    said = "product.yaml:9: DependsOn is an alias of something written elsewhere. Write it out there. Wrap it: "
    assert refused(text).startswith(said)


@pytest.mark.parametrize(
    "text",
    [
        "Resources:\n  A:\n    Type: &t AWS::SNS::Topic\n  B:\n    Type: *t\n",
        "Base: &b {DependsOn: A}\nResources:\n  A:\n    Type: x\n  B:\n    <<: *b\n    Type: x\n",
        "Base: &b {Type: AWS::SNS::Topic}\nResources:\n  A:\n    <<: *b\n",
        "Base: &b {A: {Type: AWS::SNS::Topic}}\nResources:\n  <<: *b\n  B:\n    Type: AWS::SNS::Topic\n",
        "Resources:\n  A:\n    Type: AWS::SNS::Topic\n    DependsOn:\n",
        "Resources:\n  A:\n    Type: AWS::SNS::Topic\n    DependsOn: {Ref: B}\n",
        "Resources:\n  A:\n    Type: AWS::SNS::Topic\n    DependsOn: [[B]]\n",
    ],
)
def test_what_cannot_be_edited_safely_is_refused_with_its_line(text: str) -> None:
    reason = refused(text)
    assert reason.startswith("product.yaml:")
    assert "last check" not in reason
