"""cfn-lint in its own process: what it says, what it is not told, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from catalog.reading.lint import NotLinted, lint
from catalog.reading.stack import gate_parts
from catalog.templates import plain, read
from tests.support.reading import document, one
from tests.support.run import ROOT


def said(level: str, *path: str) -> dict[str, Any]:
    rule = {"Id": "E1", "ShortDescription": "Title"}
    return {"Level": level, "Rule": rule, "Message": "Sentence", "Location": {"Path": list(path)}}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What cfn-lint prints, and what it was given."""
    answers: list[dict[str, Any]] = []

    def run(_command: list[str], **given: Any) -> Any:
        asked.update(given)
        return subprocess.CompletedProcess(_command, 4, stdout=json.dumps(answers).encode(), stderr=b"")

    monkeypatch.setattr(subprocess, "run", run)
    return answers


asked: dict[str, Any] = {}


def test_a_mistake_is_found_with_its_resource() -> None:
    wrong = document(one("AWS::SNS::Topic", DisplayNam="x"))
    assert [(remark.level, remark.resource) for remark in lint(wrong, "us-east-1")] == [("Error", "Thing")]


def test_errors_come_first_and_information_not_at_all(answers: list[dict[str, Any]]) -> None:
    answers += [said("Warning", "Resources", "A"), said("Informational"), said("Error", "Parameters", "P")]
    remarks = lint(document(one("A::B::C")), "us-east-1")
    assert [(remark.level, remark.resource) for remark in remarks] == [("Error", ""), ("Warning", "A")]


def test_nothing_is_said_of_the_gate_and_of_secrets(answers: list[dict[str, Any]]) -> None:
    gated = read((ROOT / "lambdas" / "samples" / "wordpress.yaml").read_bytes())
    gate = gate_parts(plain(gated.root)["Resources"])
    assert len(gate) == 4
    answers += [
        *(said("Error", "Resources", name) for name in gate),
        said("Error", "Resources", "Db", "Properties", "MasterUserPassword"),
        said("Error", "Parameters", "P", "Default"),
    ]
    assert lint(gated, "us-east-1") == []


def test_it_gets_no_secrets_of_ours_and_no_settings_of_theirs(
    answers: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    settings = {"cfn-lint": {"config": {"append_rules": ["/tmp/evil"]}}, "Other": 1}
    lint(document(one("A::B::C", {"Metadata": settings}), Metadata=settings), "us-east-1")
    assert set(asked["env"]) == {"PATH", "HOME", "LANG"}
    given = json.loads(asked["input"])
    assert given["Metadata"] == given["Resources"]["Thing"]["Metadata"] == {"Other": 1}
    assert not os.path.exists(asked["cwd"])  # noqa: PTH110 - a text is what was given


def test_its_time_is_limited() -> None:
    with pytest.raises(NotLinted, match="too slow"):
        lint(document(one("A::B::C")), "us-east-1", seconds=0.05)


def test_what_it_prints_may_be_nonsense(answers: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    nonsense = subprocess.CompletedProcess([], 1, stdout=b"Traceback", stderr=b"")
    monkeypatch.setattr(subprocess, "run", lambda *_a, **_k: nonsense)
    with pytest.raises(NotLinted, match="exit 1"):
        lint(document(one("A::B::C")), "us-east-1")
