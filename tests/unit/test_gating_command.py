"""`manage.py gate`, as a person or a CI job calls it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from tests.support.gating import BUCKET, HAND_MADE, gated
from tests.support.hospital import ROOT


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "product.yaml"
    path.write_bytes(BUCKET.replace("\n", "\r\n").encode())
    return path


def run(*arguments: object) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    out, err, status = io.StringIO(newline=""), io.StringIO(newline=""), 0
    try:
        call_command("gate", *map(str, arguments), stdout=out, stderr=err)
    except SystemExit as stop:
        status = int(stop.code or 0)
    except CommandError as error:
        status = error.returncode
        err.write(str(error))
    return status, out.getvalue(), err.getvalue()


def test_the_gated_template_goes_to_standard_output(template: Path) -> None:
    status, out, err = run(template)
    assert (status, out) == (0, gated(template.read_bytes()))
    assert "The other resources wait for ApprovalReceipt" in err
    assert template.read_bytes() == BUCKET.replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        (BUCKET, [], "made only after an approval."),
        ("Resources: []\n", [], ":1: Its Resources section is not a mapping"),
        (HAND_MADE.replace("DependsOn: WaitCondition\n", ""), ["--check"], "It waits for no gate."),
        (BUCKET, ["--timeout", "1"], "A timeout of 1 seconds is not possible"),
    ],
)
def test_it_speaks_english_in_every_language(template: Path, text: str, options: list[str], says: str) -> None:
    template.write_text(text)
    with translation.override("zh-hans"):
        _status, out, err = run(template, *options)
    assert says in out + err


def test_there_and_back_through_files(template: Path, tmp_path: Path) -> None:
    after, back = tmp_path / "new" / "gated.yaml", tmp_path / "back.yaml"
    after.parent.mkdir()
    assert run(template, "-o", after)[0] == 0
    assert run("--check", after) == (0, "", "")
    status, _out, err = run("--ungate", after, "-o", back)
    assert status == 0
    assert "the original, to the byte" in err
    assert back.read_bytes() == template.read_bytes()
    assert [path.name for path in after.parent.iterdir()] == ["gated.yaml"]


def test_over_the_input_only_when_told(template: Path, tmp_path: Path) -> None:
    status, _out, err = run(template, "--out-dir", tmp_path)
    assert status == 2
    assert "would be overwritten" in err
    template.chmod(0o640)
    assert run(template, "-o", template)[0] == 0
    assert b"ApprovalReceipt" in template.read_bytes()
    assert template.stat().st_mode & 0o777 == 0o640


def test_check_lists_what_leaks(template: Path, tmp_path: Path) -> None:
    leaky = tmp_path / "leaky.yaml"
    leaky.write_text(HAND_MADE + "  New: {Type: x}\n", "utf-8")
    status, out, _err = run("--check", template)
    assert (status, out) == (1, f"{template}:2: Bucket (AWS::S3::Bucket): The template has no gate.\n")
    status, out, _err = run("--check", leaky)
    assert (status, out.splitlines()[0]) == (1, f"{leaky}:23: New (x): It waits for no gate.")


def test_of_many_a_line_each_and_a_summary(template: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("nonsense", "utf-8")
    (tmp_path / "leaky.yaml").write_text(HAND_MADE + "  New: {Type: x}\n  Newer: {Type: x}\n", "utf-8")
    (tmp_path / "held.yaml").write_text(gated(BUCKET), "utf-8")
    status, out, err = run("--check", tmp_path)
    assert status == 2
    assert out.splitlines() == [
        f"{tmp_path}/held.yaml: held",
        f"{tmp_path}/leaky.yaml: leaks, 2 things are not held",
        f"{template}: leaks, 1 thing is not held",
    ]
    assert err.splitlines() == [
        f"{tmp_path}/bad.yaml:1: It is no CloudFormation template: there is no Resources section.",
        "4 templates: 2 leaks, 1 refused, 1 held",
        "The details of one: give it alone. Of all: give --report FILE.json.",
    ]
    assert len(run("--check", tmp_path, "--report", tmp_path / "report")[2].splitlines()) == 2
    rows = json.loads((tmp_path / "report").read_text("utf-8"))
    assert [len(row.get("found", [])) for row in rows] == [0, 0, 2, 1]


def test_a_gate_of_another_hand_among_many_is_a_line(template: Path, tmp_path: Path) -> None:
    (tmp_path / "leaky.yaml").write_text(HAND_MADE + "  New: {Type: x}\n", "utf-8")
    _status, _out, err = run(tmp_path, "--out-dir", tmp_path / "out")
    assert len(err.splitlines()) == 4
    assert f"{template}: gated" in err


def test_a_folder_that_is_not_there_is_made_by_out_dir_alone(template: Path, tmp_path: Path) -> None:
    status, _out, err = run(template, "-o", tmp_path / "nowhere" / "gated.yaml")
    assert status == 2
    assert f"there is no folder {tmp_path}/nowhere. Make it." in err
    assert not (tmp_path / "nowhere").exists()
    assert run(template, "--out-dir", tmp_path / "nowhere")[0] == 0


def test_check_says_what_a_classic_gate_leaves_open(template: Path, tmp_path: Path) -> None:
    assert "can end the wait themselves" in run(template, "--classic", "-o", tmp_path / "classic.yaml")[2]
    status, out, _err = run("--check", tmp_path / "classic.yaml")
    assert status == 0
    assert "can end the wait themselves" in out


def test_check_finds_a_stale_gate(tmp_path: Path) -> None:
    path = tmp_path / "stale.yaml"
    path.write_text(gated(BUCKET).replace("Timeout: 42600", "Timeout: 60"), "utf-8")
    status, out, _err = run("--check", path)
    assert status == 1
    assert "is stale" in out


def test_many_files_and_one_bad_one(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.yaml").write_text(BUCKET, "utf-8")
    (folder / "deep" / "b.json").write_text('{"Resources": {"A": {"Type": "x"}}}', "utf-8")
    (folder / "c.yml").write_text("nonsense", "utf-8")
    (folder / "d.template").write_text(HAND_MADE, "utf-8")
    (folder / ".github").mkdir()
    (folder / ".github" / "ci.yml").write_text("on: push", "utf-8")
    (folder / "readme.md").write_text("not looked at", "utf-8")
    status, _out, err = run(folder, "--out-dir", out, "--report", tmp_path / "report.json")
    assert status == 2
    assert "4 templates: 2 gated, 1 refused, 1 already" in err
    assert "c.yml:1: It is no CloudFormation template" in err
    report = {Path(row["file"]).name: row for row in json.loads((tmp_path / "report.json").read_text("utf-8"))}
    assert {name: row["verdict"] for name, row in report.items()} == {
        "a.yaml": "gated",
        "b.json": "gated",
        "c.yml": "refused",
        "d.template": "already",
    }
    assert report["b.json"]["output"] == str(out / "deep" / "b.json")
    assert report["c.yml"]["output"] is None
    assert all(row["milliseconds"] > 0 and set(row) >= {"reason", "notes"} for row in report.values())
    assert sorted(path.name for path in out.rglob("*") if path.is_file()) == ["a.yaml", "b.json", "d.template"]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["missing.yaml"], "missing.yaml: It cannot be read: No such file or directory."),
        (["{dir}"], "no template in"),
        (["{file}", "{file}", "-o", "x.yaml"], "would be written to one file"),
        (["{file}", "{other}"], "more than one template"),
        (["{file}", "--timeout", "5"], "not possible"),
        (["{file}", "--service-token", "x"], "not the ARN"),
        (["{file}", "--check", "-o", "x.yaml"], "writes no templates"),
        (["{file}", "--ungate"], "no gate of Gatehouse"),
        (["{file}", "--email-parameter", "Boss"], "no parameter Boss"),
    ],
)
def test_what_cannot_be_done_ends_with_two(arguments: list[str], what: str, template: Path, tmp_path: Path) -> None:
    other, empty = tmp_path / "other.yaml", tmp_path / "empty"
    other.write_text(BUCKET, "utf-8")
    empty.mkdir()
    status, out, err = run(*(one.format(dir=empty, file=template, other=other) for one in arguments))
    assert (status, out) == (2, "")
    assert what in err


def test_it_runs_where_there_is_no_desk(template: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    told = [sys.executable, str(ROOT / "manage.py"), "gate", str(template)]
    done = subprocess.run(told, capture_output=True, env=environment, check=False, cwd=template.parent)
    assert (done.returncode, done.stdout.decode()) == (0, gated(template.read_bytes()))
