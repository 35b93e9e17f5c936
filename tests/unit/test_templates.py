"""Reading templates: where everything stands, what it means, and one sentence for what is no template."""

from __future__ import annotations

import json
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.templates import BadTemplate, Node, plain, read, references

SMALL = "Resources:\n  A:\n    Type: AWS::S3::Bucket\n"


def tree(text: str) -> dict[str, object]:
    value: dict[str, object] = plain(read(text.encode()).root)
    return value


def properties(text: str) -> object:
    indented = "\n".join(f"      {line}" for line in text.splitlines())
    found = tree(f"{SMALL}    Properties:\n{indented}\n")
    return found["Resources"]["A"]["Properties"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("V: !Ref X", {"Ref": "X"}),
        ("V: !Condition X", {"Condition": "X"}),
        ("V: !GetAtt A.Arn", {"Fn::GetAtt": ["A", "Arn"]}),
        ("V: !GetAtt [A, Arn]", {"Fn::GetAtt": ["A", "Arn"]}),
        ("V:\n  Fn::GetAtt: A.Outputs.Url", {"Fn::GetAtt": ["A", "Outputs.Url"]}),
        ("V: !Sub '${A}-b'", {"Fn::Sub": "${A}-b"}),
        ("V: !Sub 123", {"Fn::Sub": "123"}),
        ("V: !If [C, !Ref X, no]", {"Fn::If": ["C", {"Ref": "X"}, False]}),
        ("V: !Select [0, !GetAZs '']", {"Fn::Select": [0, {"Fn::GetAZs": ""}]}),
        ("V: !Join\n  - ','\n  - - a\n    - b", {"Fn::Join": [",", ["a", "b"]]}),
        ("V: 2010-09-09", "2010-09-09"),
        ("V: 012", "012"),
        ("V: '42600'", "42600"),
        ("V: 42600", 42600),
        ("V: 1.5", 1.5),
        ("V: on", True),
        ("V: 'on'", "on"),
        ("V: ~", None),
        ("V:", None),
        ("V: |\n  a\n  b", "a\nb\n"),
        ("V: {a: [1, {b: c}]}", {"a": [1, {"b": "c"}]}),
        ("V: [Condition: X]", [{"Condition": "X"}]),
        ("V: &x {a: 1}\nW: *x", {"a": 1}),
        ("B: &b {a: 1, c: 2}\nV:\n  <<: *b\n  a: 3", {"a": 3, "c": 2}),
    ],
)
def test_what_is_written_means(written: str, means: object) -> None:
    assert properties(written)["V"] == means  # type: ignore[index]


@pytest.mark.parametrize(
    ("data", "line", "says"),
    [
        (b"", 1, "empty"),
        (b" \n ", 1, "empty"),
        (b"- a\n", 1, "no Resources"),
        (b"just words", 1, "no Resources"),
        (b"A: 1\n", 1, "no Resources"),
        (b"Resources:\n", 1, "at least one"),
        (b"Resources: {}\n", 1, "at least one"),
        (b"Resources: []\n", 1, "at least one"),
        (b"# x\nResources:\n\tA: 1\n", 3, "tab"),
        (b"Resources:\n  A:\n    Type: x\n \t  B: 1\n", 4, "tab"),
        (b"Resources:\n  A: 1\n  B: 2\n  A: 3\n", 4, "first in line 2"),
        (b'{"Resources": {\n "A": 1,\n "A": 2}}', 3, "first in line 2"),
        (b'{"Resources": {\n "A": [1}}', 2, "ends otherwise"),
        (b'{"Resources": {\n "A": 1\n', 3, "too early"),
        (b'{"Resources": {"A": 1}}\n\n x', 3, "behind the end"),
        ("Resources: {A: 1}".encode("utf-16"), 1, "UTF-8"),
        ("Resources: {A: 1}".encode("utf-16-le"), 1, "UTF-8"),
        (b"Resources:\n  A: \xff\n", 2, "UTF-8"),
        (b"Resources:\n  A: \x07\n", 2, "not allowed"),
        (b"Resources: {A: 1}\n---\nResources: {A: 1}\n", 3, "second document"),
        (b"Resources: {A: *x}\n", 1, "stands for nothing"),
        (b"Resources: &r {A: *r}\n", 1, "stands for nothing"),
        (b"Resources:\n  ? [a]\n  : 1\n", 2, "key"),
        (b"Resources:\n  A: 1\n B: 2\n", 3, "neither JSON nor YAML"),
        (b"Resources: {A: 1}\n#" + b"x" * 1_048_576, 1, "1,048,576"),
        (b"Resources: " + b"[" * 500_000, 1, "deeper than 100"),
        (b'{"Resources": ' + b"[" * 500_000, 1, "deeper than 100"),
        (b"Resources:\n" + b"".join(b" " * n + b"a:\n" for n in range(1, 200)), 101, "deeper than 100"),
    ],
)
def test_what_is_no_template_gets_a_sentence_with_its_line(data: bytes, line: int, says: str) -> None:
    with pytest.raises(BadTemplate) as caught:
        read(data, "web.yaml")
    assert str(caught.value).startswith(f"web.yaml:{line}: ")
    assert says in str(caught.value)


