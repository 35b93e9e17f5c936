"""Ways past a gate that somebody tried, and templates that were meant to break the reader."""

from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.gating import Part, Verdict, Why, gate, inspect
from tests.support.gating import BUCKET, HAND_MADE, gated, outcome, refused, tree

ARN = "arn:aws:lambda:us-east-1:111122223333:function:approval"
KEY = "Parameters:\n  K: {Type: String}\n"
URL = "https://b.s3.eu-west-1.amazonaws.com/{sha256}.yaml?versionId=a"
FUNCTION = "  Fn:\n    Type: AWS::Lambda::Function\n    Properties: {Code: {S3Bucket: b, S3Key: !Ref K}}\n"
TOKEN = '{"Fn::GetAtt": ["Fn", "Arn"]}'


def request(line: str) -> str:
    """The gate written by hand, with one more line in its request."""
    return HAND_MADE.replace("      WaitUrl", f"{line}      WaitUrl")


def run(*arguments: object) -> tuple[int, str]:
    out, status = io.StringIO(), 0
    try:
        call_command("gate", *map(str, arguments), stdout=out, stderr=out)
    except SystemExit as stop:
        status = int(stop.code or 0)
    except CommandError as error:
        status = error.returncode
        out.write(str(error))
    return status, out.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        request("      Id: !Ref Instance\n"),
        HAND_MADE.replace("    Type: Custom::Not", "    DependsOn: Instance\n    Type: Custom::Not"),
    ],
)
def test_what_the_gate_waits_for_leaks(text: str) -> None:
    found = inspect(f"{text}  Instance: {{Type: 'AWS::EC2::Instance'}}\n".encode())
    assert [(one.logical_id, one.why) for one in found.leaks] == [("Instance", Why.NEEDED)]


def test_a_function_of_ours_that_waits_for_data_is_refused() -> None:
    text = f"{BUCKET}  Fn: {{Type: AWS::Lambda::Function, DependsOn: Bucket}}\n"
    assert "waits for Bucket" in refused(text, service_token=TOKEN)


def test_what_makes_the_function_may_not_be_a_parameter() -> None:
    text = HAND_MADE.replace(ARN, "!GetAtt Fn.Arn").replace("Parameters:\n", KEY) + FUNCTION
    assert [(one.part, one.parameters) for one in inspect(text.encode()).openings] == [(Part.TOKEN, ["K"])]
    assert "takes the parameter K" in refused(KEY + BUCKET + FUNCTION, service_token=TOKEN)


def test_who_gets_the_url_can_end_the_wait() -> None:
    text = f"{HAND_MADE}  Other: {{Type: x, DependsOn: WaitCondition, Properties: {{Url: !Ref WaitHandle}}}}\n"
    assert [(one.part, one.logical_id) for one in inspect(text.encode()).openings] == [(Part.SIGNAL, "Other")]


def test_a_receipt_is_checked_against_this_gate() -> None:
    properties = f"{{ServiceToken: '{ARN}', Data: !GetAtt WaitCondition.Data, Fingerprint: !Ref UserEmail}}"
    text = f"{HAND_MADE}  R: {{Type: Custom::ApprovalReceipt, Properties: {properties}}}\n"
    assert [(one.part, one.parameters) for one in inspect(text.encode()).openings] == [(Part.PROOF, ["UserEmail"])]


def test_updates_and_counts_that_may_be_switched_off() -> None:
    openings = inspect(request("      GateUpdates: !Ref UserEmail\n").encode()).openings
    assert [(one.part, one.parameters) for one in openings] == [(Part.UPDATES, ["UserEmail"])]
    text = HAND_MADE.replace("    DependsOn: NotificationFunction\n", "    CreationPolicy: {}\n")
    assert {one.why for one in inspect(text.encode()).leaks} == {Why.COUNT}


