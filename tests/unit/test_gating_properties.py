"""Whatever a template looks like: gated it holds everything, ungated it is the original, gated twice it is the same."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.leaks import made_before_approval
from catalog.gating import Options, Verdict, gate, inspect, ungate

NAMES = ["Alpha", "Beta", "Gamma", "Delta", "Eps"]
EMAILS = st.sampled_from([[], ["UserEmail"], ["OwnerEmail"], ["AdminEmail"]])


@st.composite
def trees(draw: st.DrawFn) -> dict[str, Any]:
    """Templates as data; resources only refer to those before them."""
    names = NAMES[: draw(st.integers(1, len(NAMES)))]
    resources = {name: draw(bodies(names[:at])) for at, name in enumerate(names)}
    parameters: dict[str, Any] = {name: {"Type": "String", "Default": ""} for name in draw(EMAILS)}
    if draw(st.booleans()):
        parameters["Secret"] = {"Type": "String", "NoEcho": True}
    tree: dict[str, Any] = {"Description": "Resources: a test # not a comment"}
    if draw(st.booleans()):
        tree["Metadata"] = {
            "AWS::CloudFormation::Interface": {
                "ParameterGroups": [{"Label": {"default": "All"}, "Parameters": list(parameters)}],
                "ParameterLabels": {name: {"default": name} for name in parameters},
            }
        }
    if bool(parameters) or draw(st.booleans()):
        tree["Parameters"] = parameters
    tree["Conditions"] = {"IsOff": {"Fn::Equals": ["a", "b"]}}
    tree["Resources"] = resources
    if draw(st.booleans()):
        tree["Outputs"] = {"Out": {"Value": {"Ref": names[0]}}}
    order: list[str] = draw(st.permutations(list(tree)))
    return {name: tree[name] for name in order}


@st.composite
def bodies(draw: st.DrawFn, earlier: list[str]) -> dict[str, Any]:
    body: dict[str, Any] = {"Type": draw(st.sampled_from(["AWS::S3::Bucket", "AWS::SNS::Topic", "Custom::Thing"]))}
    if draw(st.booleans()):
        body["Properties"] = {"Name": {"Ref": draw(st.sampled_from(earlier))} if earlier else "x", "Text": "a: b #c"}
    if draw(st.booleans()):
        body["Condition"] = "IsOff"
    if earlier and (
        depends := draw(st.none() | st.sampled_from(earlier) | st.lists(st.sampled_from(earlier), unique=True))
    ):
        body["DependsOn"] = depends
    order = draw(st.permutations(list(body)))
    return {name: body[name] for name in order}


@st.composite
def written(draw: st.DrawFn) -> bytes:
    """The bytes of a template in one of the ways people write them."""
    tree, newline = draw(trees()), draw(st.sampled_from(["\n", "\r\n"]))
    if draw(st.booleans()):
        indent = draw(st.sampled_from([None, 1, 2, 4, "\t"]))
        tight = draw(st.booleans())
        text = json.dumps(tree, indent=indent, separators=(",", ":") if tight else None)
    else:
        text = "".join(draw(lines(tree, "", " " * draw(st.integers(1, 4)), tagged=draw(st.booleans()))))
        text = draw(st.sampled_from(["", "---\n", "# first\n", "\n", "%YAML 1.1\n---\n"])) + text
        text = text[:-1] if draw(st.booleans()) else text + draw(st.sampled_from(["", "\n", "# last\n", "...\n"]))
    bom = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    return bom + text.replace("\n", newline).encode()


@st.composite
def lines(draw: st.DrawFn, tree: Any, indent: str, step: str, *, tagged: bool) -> list[str]:
    """Block YAML with comments, empty lines, quotes and braces here and there."""
    made = []
    for name, value in tree.items():
        if draw(st.integers(0, 9)) == 0:
            made.append(draw(st.sampled_from(["\n", f"{indent}# Resources:\n", "# at the margin\n"])))
        key = draw(st.sampled_from([name, f'"{name}"', f"'{name}'"]))
        comment = draw(st.sampled_from(["", "", "", "  # why"]))
        if tagged and isinstance(value, dict) and list(value) == ["Ref"]:
            made.append(f"{indent}{key}: !Ref {value['Ref']}{comment}\n")
        elif isinstance(value, dict) and value and draw(st.integers(0, 5)):
            made.append(f"{indent}{key}:{comment}\n")
            made += draw(lines(value, indent + step, step, tagged=tagged))
        elif isinstance(value, list) and value and all(isinstance(one, str) for one in value) and draw(st.booleans()):
            dash = draw(st.sampled_from([indent, indent + step]))
            made.append(f"{indent}{key}:{comment}\n")
            made += [f"{dash}- {one}{comment}\n" for one in value]
        elif isinstance(value, str) and value.isalnum() and draw(st.booleans()):
            made.append(f"{indent}{key}: {value}{comment}\n")
        else:
            made.append(f"{indent}{key}: {json.dumps(value)}{comment}\n")
    return made


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(written(), st.booleans())
def test_gated_it_holds_everything_and_gives_the_original_back(data: bytes, classic: bool) -> None:
    options = Options(classic=classic)
    result = gate(data, options)
    assert result.verdict is Verdict.GATED, result.reason
    assert result.output is not None
    found = inspect(result.output)
    assert found.is_gated
    assert not found.is_stale
    assert {name for name in made_before_approval(result.output) if not name.startswith("Approval")} == set()
    assert ungate(result.output) == (data, True)
    again = gate(result.output, options)
    assert (again.verdict, again.output) == (Verdict.ALREADY, result.output)
    other = gate(result.output, Options(classic=not classic))
    assert other.output == gate(data, Options(classic=not classic)).output


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300) | st.text(alphabet='Resources: \n{}[]"!&*<|>-#ab,Type', max_size=300).map(str.encode))
def test_whatever_the_bytes_there_is_a_verdict(data: bytes) -> None:
    assert gate(data).verdict in Verdict