def test_a_bomb_of_aliases_is_refused_at_once() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    began = time.process_time()
    with pytest.raises(BadTemplate, match="more than 250,000 values"):
        read(("\n".join([*rows, "Resources: {A: *a11}"])).encode())
    assert time.process_time() - began < 1


def test_a_megabyte_of_nested_lists_ends_with_a_sentence() -> None:
    wide = f"Resources: {{A: [{','.join(['[' * 90 + ']' * 90] * 5_000)}]}}"
    with pytest.raises(BadTemplate, match="more than 250,000 values"):
        read(wide.encode())


@pytest.mark.parametrize(
    ("text", "is_json"),
    [
        ('{"Resources": {"A": {"Type": "T", "N": -1.5e3, "B": [true, false, null, "\\u00e9\\n"]}}}', True),
        ('{"Resources":\r\n\t{"A":\t{}}}', True),
        ("{Resources: {A: !Ref B}} # a comment", False),
    ],
)
def test_json_is_read_as_json_and_braces_as_yaml(text: str, is_json: bool) -> None:
    document = read(text.encode())
    assert document.is_json is is_json
    if is_json:
        assert plain(document.root) == json.loads(text)


def test_a_byte_order_mark_and_line_ends_are_kept() -> None:
    data = b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode()
    document = read(data)
    assert (document.has_bom, document.newline) == (True, "\r\n")
    assert document.encode(document.text) == data


def values(node: Node) -> list[Node]:
    return [node, *(one for pair in node.items for side in pair for one in values(side)), *(
        one for child in node.children for one in values(child)
    )]  # fmt: skip


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text("AB", min_size=1), JSON, min_size=1), st.integers(0, 2**32), st.sampled_from([None, 2]))
def test_json_means_what_the_standard_library_says_and_every_value_stands_where_it_says(
    resources: dict[str, object], seed: int, indent: int | None
) -> None:
    text = json.dumps({"Resources": resources}, indent=indent, ensure_ascii=random.Random(seed).random() < 0.5)
    document = read(text.encode("utf-8", "surrogatepass")) if _encodable(text) else None
    if document is None:
        return
    root = json.loads(text)
    if document.is_json:
        assert json.dumps(_raw(document.root)) == json.dumps(root)
    for node in values(document.root):
        assert _raw(node) == json.loads(text[node.start : node.end])
        assert node.line == text.count("\n", 0, node.start) + 1


def _encodable(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _raw(node: Node) -> object:
    if node.kind == "map":
        return {key.value: _raw(value) for key, value in node.items}
    if node.kind == "seq":
        return [_raw(child) for child in node.children]
    return json.loads(node.value) if node.plain else node.value


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ({"Ref": "A"}, {"A"}),
        ({"Fn::GetAtt": ["A", "Outputs.B"]}, {"A"}),
        ({"Fn::Sub": "${A}-${B.Arn}-${!C}-${AWS::Region}-$D-${ E }"}, {"A", "B", "AWS::Region", "E"}),
        ({"Fn::Sub": ["${A}${B}", {"A": {"Ref": "C"}}]}, {"B", "C"}),
        ([{"x": [{"Ref": "A"}]}, {"Fn::If": ["C", {"Ref": "B"}, "d"]}], {"A", "B"}),
        ({"Ref": ["odd"], "Fn::GetAtt": [], "Fn::Sub": 3}, set()),
    ],
)
def test_references(value: object, names: set[str]) -> None:
    assert references(value) == names
