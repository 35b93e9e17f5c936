"""notify's small YAML reader against a real one."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.notify.template import tree_of

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "lambdas").glob("**/*.yaml"))


def gate_in(tree: Any) -> dict[str, Any]:
    """What notify needs of a template, in one form for both readers."""
    return {
        logical_id: (resource["Type"], gate_properties(resource.get("Properties") or {}))
        for logical_id, resource in tree["Resources"].items()
    }


def gate_properties(properties: Any) -> dict[str, Any]:
    wanted = ("Handle", "Timeout", "WaitUrl", "EmailID", "GateUpdates")
    return {
        name: dict(value) if isinstance(value, dict) else str(value)
        for name, value in properties.items()
        if name in wanted and (not isinstance(value, dict) or "Ref" in value)
    }


@pytest.mark.parametrize("path", [path for path in TEMPLATES if "source" not in path.name], ids=lambda path: path.name)
def test_our_own_templates_read_as_a_real_parser_reads_them(path: Path) -> None:
    assert gate_in(tree_of(path.read_text("utf-8"))) == gate_in(cfn_yaml.load(str(path)))


WAIT = "AWS::CloudFormation::WaitCondition"
PLAIN = "    Properties:\n      Handle: !Ref H\n      Timeout: 60"


@pytest.mark.parametrize(
    "written",
    [
        PLAIN,
        "    Properties:\n      Handle: !Ref 'H'  # the handle\n      Timeout: \"60\" # seconds",
        "    Properties:\n        Handle:\n            Ref: H\n        Timeout: '60'",
        "    Properties: {Handle: !Ref H, Timeout: '60'}",
        "    Properties: {Handle: {Ref: H}, Timeout: 60}",
        '    Properties: {"Handle": {"Ref": "H"}, "Timeout": "60"}',
        "    Properties:\n      Handle: { Ref : H }\n      Timeout: 60",
        "    Properties: {\n      Handle: !Ref H,\n      Timeout: 60\n    }",
        "    'Properties':\n      \"Handle\": !Ref H\n      'Timeout': 60",
        "    DependsOn:\n    - A\n    - B\n    Properties: &here\n      Handle: !Ref H\n      Timeout: 60",
        f"    Metadata:\n      Text: |\n        Properties:\n          Timeout: 1\n{PLAIN}",
        f"    Metadata:\n      Fn: !Sub\n        - '${{a}}: b'\n        - a: 1\n\n      # why\n{PLAIN}",
        f"    Metadata: {{List: [a, {{b: c}}, 'd, e'], Text: a b c}}\n{PLAIN}",
    ],
)
def test_a_gate_is_found_however_it_is_written(written: str) -> None:
    text = f"---\nResources:\n  Wait:\n    Type: {WAIT}\n{written}\n  Next:\n    Type: A::B::C\n"
    resources = tree_of(text)["Resources"]
    assert resources["Wait"]["Type"] == WAIT
    assert resources["Wait"]["Properties"]["Handle"] == {"Ref": "H"}
    assert resources["Wait"]["Properties"]["Timeout"] == "60"
    assert resources["Next"] == {"Type": "A::B::C"}


def test_windows_line_ends_and_a_byte_order_mark_do_not_matter() -> None:
    text = "\ufeffResources:\r\n  A:\r\n    Type: 'A::B::C'\r\n"
    assert tree_of(text) == {"Resources": {"A": {"Type": "A::B::C"}}}


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("aR:{}[],'\"!&|>-# \n"), max_size=80) | st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert isinstance(tree_of(text), dict)


def test_hostile_templates_are_read_in_time() -> None:
    for text in ('A: !Sub "' + '\\"' * 500_000, 'A: "' + '\\"' * 500_000, "A: [" + "'x" * 250_000):
        began = time.process_time()
        assert isinstance(tree_of(text), dict)
        assert time.process_time() - began < 1
    for text in ("A: {" * 50_000, "A: [" * 50_000, "a: " + " # x" * 50_000 + '"', "'" * 200_000, "a:" * 100_000):
        assert isinstance(tree_of(text), dict)


def test_a_template_nested_too_deeply_is_one_that_cannot_be_read() -> None:
    assert tree_of("Resources:\n" + "\n".join(" " * i + f"a{i}:" for i in range(1, 500))) == {}


Json = st.recursive(
    st.text("abc :{}", max_size=5) | st.integers(0, 9).map(str),
    lambda inner: st.dictionaries(st.text("abcdef", min_size=1, max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text("ABC", min_size=1, max_size=3), Json, min_size=1, max_size=4))
def test_json_inside_yaml_reads_back(properties: dict[str, Any]) -> None:
    text = "".join(f"{name}: {json.dumps(value)}\n" for name, value in properties.items())
    assert tree_of(text) == properties
