"""What a template may not do to whoever reads it: grow, forge a wrapper, show a secret."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from typing import Any

import pytest

from catalog.gating.email import is_hidden
from catalog.reading import NotUnderstood, Source, apart, child_of, digest, read_apart
from catalog.reading.functions import LONGEST, Resolver
from catalog.reading.masking import masked
from catalog.reading.values import Unknown
from catalog.templates import read
from tests.support.reading import codes, document, one

CHILD = document(one("AWS::DynamoDB::Table")).text
SHA = hashlib.sha256(CHILD.encode()).hexdigest()
ADDRESS = f"https://desk.s3.eu-central-1.amazonaws.com/gatehouse/{SHA}.yaml"


def nested_sub(levels: int) -> Any:
    value: Any = "0123456789"
    for _ in range(levels):
        value = {"Fn::Sub": ["${A}${A}${A}${A}", {"A": value}]}
    return value


class TestTexts:
    @pytest.mark.parametrize(
        ("raw", "value"),
        [
            (nested_sub(20), "${A}" * 4),
            ({"Fn::Join": ["x" * 40_000, ["a", "b", "c"]]}, "${Fn::Join}"),
            ({"Fn::ToJsonString": ["x" * 40_000] * 2}, "${Fn::ToJsonString}"),
            ({"Fn::Sub": "x" * (LONGEST + 1)}, "${Fn::Sub}"),
        ],
    )
    def test_none_grows_without_end(self, raw: Any, value: str) -> None:
        found = Resolver({}, {}).value(raw)
        assert isinstance(found, Unknown)
        assert len(found) <= LONGEST
        assert "${" in found

    def test_what_is_short_is_known(self) -> None:
        assert Resolver({}, {}).value(nested_sub(2)) == "0123456789" * 16
        assert Resolver({}, {}).value({"Fn::ToJsonString": {"a": [1, True]}}) == '{"a": [1, true]}'


class TestLoops:
    @staticmethod
    def loop(count: int, body: Any) -> dict[str, Any]:
        return {"Fn::ForEach::All": ["X", [str(n) for n in range(count)], {"R${X}": body}]}

    def test_a_large_body_is_not_written_out_without_end(self) -> None:
        body = {"Type": "AWS::SNS::Topic", "Properties": {"Tags": [{"Key": "${X}", "Value": "v"}] * 1000}}
        began = time.process_time()
        found = digest(document(self.loop(1000, body) | one("AWS::SQS::Queue")), {})
        assert time.process_time() - began < 3
        made = {made.id: made for service in found.services for made in service.resources}
        assert not made["Fn::ForEach::All"].sure
        assert "Thing" in made
        assert {finding.code for finding in found.findings} >= {"unchecked"}

    def test_long_texts_count(self) -> None:
        body = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "${X}" + "x" * 200_000}}
        assert "unchecked" in codes(self.loop(1000, body))

    def test_an_ordinary_loop_is_written_out_whole(self) -> None:
        found = digest(document(self.loop(100, {"Type": "AWS::SNS::Topic"})), {})
        assert found.count == 100
        assert "unchecked" not in {finding.code for finding in found.findings}


class TestApart:
    def test_it_reads_what_is_read_here(self) -> None:
        template = document(one("AWS::DynamoDB::Table"))
        assert read_apart(Source(template.text, {}))["digest"] == json.loads(json.dumps(digest(template, {}).kept()))

    def test_it_loads_nothing_that_talks_to_others(self) -> None:
        told = apart._MAIN.replace(
            "main()", "print(sorted(set(sys.modules) & {'celery', 'kombu', 'psycopg', 'requests'}))"
        )
        assert apart.run(told, [str(apart._ROOT)], b"", seconds=20, memory=apart.MEMORY).stdout == b"[]\n"

    def test_a_bad_template_is_no_passing_trouble(self) -> None:
        with pytest.raises(NotUnderstood, match="bad template") as told:
            read_apart(Source("Resources: [", {}))
        assert not told.value.passing

    def test_its_time_is_limited(self) -> None:
        with pytest.raises(NotUnderstood, match="too slow") as told:
            read_apart(Source(CHILD, {}), seconds=0.02)
        assert told.value.passing

    def test_a_child_that_dies_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(apart, "_MAIN", "import os; os.kill(os.getpid(), 9)")
        with pytest.raises(NotUnderstood, match="exit -9"):
            read_apart(Source(CHILD, {}))

    def test_its_memory_is_limited(self) -> None:
        resource = pytest.importorskip("resource")
        if not hasattr(resource, "RLIMIT_AS") or resource.getrlimit(resource.RLIMIT_AS)[1] != resource.RLIM_INFINITY:
            pytest.skip("no limit of memory to be set here")
        done = apart.run("x = bytearray(1 << 29)", [], b"", seconds=20, memory=1 << 28)
        assert b"MemoryError" in done.stderr

    def test_where_no_limit_can_be_set_it_runs_all_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(apart, "_LIMITS", apart._LIMITS.replace("import resource", "raise ValueError"))
        assert apart.run("print(1)", [], b"", seconds=20, memory=1).stdout == b"1\n"

    def test_it_gets_nothing_of_ours(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: dict[str, Any] = {}

        def run(_command: list[str], **given: Any) -> Any:
            asked.update(given)
            return subprocess.CompletedProcess([], 0, stdout=b"{}", stderr=b"")

        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
        monkeypatch.setattr(subprocess, "run", run)
        with pytest.raises(NotUnderstood):
            read_apart(Source(CHILD, {}))
        assert set(asked["env"]) == {"PATH", "HOME", "LANG"}


class TestWrappers:
    @staticmethod
    def wrapped(url: Any, resources: dict[str, Any] | None = None, sha256: str = SHA, **more: Any) -> bool:
        nested = one("AWS::CloudFormation::Stack", TemplateURL=url, **more.pop("properties", {}))
        parent = document(nested | (resources or {}), Metadata={"Gatehouse": {"Wraps": {"Sha256": sha256}}}, **more)
        return child_of(parent, {ADDRESS: CHILD}) is not None

    def test_one_of_ours_is_shown(self) -> None:
        passed = {"A": {"Ref": "A"}, "B": {"Fn::Join": [",", {"Ref": "B"}]}}
        assert self.wrapped(f"{ADDRESS}?versionId=v1")
        assert self.wrapped(f"{ADDRESS}?versionId=v1", properties={"Parameters": passed})

    @pytest.mark.parametrize(
        "url",
        [
            ADDRESS,
            f"https://evil.s3.eu-central-1.amazonaws.com/gatehouse/{SHA}.yaml?versionId=v1",
            f"http://desk.s3.eu-central-1.amazonaws.com/gatehouse/{SHA}.yaml?versionId=v1",
            f"https://desk.s3.eu-central-1.amazonaws.com.evil.example/gatehouse/{SHA}.yaml?versionId=v1",
            f"https://desk.s3.eu-central-1.amazonaws.com/evil/{SHA}.yaml?versionId=v1",
            f"https://evil.example/?x={ADDRESS}&versionId=v1",
            {"Fn::If": ["C", f"{ADDRESS}?versionId=v1", "https://evil.example/"]},
            {"Ref": "Url"},
        ],
    )
    def test_any_other_address_is_not(self, url: Any) -> None:
        url_parameter = {"Url": {"Type": "String", "Default": f"{ADDRESS}?versionId=v1"}}
        assert not self.wrapped(url, Parameters=url_parameter)

    def test_nor_one_that_makes_more_or_passes_on_something_else(self) -> None:
        url = f"{ADDRESS}?versionId=v1"
        other = {"Other": {"Type": "AWS::CloudFormation::Stack", "Condition": "Never"}}
        assert not self.wrapped(url, other, Conditions={"Never": {"Fn::Equals": ["a", "b"]}})
        assert not self.wrapped(url, {"Fn::ForEach::X": ["X", ["a"], {"N${X}": {"Type": "A::B::C"}}]})
        assert not self.wrapped(url, Transform="Evil")
        assert not self.wrapped(url, sha256="0" * 64)
        assert not self.wrapped(url, properties={"Parameters": {"Range": "0.0.0.0/0"}})


class TestSecrets:
    @pytest.mark.parametrize(
        "written",
        [
            'MasterUserPassword: !If [P, "hunter2", "hunter3"]',
            'MasterUserPassword: {"Fn::Sub": "hunter2"}',
            'MasterUserPassword: {"Fn::Join": ["", [hunter2, hunter3]]}',
            "MasterUserPassword: !Join ['', [hunter2, !Ref Shown]]",
            "SecretString: !Sub ['${A}', {A: hunter2}]",
            "SecretString: |\n        hunter2\n        hunter3",
            "LoginProfile: {Password: hunter2}",
            "Deep: [{<<: {AuthToken: hunter2}}]",
        ],
    )
    def test_no_form_of_one_is_shown(self, written: str) -> None:
        text = f"Resources:\n  Db:\n    Type: A::B::C\n    Properties:\n      Other: open\n      {written}\n"
        found = masked(read(text.encode()))
        assert "hunter" not in found
        assert "Other: open" in found
        assert ("!Ref Shown" in found) == ("!Ref Shown" in text)
        assert found.count("\n") == text.count("\n")

    def test_loops_and_mappings_hide_none(self) -> None:
        text = (
            "Mappings: {M: {prod: {MasterUserPassword: hunter2}}}\nResources:\n  Fn::ForEach::L:\n    - X\n    - [a]\n"
            "    - Db${X}: {Type: A::B::C, Properties: {MasterUserPassword: hunter3}}\n"
        )
        assert "hunter" not in masked(read(text.encode()))

    def test_a_hidden_parameter_is_hidden_through_merge_keys(self) -> None:
        text = (
            "Metadata:\n  Hidden: &h {NoEcho: true, Default: hunter1}\nParameters:\n  A: {<<: *h, Type: String}\n"
            "  B: {<<: [*h], Type: String, Default: hunter2, AllowedValues: [hunter2]}\n"
            "  MasterUserPassword: {Type: String, NoEcho: 'yes', Default: hunter3}\n"
            "Resources: {T: {Type: A::B::C}}\n"
        )
        template = read(text.encode())
        assert "hunter" not in masked(template)
        assert masked(template).count("Type: String") == 3
        assert "hunter" not in repr(digest(template, {}))

    @pytest.mark.parametrize("said", [True, "true", "TRUE", "yes", "on", {"Ref": "X"}, 1])
    def test_in_doubt_a_parameter_is_hidden(self, said: Any) -> None:
        assert is_hidden({"NoEcho": said})
        found = digest(document({"T": {"Type": "A::B::C"}}, Parameters={"P": {"NoEcho": said, "Default": "d"}}), {})
        assert [(one.no_echo, one.default) for one in found.parameters] == [(True, None)]

    @pytest.mark.parametrize("about", [{}, {"NoEcho": False}, {"NoEcho": "false"}, {"NoEcho": "No"}])
    def test_a_plain_no_hides_none(self, about: dict[str, Any]) -> None:
        assert not is_hidden(about)
