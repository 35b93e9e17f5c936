"""What a version's gate is worth, and what is open at a product."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from django.utils import translation

from catalog.coverage import Analysis, Risk, Verdict, analyse, open_doors
from catalog.coverage.doors import risk_of, risk_of_product
from catalog.coverage.reasons import MOST_NAMES, Because, Reason
from catalog.coverage.verdicts import Facts, Judgement, judge
from catalog.gating import Inspection, Opening, Options, Part, gate
from catalog.models import Product, Version
from tests.support.hospital import ROOT

HERE: dict[str, Any] = {"account": "111122223333", "region": "eu-west-1"}
PLAIN = """\
Parameters:
  Size:
    Type: String
  Secret:
    Type: String
    NoEcho: true
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Ref Size
  Topic:
    Type: AWS::SNS::Topic
"""
OWN = """\
Resources:
  Mine:
    Type: AWS::Lambda::Function
  Queue:
    Type: AWS::SQS::Queue
"""
STACK_SET = """\
Resources:
  Everywhere:
    Type: AWS::CloudFormation::StackSet
    Properties:
      TemplateURL: https://bucket.s3.amazonaws.com/child.yaml
"""
STACK_SET_BODY = STACK_SET.replace("TemplateURL: https://bucket.s3.amazonaws.com/child.yaml", "TemplateBody: '{}'")
NOTHING_HIDDEN = PLAIN.replace("    NoEcho: true\n", "")
NESTED = """\
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: https://bucket.s3.amazonaws.com/child.yaml
"""
HOOKS = PLAIN + "Hooks:\n  H:\n    Type: AWS::CodeDeploy::BlueGreen\n"


def gated(text: str = NOTHING_HIDDEN, **options: Any) -> str:
    result = gate(text.encode(), Options(**options))
    assert result.output is not None, result.reason
    return result.output.decode()


def judged(text: str, **facts: Any) -> Judgement:
    return judge(Facts(True, **HERE, analysis=analyse(text), has_template=True, **facts))


def codes(judgement: Judgement) -> list[str]:
    return [reason.because.value for reason in judgement.reasons]


FOREIGN = "arn:aws:lambda:eu-west-1:999999999999:function:gatehouse-notify"
TABLE: dict[str, tuple[str, Verdict, list[str]]] = {
    "a gate of ours": (gated(), Verdict.RECEIPT, []),
    "with a hidden parameter": (gated(PLAIN), Verdict.RECEIPT, ["no_echo"]),
    "without receipt": (gated(classic=True), Verdict.CLASSIC, ["classic"]),
    "updates are not held": (gated(gate_updates=False), Verdict.UPDATES_OPEN, ["updates_off"]),
    "no gate": (PLAIN, Verdict.UNGATED, ["no_gate"]),
    "no gate is possible": (HOOKS, Verdict.IMPOSSIBLE, ["cannot"]),
    "something does not wait": (
        gated() + "  Later:\n    Type: AWS::SNS::Topic\n",
        Verdict.PARTIAL,
        ["leak", "stale"],
    ),
    "changed since it was gated": (
        gated().replace("QueueName: !Ref Size", "QueueName: !Sub '${Size}-2'"),
        Verdict.UPDATES_OPEN,
        ["stale"],
    ),
    "a child that can be exchanged": (gated(NESTED), Verdict.PARTIAL, ["child"]),
    "a child of a fixed version": (
        gated(NESTED.replace("child.yaml", "child.yaml?versionId=3")),
        Verdict.RECEIPT,
        [],
    ),
    "a function of another account": (gated(service_token=FOREIGN), Verdict.PARTIAL, ["call_foreign"]),
    "functions by region, but not of this one": (
        gated(service_token="us-east-1=" + FOREIGN.replace("eu-west-1", "us-east-1")),
        Verdict.PARTIAL,
        ["call_missing"],
    ),
    "a function of its own": (
        gated(OWN, service_token='{"Fn::GetAtt": "Mine.Arn"}'),
        Verdict.PARTIAL,
        ["call_foreign", "needed"],
    ),
    "a stack set that can be exchanged": (gated(STACK_SET), Verdict.PARTIAL, ["child"]),
    "a stack set of a fixed version": (gated(STACK_SET.replace(".yaml", ".yaml?versionId=3")), Verdict.RECEIPT, []),
    "a stack set that brings its template": (gated(STACK_SET_BODY), Verdict.RECEIPT, []),
    "a function that is imported": (gated(service_token="import:Notify"), Verdict.RECEIPT, ["call_unknown"]),
    "no template at all": ("- a\n- b\n", Verdict.UNREAD, ["not_understood"]),
    "not even text that ends": ("{" * 3000, Verdict.UNREAD, ["not_understood"]),
}


@pytest.mark.parametrize("case", TABLE)
def test_a_template_is_judged(case: str) -> None:
    text, verdict, reasons = TABLE[case]
    judgement = judged(text)
    assert (judgement.verdict, codes(judgement)) == (verdict, reasons), [one.sentence for one in judgement.reasons]
    assert all(reason.sentence for reason in judgement.reasons)


@pytest.mark.parametrize(
    ("sample", "verdict"),
    [
        ("bucket", Verdict.UNGATED),
        ("data-sandbox", Verdict.RECEIPT),
        ("wordpress", Verdict.RECEIPT),
        ("wordpress-classic", Verdict.CLASSIC),
    ],
)
def test_our_samples_are_judged_as_they_are_meant(sample: str, verdict: Verdict) -> None:
    text = (ROOT / "lambdas" / "samples" / f"{sample}.yaml").read_text("utf-8")
    assert judged(text).verdict is verdict


def test_what_leaks_is_named_with_its_type_and_the_reason() -> None:
    judgement = judged(gated() + "  Later:\n    Type: AWS::SNS::Topic\n")
    assert judgement.reasons[0].sentence == (
        "Created before anybody approves: Later (AWS::SNS::Topic). It waits for no gate."
    )


def test_parameters_that_the_gate_does_not_carry_are_named() -> None:
    text = gated()
    at = text.index("        Size: ")
    judgement = judged(text[:at] + text[text.index("\n", at) + 1 :])
    assert judgement.verdict is Verdict.UPDATES_OPEN
    assert "Size" in next(one for one in judgement.reasons if one.because is Because.NOT_FED).sentence


def test_a_parameter_that_chooses_the_function_is_named() -> None:
    text = gated().replace("Parameters:\n", "Parameters:\n  Token:\n    Type: String\n", 1)
    line = next(line for line in text.splitlines() if "ServiceToken" in line)
    judgement = judged(text.replace(line, line.partition("ServiceToken")[0] + "ServiceToken: !Ref Token", 1))
    assert judgement.verdict is Verdict.PARTIAL
    opening = next(one for one in judgement.reasons if one.because is Because.CALL_OPEN)
    assert "by the parameters Token" in opening.sentence


def test_other_engines_launch_no_stack() -> None:
    judgement = judge(Facts(False, **HERE))
    assert (judgement.verdict, codes(judgement)) == (Verdict.NO_STACK, ["no_stack"])


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({}, "Its template has not been read yet."),
        ({"has_template": True}, "Its template has been read and not been looked at yet."),
        ({"unread": "gone"}, "Its template no longer exists where it came from."),
    ],
)
def test_what_is_not_known_says_why(facts: dict[str, Any], sentence: str) -> None:
    judgement = judge(Facts(True, **HERE, **facts))
    assert judgement.verdict is Verdict.UNREAD
    assert [one.sentence for one in judgement.reasons] == [sentence]


def test_gates_of_the_same_names_in_other_templates_are_told() -> None:
    judgement = judged(gated(), twins=("v1", "v2"))
    assert judgement.verdict is Verdict.UPDATES_OPEN
    assert "the same names as that of v1, v2" in judgement.reasons[0].sentence


def test_a_classic_gate_tells_of_updates_to_others_of_its_names_and_of_what_changed() -> None:
    text = gated(classic=True)
    assert judged(text, twins=("v1",)).verdict is Verdict.UPDATES_OPEN
    assert codes(judged(text, twins=("v1",))) == ["same_gate", "classic"]
    stale = judged(text.replace("QueueName: !Ref Size", "QueueName: !Sub '${Size}-2'"))
    assert (stale.verdict, codes(stale)) == (Verdict.UPDATES_OPEN, ["stale", "classic"])


def test_of_all_the_functions_a_parameter_allows_the_worst_counts() -> None:
    text = gated()
    line = next(line for line in text.splitlines() if "ServiceToken" in line)
    ours = line.partition("ServiceToken: !Sub ")[2]
    here = "arn:aws:lambda:eu-west-1:111122223333:function:gatehouse-notify"
    allowed = f"Parameters:\n  Token:\n    Type: String\n    Default: {here}\n    AllowedValues: [{here}, {FOREIGN}]\n"
    text = text.replace(line, line.replace(f"!Sub {ours}", "!Ref Token"), 1).replace("Parameters:\n", allowed, 1)
    judgement = judged(text)
    assert judgement.verdict is Verdict.PARTIAL
    assert FOREIGN in next(one for one in judgement.reasons if one.because is Because.CALL_FOREIGN).sentence
    harmless = judged(text.replace(f", {FOREIGN}", ""))
    assert "call_foreign" not in codes(harmless)


def test_every_opening_of_a_gate_has_its_reason() -> None:
    analysis = analyse(gated())
    for part in Part:
        (first, *_) = analysis.inspection.gates
        opened = replace(first, openings=[Opening(part, "Ask", ["Size"])])
        inspection = replace(analysis.inspection, gates=[opened])
        judgement = judge(Facts(True, **HERE, analysis=replace(analysis, inspection=inspection)))
        assert judgement.verdict is Verdict.PARTIAL
        assert "Ask" in judgement.reasons[0].sentence


def test_long_lists_are_cut_and_counted() -> None:
    reason = Reason.naming(Because.NO_ECHO, [f"P{n}" for n in range(40)])
    assert len(reason.names) == MOST_NAMES
    assert reason.sentence.endswith(f"and {40 - MOST_NAMES} more.")
    assert Reason.from_json(json.loads(json.dumps(reason.to_json()))) == reason


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [
        (
            HOOKS,
            ": A template with a Hooks section takes no gate.",
            " 行：带有 Hooks 部分的模板不能加关卡。",
        ),
        ("Resources: [", "template:2: It is neither JSON nor YAML: ", "template 第 2 行：它既不是 JSON，也不是 YAML："),
    ],
)
def test_what_the_gate_says_is_kept_for_every_language(text: str, english: str, chinese: str) -> None:
    analysis = Analysis.from_json(json.loads(json.dumps(analyse(text).to_json())))
    (first, *_) = judge(Facts(True, **HERE, analysis=analysis)).reasons
    reason = Reason.from_json(json.loads(json.dumps(first.to_json())))
    assert reason == first
    assert english in reason.sentence
    with translation.override("zh-hans"):
        assert chinese in reason.sentence
        assert Reason.naming(Because.NO_ECHO, ["A", "B"]).sentence.endswith("：A、B。")


def test_a_reason_kept_as_text_by_an_earlier_release_is_shown_as_it_is() -> None:
    reason = Reason.from_json({"because": "cannot", "names": [], "about": "template:1: A 100% macro.", "more": 0})
    with translation.override("zh-hans"):
        assert reason.sentence == "它没有关卡，也无法写入关卡：template:1: A 100% macro."


def test_every_reason_has_its_sentence() -> None:
    for because in Because:
        about = "no_gate" if because is Because.LEAK else "x"
        assert Reason(because, ["A"], about if because is not Because.NOT_READ else "").sentence


def test_an_analysis_survives_being_kept() -> None:
    analysis = analyse(gated(PLAIN))
    kept = json.loads(json.dumps(analysis.to_json()))
    assert Analysis.from_json(kept) == analysis
    assert Inspection.from_json(kept) == analysis.inspection
    odd = analyse('{"Resources": {"A": {"Type": "Custom::\\u0000\\ud800"}}}').to_json()
    assert "\0" not in json.dumps(odd, ensure_ascii=False)
    json.dumps(odd, ensure_ascii=False).encode()


def version(verdict: Verdict | str, **fields: Any) -> Version:
    return Version(name="v", verdict=verdict, **fields)


@pytest.mark.parametrize(
    ("verdict", "active", "guidance", "risk"),
    [
        (Verdict.UNGATED, True, "DEFAULT", Risk.LAUNCH),
        (Verdict.IMPOSSIBLE, True, "DEFAULT", Risk.LAUNCH),
        (Verdict.UNGATED, True, "DEPRECATED", Risk.UPDATE),
        (Verdict.UNGATED, False, "DEFAULT", Risk.NONE),
        (Verdict.UPDATES_OPEN, True, "DEFAULT", Risk.UPDATE),
        (Verdict.PARTIAL, True, "DEFAULT", Risk.PARTIAL),
        (Verdict.PARTIAL, True, "DEPRECATED", Risk.PARTIAL),
        (Verdict.CLASSIC, True, "DEFAULT", Risk.CLASSIC),
        (Verdict.RECEIPT, True, "DEFAULT", Risk.RECEIPT),
        (Verdict.UNREAD, True, "DEFAULT", Risk.UNREAD),
        ("", True, "DEFAULT", Risk.UNREAD),
    ],
)
def test_only_an_inactive_version_is_closed(verdict: Verdict, active: bool, guidance: str, risk: Risk) -> None:
    one = version(verdict, active=active, guidance=guidance)
    assert risk_of(one) is risk
    doors = open_doors([one])
    assert bool(doors) == risk.is_open
    assert all("inactive" in door.close for door in doors)


def test_a_product_is_as_grave_as_its_gravest_version() -> None:
    gated_, deprecated = version(Verdict.RECEIPT), version(Verdict.UNGATED, guidance="DEPRECATED")
    product = Product(name="Queue", versions_in=1)
    assert risk_of_product(product, [gated_], role_lacks_rights=False) is Risk.RECEIPT
    assert risk_of_product(product, [gated_], role_lacks_rights=True) is Risk.ROLE
    assert risk_of_product(product, [gated_, deprecated], role_lacks_rights=True) is Risk.UPDATE
    assert risk_of_product(product, [], role_lacks_rights=True) is Risk.NONE
    assert risk_of_product(product, [version(Verdict.UNREAD)], role_lacks_rights=True) is Risk.UNREAD
    never_read, cut_off = Product(name="New"), Product(name="Large", versions_in=1, cut_off=True)
    assert risk_of_product(never_read, [], role_lacks_rights=False) is Risk.UNREAD
    assert risk_of_product(cut_off, [gated_], role_lacks_rights=False) is Risk.UNREAD
    assert risk_of_product(cut_off, [deprecated], role_lacks_rights=False) is Risk.UPDATE
    other = Product(name="Terraform", engine="TERRAFORM_CLOUD")
    assert risk_of_product(other, [deprecated], role_lacks_rights=False) is Risk.NONE


def test_doors_come_gravest_first() -> None:
    versions = [version(Verdict.PARTIAL), version(Verdict.UNGATED), version(Verdict.UPDATES_OPEN)]
    assert [door.risk for door in open_doors(versions)] == [Risk.LAUNCH, Risk.UPDATE, Risk.PARTIAL]
