"""Sentences that are made now and read later, in any language."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from django.utils import translation

from approvals.doctor.findings import safe
from portal.management.commands.translations import PACKAGES
from portal.phrases import Phrase, filled, headed, joined, listed, recalled

ROOT = Path(__file__).resolve().parents[2]
LEAK = Phrase(
    "%(name)s (%(type)s, line %(line)d) is not held: %(why)s",
    name="Later",
    type="AWS::SNS::Topic",
    line=7,
    why=Phrase("It waits for no gate."),
)


def test_a_phrase_is_read_in_the_language_that_is_active_then() -> None:
    assert str(LEAK) == "Later (AWS::SNS::Topic, line 7) is not held: It waits for no gate."
    with translation.override("zh-hans"):
        assert str(LEAK) == "Later（AWS::SNS::Topic，第 7 行）不会停下等待：它不等待任何关卡。"


def test_lists_are_joined_as_the_reader_s_language_does() -> None:
    needed = Phrase("The gate needs these, so they do not wait for it: %(names)s.", names=["A", "B"])
    many = Phrase("The gate needs these, so they do not wait for it: %(names)s.", names=listed(["A", "B", "C"], 2))
    assert str(needed).endswith(": A, B.")
    assert str(many).endswith(": A, B and 1 more.")
    assert (joined("ab"), headed("GH-1", "Approved")) == ("a, b", "GH-1: Approved")
    with translation.override("zh-hans"):
        assert str(needed).endswith("：A、B。")
        assert str(many).endswith("：A、B 及另外 1 个。")
        assert (joined("ab"), headed("GH-1", "已批准")) == ("a、b", "GH-1：已批准")


def test_what_is_kept_as_json_is_the_same_phrase_again() -> None:
    circle = Phrase("%(names)s", names=[LEAK, "a"], n=1)
    for phrase in (LEAK, circle):
        assert Phrase.from_kept(json.loads(json.dumps(phrase.kept()))) == phrase
    assert recalled(None) is recalled("") is None
    assert recalled(LEAK.kept()) == LEAK


def test_text_of_an_earlier_release_stands_for_itself() -> None:
    with translation.override("zh-hans"):
        assert str(Phrase.from_kept("It is 100% as %(it)s was.")) == "It is 100% as %(it)s was."
        assert str(Phrase.from_kept("")) == ""
        assert filled("", {"a": 1}) == ""


def test_text_of_an_earlier_release_is_made_safe_as_values_are() -> None:
    kept = "The key 'https://bucket.s3.amazonaws.com/x?X-Amz-Signature=abc123' is there a second time."
    said = str(safe(Phrase.from_kept(kept)))
    assert "is there a second time" in said
    assert "abc123" not in said


@pytest.mark.parametrize("facts", [{"other": "x"}, {"line": "no number"}])
def test_facts_that_do_not_fit_leave_the_sentence_as_it_stands(facts: dict[str, str]) -> None:
    assert str(Phrase("line %(line)d", **facts)) == "line %(line)d"


def test_every_phrase_can_be_collected_for_translation() -> None:
    """Its msgid stands where the phrase is made, or was written down as one before."""
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for call in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Phrase":
                    assert isinstance(call.args[0], ast.Constant | ast.Attribute | ast.Subscript), (
                        f"{path}:{call.lineno}"
                    )