def test_a_leaking_gate_that_is_there_already_ends_with_two(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(HAND_MADE + "  New: {Type: x}\n", "utf-8")
    status, said = run(path)
    assert (status, "New (x): It waits for no gate." in said) == (2, True)
    path.write_text("Transform: AWS::Serverless-2016-10-31\n" + HAND_MADE, "utf-8")
    status, said = run(path)
    assert (status, "The transform AWS::Serverless" in said) == (2, True)


def test_a_handle_in_a_loop_ends_no_loop_of_ours() -> None:
    text = (
        "Transform: AWS::LanguageExtensions\nResources:\n  B: {Type: x}\n  Fn::ForEach::L:\n    - X\n    - [a]\n"
        "    - ApprovalHandle0123456789:\n        Type: AWS::CloudFormation::WaitConditionHandle\n"
        "        Metadata: {Gatehouse: {Template: x, Added: []}}\n"
    )
    assert gated(text)


@pytest.mark.parametrize("number", ["9" * 5000, "1e999"])
def test_numbers_nobody_can_count(number: str) -> None:
    assert outcome(f"{BUCKET}    Properties: {{N: {number}}}\n").verdict is Verdict.GATED


def test_a_wrapper_keeps_numbers_as_they_were_written() -> None:
    parameters = "Parameters:\n  A: {Type: String, Default: 3.10, AllowedValues: [3.10, 1e3, 1_000, +5]}\n  N:\n"
    rules = "Rules:\n  R: {Assertions: [{Assert: !Equals [!Ref S, x]}]}\n"
    ssm = "    Type: String\n    Default:\n  S: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /a}\n"
    result = outcome(f"Transform: M\n{parameters}{ssm}{rules}{BUCKET}", wrap=URL)
    assert result.verdict is Verdict.WRAPPED, result.reason
    text = (result.output or b"").decode()
    assert "Default: 3.10\n" in text
    assert all(one in text for one in ("3.10", "1e3", "1_000", "+5", "Default: null"))
    assert "Rules" not in tree(text)
    assert any("These rules look at values kept in SSM" in str(note) for note in result.notes)


def test_names_that_loops_put_together() -> None:
    text = (
        "Transform: AWS::LanguageExtensions\nResources:\n  Fn::ForEach::L:\n    - X\n    - [a]\n"
        "    - B${X}: {Type: x}\n      C${X}:\n        Type: x\n        DependsOn:\n          - !Sub B${X}\n"
    )
    assert gated(text)
    alone = text.replace("DependsOn:\n          - !Sub", "DependsOn: !Sub")
    assert "Wrap it" in refused(alone)
    assert outcome(alone, wrap=URL).verdict is Verdict.WRAPPED


def test_small_things_with_a_line() -> None:
    assert "is empty: remove it" in refused(f"{BUCKET}    DependsOn:\n")
    assert "has the tag !x" in refused(f"{BUCKET}    !x Metadata: a\n")
    assert gated('{"Transform": null, "Resources": {"A": {"Type": "x"}}}')


def test_reports_and_names(tmp_path: Path) -> None:
    path = tmp_path / "A.YAML"
    path.write_text(BUCKET, "utf-8")
    out = tmp_path / "out"
    assert run(path, "--out-dir", out, "--report", path)[0] == 2
    assert run(path, "--out-dir", out, "--report", tmp_path)[0] == 2
    assert not out.exists()
    strange = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.yaml"))
    strange.write_text(BUCKET, "utf-8")
    assert run(tmp_path, "--out-dir", out, "--report", tmp_path / "r.json")[0] == 0
    assert len(json.loads((tmp_path / "r.json").read_text("utf-8"))) == 2
    status, said = run(path, "-o", path / "x.yaml")
    assert (status, f"{path / 'x.yaml'} cannot be written" in said) == (2, True)


def test_many_gates_on_one_handle_take_no_time() -> None:
    many = {"H": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
    for n in range(120):
        many[f"N{n}"] = {"Type": "Custom::NotificationFunction", "Properties": {"WaitUrl": {"Ref": "H"}}}  # type: ignore[dict-item]
        many[f"W{n}"] = {"Type": "AWS::CloudFormation::WaitCondition", "Properties": {"Handle": {"Ref": "H"}}}  # type: ignore[dict-item]
    start = time.process_time()
    assert gate(json.dumps({"Resources": many}).encode()).verdict is Verdict.ALREADY
    assert time.process_time() - start < 5
