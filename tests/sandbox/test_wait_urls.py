"""Wait URLs behave as S3's presigned PUTs do, and signals as CloudFormation's (aws-facts §1)."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.sandbox.gate import Gate, fetch, send, signal, until


@pytest.fixture
def faults(sandbox: str, account: str) -> Iterator[Any]:
    def configure(**document: Any) -> None:
        answer = send(f"{sandbox}/_gatehouse/faults?account={account}", json.dumps(document).encode(), "POST")
        assert answer.status == 200, answer.body

    yield configure
    configure()


def puts(sandbox: str, stack: str) -> list[dict[str, Any]]:
    everything = json.loads(fetch(f"{sandbox}/_gatehouse/puts"))
    return [put for put in everything if put["key"].startswith(f"{stack}/")]


def test_url_names_stack_and_handle_and_is_signed_with_temporary_credentials(gate: Gate, sandbox: str) -> None:
    stack, url = gate.waiting()
    parts, query = urlsplit(url), {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
    bucket, key = parts.path.lstrip("/").split("/", 1)
    assert url.startswith(sandbox)
    assert bucket == "cloudformation-waitcondition-us-east-1"
    assert key.startswith("arn%3Aaws%3Acloudformation%3Aus-east-1%3A")
    assert re.fullmatch(re.escape(stack) + r"/[0-9a-f-]{36}/Handle", unquote(key))
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert query["X-Amz-Credential"].startswith("ASIA")
    assert (query["X-Amz-Expires"], query["X-Amz-SignedHeaders"]) == ("43199", "host")
    assert len(query["X-Amz-Security-Token"]) > 850
    gate.cloudformation.delete_stack(StackName=stack)


def test_success_releases_the_stack_and_is_answered_empty_with_etag_and_version(gate: Gate) -> None:
    stack, url = gate.waiting()
    answer = send(url, signal(unique_id="gh-1", Data="receipt"))
    assert (answer.status, answer.body) == (200, b"")
    assert re.fullmatch(r'"[0-9a-f]{32}"', answer.headers["etag"])
    assert answer.headers["x-amz-version-id"]
    ended = gate.ended(stack)
    assert ended["StackStatus"] == "CREATE_COMPLETE"
    assert json.loads(ended["Outputs"][0]["OutputValue"]) == {"gh-1": "receipt"}


def test_failure_rolls_back_at_once_with_the_reason_in_the_event(gate: Gate) -> None:
    stack, url = gate.waiting()
    assert send(url, signal("FAILURE", "gh-2", Reason="GH-2: too big")).status == 200
    assert gate.ended(stack)["StackStatus"] == "ROLLBACK_COMPLETE"
    reason = "WaitCondition received failed message: 'GH-2: too big' for uniqueId: gh-2"
    story = gate.story(stack)
    assert ("Wait", "CREATE_FAILED", reason) in story
    assert (
        "stack",
        "ROLLBACK_IN_PROGRESS",
        "The following resource(s) failed to create: [Wait]. Rollback requested by user.",
    ) in story


def test_put_after_the_wait_has_ended_is_stored_and_changes_nothing(gate: Gate, sandbox: str) -> None:
    stack, url = gate.waiting()
    send(url, signal("FAILURE", "first"))
    gate.ended(stack)
    assert send(url, signal("SUCCESS", "second")).status == 200
    assert gate.stack(stack)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert [(put["UniqueId"], put["effective"]) for put in puts(sandbox, stack)] == [("first", True), ("second", False)]


def test_repeated_signal_is_a_retransmission(gate: Gate, sandbox: str) -> None:
    template = gate.template()
    template["Resources"]["Wait"]["Properties"]["Count"] = 2
    stack, url = gate.waiting(template)
    assert [send(url, signal(unique_id=name)).status for name in ("a", "a", "b")] == [200, 200, 200]
    assert json.loads(gate.ended(stack)["Outputs"][0]["OutputValue"]) == {"a": "", "b": ""}
    assert [put["effective"] for put in puts(sandbox, stack)] == [True, False, True]


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"", signal("MAYBE"), signal(unique_id=""), signal(Data="x" * 4096), b'{"Status":"SUCCESS"}'],
    ids=["half", "list", "empty", "status", "no id", "too long", "id missing"],
)
def test_nonsense_is_stored_and_fails_the_wait(gate: Gate, body: bytes) -> None:
    stack, url = gate.waiting()
    assert send(url, body).status == 200
    assert gate.ended(stack)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert ("Wait", "CREATE_FAILED", "Unparsable WaitCondition data") in gate.story(stack)


def test_altered_url_other_method_and_content_type_do_not_match_the_signature(gate: Gate) -> None:
    stack, url = gate.waiting()
    body = signal()
    refused = [
        send(url.replace("%3A", ":"), body),
        send(url.replace("/Handle?", "/Handel?"), body),
        send(url.replace("X-Amz-Expires=43199", "X-Amz-Expires=86399"), body),
        send(url[:-1] + ("0" if url[-1] != "0" else "1"), body),
        send(url + "&x=1", body),
        send(url, body, content_type="application/json"),
        send(url, b"", method="GET", content_type=None),
        send(url, body, method="POST"),
    ]
    assert {(answer.status, re.search(b"<Code>(.*?)</Code>", answer.body)[1]) for answer in refused} == {  # type: ignore[index]
        (403, b"SignatureDoesNotMatch")
    }
    assert gate.stack(stack)["StackStatus"] == "CREATE_IN_PROGRESS"
    assert send(url, body, content_type=None).status == 200
    assert gate.ended(stack)["StackStatus"] == "CREATE_COMPLETE"


def test_expired_url_is_denied_with_both_times(gate: Gate, faults: Any) -> None:
    faults(wait_url_expires=1)
    stack, url = gate.waiting()
    time.sleep(2.1)
    answer = send(url, signal())
    assert answer.status == 403
    assert b"<Code>AccessDenied</Code><Message>Request has expired</Message>" in answer.body
    assert re.search(rb"<Expires>\d{4}-.*Z</Expires><ServerTime>\d{4}-.*Z</ServerTime>", answer.body)
    gate.cloudformation.delete_stack(StackName=stack)


def test_planned_trouble_is_answered_in_order_and_stores_nothing_unless_told(
    gate: Gate, faults: Any, sandbox: str
) -> None:
    faults(put=[{"status": 503}, {"status": 500}, {"code": "ExpiredToken"}, {"status": 503, "stored": True}])
    stack, url = gate.waiting()
    body = signal(unique_id="once")
    answers = [send(url, body) for _ in range(5)]
    assert [answer.status for answer in answers] == [503, 500, 400, 503, 200]
    assert b"<Code>ExpiredToken</Code><Message>The provided token has expired.</Message>" in answers[2].body
    seen = puts(sandbox, stack)
    assert len({put["sha256"] for put in seen}) == 1
    assert [put["effective"] for put in seen] == [False, False, False, True, False]
    assert "X-Amz" not in json.dumps(seen)
    assert gate.ended(stack)["StackStatus"] == "CREATE_COMPLETE"


def test_planned_delay_holds_the_answer(gate: Gate, faults: Any) -> None:
    faults(put=[{"delay": 0.5}])
    stack, url = gate.waiting()
    started = time.monotonic()
    assert send(url, signal()).status == 200
    assert time.monotonic() - started > 0.5
    gate.ended(stack)


def test_fault_nobody_knows_is_refused(sandbox: str) -> None:
    for body in (b'{"putt": []}', b"[]", b"{", b'{"put": [{"status": "many"}]}'):
        assert send(f"{sandbox}/_gatehouse/faults?account=999999999999", body, "POST").status == 400


def test_timeout_ends_the_wait_with_the_sentence_of_cloudformation(gate: Gate) -> None:
    stack, _ = gate.waiting(gate.template(timeout=1))
    assert gate.ended(stack)["StackStatus"] == "ROLLBACK_COMPLETE"
    reason = "WaitCondition timed out. Received 0 conditions when expecting 1"
    assert ("Wait", "CREATE_FAILED", reason) in gate.story(stack)


def test_signal_that_comes_before_the_wait_counts(gate: Gate) -> None:
    template = gate.template(Slow="1")
    stack = gate.create(template)
    url = until(lambda: handle_url(gate, stack))
    assert send(url, signal(Data="early")).status == 200
    assert gate.stack(stack)["StackStatus"] == "CREATE_IN_PROGRESS"
    assert json.loads(gate.ended(stack)["Outputs"][0]["OutputValue"]) == {"u1": "early"}


def handle_url(gate: Gate, stack: str) -> str:
    events = (e for e in gate.events(stack) if e["LogicalResourceId"] == "Handle" and e["PhysicalResourceId"])
    return next((str(event["PhysicalResourceId"]) for event in events), "")
