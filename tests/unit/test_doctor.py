"""The doctor's core, without AWS: checks are found, alone, and never hold the others up."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from django.utils import translation

from approvals.doctor import registry, running
from approvals.doctor.checks.logs import excerpt
from approvals.doctor.findings import Finding, Problem, Severity, problem
from approvals.doctor.registry import Check
from approvals.doctor.visit import Place, Round, Visit
from portal.clock import now
from portal.phrases import Phrase

HERE = Place("111122223333", "us-east-1")


def checked(look: registry.Look, code: str = "mine") -> Check:
    return Check(code, Severity.CRITICAL, "Title", "Why.", "Do it.", look)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., running.Report]:
    """Run these looks as the only checks there are."""

    def go(*looks: registry.Look, budget: float = 5) -> running.Report:
        found = {f"check{n}": checked(look, f"check{n}") for n, look in enumerate(looks)}
        monkeypatch.setattr(running, "checks", lambda: found)
        return running.run(now(), budget=budget)

    return go


def fine(_visit: Visit) -> Iterator[Problem]:
    yield from ()


def test_every_check_says_what_why_and_what_to_do() -> None:
    for code, check in registry.checks().items():
        assert code == check.code
        assert check.severity is not Severity.OK
        assert check.title
        assert not check.title.endswith(".")
        assert check.why.endswith((".", "!"))
        assert check.remedy
    assert len(registry.checks()) >= 25


def test_two_checks_cannot_share_a_code() -> None:
    registry.checks()
    with pytest.raises(ValueError, match="two checks"):
        registry.check("alarms", Severity.INFO, title="", why="", remedy="")(fine)


def test_a_check_that_raises_is_a_finding_and_its_words_are_not_shown(
    run: Callable[..., running.Report],
) -> None:
    def broken(_visit: Visit) -> Iterator[Problem]:
        yield problem("One.")
        raise RuntimeError("https://bucket.example/?X-Amz-Signature=canary")

    def refused(_visit: Visit) -> Iterator[Problem]:
        raise ClientError({"Error": {"Code": "Throttling", "Message": "canary"}}, "DescribeKey")

    def away(_visit: Visit) -> Iterator[Problem]:
        raise EndpointConnectionError(endpoint_url="https://x.example/?canary")

    report = run(broken, fine, refused, away)
    assert "canary" not in str(report)
    seen = {finding.seen: finding.severity for finding in report.findings}
    assert seen == {
        "One.": Severity.CRITICAL,
        "Could not look: the check itself failed (RuntimeError).": Severity.WARNING,
        "Could not look: AWS answered Throttling.": Severity.WARNING,
        "Could not look: AWS answered EndpointConnectionError.": Severity.WARNING,
        "": Severity.OK,
    }


def test_a_check_that_hangs_holds_nobody_up(run: Callable[..., running.Report]) -> None:
    release = threading.Event()

    def hangs(_visit: Visit) -> Iterator[Problem]:
        release.wait(60)
        yield from ()

    began = time.monotonic()
    report = run(hangs, fine, budget=1)
    assert time.monotonic() - began < 10
    release.set()
    assert [finding.severity for finding in report.findings] == [Severity.WARNING, Severity.OK]
    assert report.findings[0].seen == "Could not look: no answer within 1 seconds."


def test_what_several_need_is_read_once_and_an_error_is_everybody_s() -> None:
    calls: list[int] = []

    def make() -> int:
        calls.append(1)
        time.sleep(0.05)
        return 7

    round_, results = Round(now()), list[int]()
    threads = [threading.Thread(target=lambda: results.append(round_.once("k", make))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (calls, results) == ([1], [7] * 5)

    def fail() -> int:
        calls.append(2)
        raise ClientError({"Error": {"Code": "X"}}, "Y")

    for _ in range(2):
        with pytest.raises(ClientError):
            round_.once("bad", fail)
    assert calls == [1, 2]


@pytest.mark.parametrize("operation", ["delete_queue", "create_stack", "put_object", "send_email", "receive_message"])
def test_what_is_no_reading_operation_is_refused_before_it_is_called(operation: str) -> None:
    with pytest.raises(ValueError, match="not a reading operation"):
        HERE.read("sqs", operation)
    with pytest.raises(ValueError, match="not a reading operation"):
        HERE.pages("sqs", operation, "x")


def test_facts_are_redacted_before_anything_keeps_them() -> None:
    found = problem("%(url)s", about="https://a.example/x?X-Amz-Signature=canary", url="https://b.example/y?k=canary")
    assert "canary" not in str(found)
    url = "https://b.example/y?k=canary"
    nested = problem("%(a)s %(b)s", a=[url, Phrase("%(x)s", x=url)], b=Phrase("%(x)s", x=[url]))
    assert "canary" not in str(nested)


def test_a_finding_is_read_in_the_reader_s_language_after_it_was_kept() -> None:
    unread = Phrase("It is neither JSON nor YAML: %(why)s.", why="x")
    said = "The template of %(version)s cannot be read. %(reason)s"
    found = checked(lambda _visit: []).finding(problem(said, version="Queue v1", reason=unread))
    accounts = "Launches came from accounts that GATEHOUSE_ACCOUNTS does not list: %(accounts)s."
    several = checked(lambda _visit: []).finding(problem(accounts, accounts=["111122223333", "444455556666"]))
    whose = replace(found, facts={**found.facts, "whose": "Queue"})
    for one in (found, several, whose):
        assert Finding.from_kept(json.loads(json.dumps(one.kept()))) == one
    assert several.seen.endswith(": 111122223333, 444455556666.")
    with translation.override("zh-hans"):
        assert found.seen == "无法读取 Queue v1 的模板。它既不是 JSON，也不是 YAML：x。"
        assert several.seen.endswith("111122223333、444455556666。")
        assert whose.seen.startswith("Queue：")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("Task timed out after 60.00 seconds", "Task timed out after 60.00 seconds"),
        ("PUT https://h.example/a/b?c=canary#d failed", "PUT https://h.example/[cut] failed"),
        (
            '{"url":"https://h.example/a/canary","code":"AccessDenied"}',
            '{"url":"https://h.example/[cut]","code":"[cut]"}',
        ),
        ("a\n  b", "a b"),
    ],
)
def test_an_excerpt_keeps_the_trouble_and_no_secret(line: str, shown: str) -> None:
    assert excerpt(line) == shown
    assert len(excerpt("word " * 1000)) <= 300
