"""Deciding by e-mail link: who may, what CloudFormation and the desk are told, and everything that must not work."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lambdas.approve import index
from lambdas.approve.signal import check_address
from lambdas.decisions import launch_id
from lambdas.shared import canonical, sha256
from lambdas.verify.index import handler as verify
from lambdas.verify.index import part_of
from tests.lambdas.cloud import Context
from tests.lambdas.mail import APPROVE, REJECT, Asked, Mail


def nothing_happened(mail: Mail, launch: Asked) -> bool:
    return "decision" not in mail.row(launch) and not mail.buckets.puts and not mail.heard()


# Deciding


def test_an_approval_goes_to_cloudformation_with_a_receipt_that_verify_accepts(mail: Mail) -> None:
    launch = mail.launch()
    answer = mail.post(launch, APPROVE | {"reason": "fine"})
    assert answer.status == 200
    assert "the stack goes on" in answer.body
    (put,) = mail.buckets.puts
    assert put.headers["content-type"] == ""
    assert put.body["Status"] == "SUCCESS"
    assert put.body["Reason"] == "Approved by Amir by e-mail link: fine"
    assert len(json.dumps(put.body)) <= 2048
    receipt = put.body["Data"]
    header, statement = (part_of(part) for part in receipt.split(".")[:2])
    assert header == {"alg": "ES256", "kid": mail.names["key"]}
    decision = {name: value["S"] for name, value in mail.row(launch)["decision"]["M"].items()}
    assert statement == {
        "v": 1,
        "stack": launch.stack_id,
        "fp": launch.fingerprint,
        "decision": "approved",
        "request": "",
        "approvers": 1,
        "record": sha256(canonical(decision)),
        "iat": statement["iat"],
        "via": "email",
    }
    assert decision["unique_id"] == put.body["UniqueId"]
    assert verdict_of_verify(mail, launch, {put.body["UniqueId"]: receipt}) == "SUCCESS"


def verdict_of_verify(mail: Mail, launch: Asked, data: dict[str, str]) -> str:
    """What the receipt resource of the stack says."""
    request_id = "0f0f0f0f-1111-4222-8333-444444444444"
    verify(
        {
            "RequestType": "Delete" if not data else "Create",
            "ResponseURL": mail.buckets.response_url("ApprovalReceiptV1", request_id, launch.stack_id),
            "StackId": launch.stack_id,
            "RequestId": request_id,
            "LogicalResourceId": "ApprovalReceiptV1",
            "ResourceProperties": {"Data": json.dumps(data), "Fingerprint": launch.fingerprint},
        },
        Context(),
    )
    return str(mail.buckets.puts[-1].body["Status"])


def test_a_rejection_fails_the_wait_at_once_with_the_reason(mail: Mail) -> None:
    launch = mail.launch()
    answer = mail.post(launch, REJECT | {"reason": "too\nlarge 太大"})
    assert answer.status == 200
    assert "is rolled back" in answer.body
    (put,) = mail.buckets.puts
    assert (put.body["Status"], put.body["Reason"]) == ("FAILURE", "Rejected by Amir by e-mail link: too large 太大")


def test_a_long_reason_stays_within_what_cloudformation_reads(mail: Mail) -> None:
    launch = mail.launch()
    assert mail.post(launch, REJECT | {"reason": "界" * 1000}).status == 200
    (put,) = mail.buckets.puts
    assert len(json.dumps(put.body)) <= 2048
    assert put.body["Reason"].count("界") > 250


@pytest.mark.parametrize("form", [APPROVE, REJECT], ids=["approved", "rejected"])
def test_a_held_update_gets_the_answer_of_its_resource(mail: Mail, form: dict[str, str]) -> None:
    launch = mail.launch(update=True, request_id="5e6f7a8b-1111-4222-8333-444444444444")
    assert mail.post(launch, form).status == 200
    (put,) = mail.buckets.puts
    approved = form is APPROVE
    assert put.path == launch.url.removeprefix(mail.buckets.origin)
    assert put.body["Status"] == ("SUCCESS" if approved else "FAILED")
    assert put.body["PhysicalResourceId"] == f"gatehouse-{launch.fingerprint if approved else 'b' * 64}"
    assert (put.body["StackId"], put.body["LogicalResourceId"]) == (launch.stack_id, "ApprovalRequestV1")
    assert put.body["RequestId"] == "5e6f7a8b-1111-4222-8333-444444444444"
    if approved:
        assert put.body["Data"]["Fingerprint"] == launch.fingerprint
        assert verdict_of_verify(mail, launch, {"x": put.body["Data"]["Receipt"]}) == "SUCCESS"
    else:
        assert put.body["Reason"].endswith("too large")


def test_the_desk_hears_of_it_before_cloudformation_does(mail: Mail, valid: Callable[[Any], None]) -> None:
    launch = mail.launch()
    heard: list[dict[str, Any]] = []
    mail.buckets.on_put = lambda: heard.extend(mail.heard())
    mail.post(launch, REJECT)
    (envelope,) = heard
    assert envelope.pop("attributes")["kind"]["Value"] == "decision"
    valid(envelope)
    decision = {name: value["S"] for name, value in mail.row(launch)["decision"]["M"].items()}
    assert envelope == {
        "version": 1,
        "kind": "decision",
        "id": decision["unique_id"],
        "sent_at": envelope["sent_at"],
        "stack_id": launch.stack_id,
        "logical_id": "ApprovalRequestV1",
        "fingerprint": launch.fingerprint,
        "verdict": "rejected",
        "by": "Amir",
        "reason": "too large",
        "at": decision["at"],
        "unique_id": decision["unique_id"],
    }


def test_the_row_of_a_decided_launch_keeps_no_url(mail: Mail) -> None:
    launch = mail.launch()
    mail.post(launch, APPROVE)
    assert "s3cret-canary" not in json.dumps(mail.rows())
    assert mail.row(launch)["sent_at"]["S"].endswith("Z")


@pytest.mark.parametrize("typed", ["lower", "spaces", "no dash"])
def test_a_code_may_be_typed_in_any_way(mail: Mail, typed: str) -> None:
    launch = mail.launch()
    code = {"lower": launch.code.lower(), "spaces": " ".join(launch.code), "no dash": launch.code.replace("-", "")}
    assert mail.post(launch, APPROVE | {"code": code[typed]}).status == 200


# Reading changes nothing


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", ""])
def test_no_other_method_than_post_changes_anything(mail: Mail, method: str) -> None:
    launch = mail.launch()
    before = mail.rows()
    for _ in range(2):
        answer = mail.visit(launch.link, method, APPROVE | {"code": launch.code})
        assert answer.status == (200 if method in ("GET", "HEAD") else 405)
    assert mail.rows() == before
    assert nothing_happened(mail, launch)


def test_a_head_has_no_body(mail: Mail) -> None:
    assert mail.visit(mail.launch().link, "HEAD").body == ""


# Only once


def test_the_second_post_says_who_decided(mail: Mail) -> None:
    launch = mail.launch()
    mail.post(launch, APPROVE)
    for form in (REJECT | {"name": "Bea"}, APPROVE, {"code": "", "name": ""}):
        answer = mail.post(launch, form)
        assert answer.status == 409
        for words in ("decided before", "Amir", "Approved", "by e-mail link"):
            assert words in answer.body
    assert "Amir" in mail.visit(launch.link).body
    assert mail.visit(launch.link).status == 200
    assert len(mail.buckets.puts) == len(mail.heard()) == 1


def test_fifty_posts_at_once_make_one_decision(mail: Mail) -> None:
    launch = mail.launch()
    forms = [(APPROVE if i % 2 else REJECT) | {"name": f"Person {i}"} for i in range(50)]
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda form: mail.post(launch, form), forms))
    statuses = Counter(answer.status for answer in answers)
    # One that comes between the decision and its sending sends the same bytes once more.
    assert set(statuses) <= {200, 409}
    assert statuses[200] >= 1
    decider = mail.row(launch)["decision"]["M"]["by"]["S"]
    assert all(decider in answer.body for answer in answers)
    assert len({json.dumps(put.body) for put in mail.buckets.puts}) == 1
    assert len({envelope["id"] for envelope in mail.heard()}) == 1


def test_the_desks_decision_stands(mail: Mail) -> None:
    launch = mail.launch()
    decision = {"verdict": "rejected", "by": "Desk Dora", "channel": "desk", "at": "2026-11-22T10:00:00Z"}
    decide_at_the_desk(mail, launch, decision | {"reason": "no budget", "request": "GH-12", "unique_id": "gh-1"})
    answer = mail.post(launch, APPROVE)
    assert answer.status == 409
    for words in ("Rejected", "Desk Dora", "at the desk, GH-12", "no budget", "2026-11-22 10:00 UTC"):
        assert words in answer.body
    assert mail.buckets.puts == []


def decide_at_the_desk(mail: Mail, launch: Asked, decision: dict[str, str]) -> None:
    """The write of the desk's worker (contract of the table)."""
    mail.client("dynamodb").update_item(
        TableName=mail.names["table"],
        Key={"id": {"S": launch_id(launch.stack_id, launch.fingerprint)}},
        UpdateExpression="SET decision = :d, expires = if_not_exists(expires, :e)",
        ConditionExpression="attribute_not_exists(decision)",
        ExpressionAttributeValues={
            ":d": {"M": {name: {"S": value} for name, value in decision.items()}},
            ":e": {"N": "1"},
        },
    )


def test_the_desk_may_decide_while_the_code_is_checked(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    launch = mail.launch()

    def meanwhile(found: Any) -> None:
        made = {"verdict": "approved", "by": "Dora", "channel": "desk", "at": "2026-11-22T10:00:00Z"}
        decide_at_the_desk(mail, launch, made | {"reason": "", "request": "GH-3", "unique_id": "gh-1"})
        check_address(found)

    monkeypatch.setattr(index, "check_address", meanwhile)
    answer = mail.post(launch, REJECT)
    assert answer.status == 409
    assert "Dora" in answer.body
    assert mail.buckets.puts == []


# Links and codes


def test_unknown_altered_and_shortened_links_lead_nowhere(mail: Mail, capsys: pytest.CaptureFixture[str]) -> None:
    launch = mail.launch()
    altered = ("A" if launch.link[0] != "A" else "B") + launch.link[1:]
    for link in ("A" * 43, altered, launch.link[:-1], launch.link + "A", launch.link.swapcase(), "", "../x", "%00"):
        for method in ("GET", "POST"):
            answer = mail.visit(link, method, APPROVE | {"code": launch.code})
            assert answer.status == 404
            assert "leads nowhere" in answer.body
    assert capsys.readouterr().out.count('"message": "refused"') == 16
    assert nothing_happened(mail, launch)


def test_an_expired_link_leads_nowhere_even_before_its_row_is_gone(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    launch = mail.launch()
    monkeypatch.setattr(index, "now", lambda: 4e9)
    assert mail.post(launch, APPROVE).status == 404
    assert nothing_happened(mail, launch)


def test_the_code_of_another_stack_does_not_help(mail: Mail) -> None:
    launch, other = mail.launch(), mail.launch()
    answer = mail.post(launch, APPROVE | {"code": other.code})
    assert answer.status == 403
    assert "Tries left: 4" in answer.body
    assert nothing_happened(mail, launch)
    assert nothing_happened(mail, other)


def wrong(launch: Asked, number: int = 0) -> str:
    digit = "1" if launch.code[0] == "0" else "0"
    return digit + launch.code[1:-1] + "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[number % 32]


def test_five_wrong_codes_lock_the_link_for_the_right_one_too(mail: Mail, capsys: pytest.CaptureFixture[str]) -> None:
    launch = mail.launch()
    answers = [mail.post(launch, APPROVE | {"code": wrong(launch)}) for _ in range(5)]
    assert [answer.status for answer in answers] == [403, 403, 403, 403, 423]
    assert [f"Tries left: {left}." in answer.body for left, answer in zip((4, 3, 2, 1), answers, strict=False)] == [
        True
    ] * 4
    assert mail.post(launch, APPROVE).status == 423
    assert mail.visit(launch.link).status == 423
    assert nothing_happened(mail, launch)
    assert capsys.readouterr().out.count('"message": "refused"') == 7


def test_a_hundred_guesses_at_once_are_five_guesses(mail: Mail) -> None:
    """Were the count read first and written later, all would be compared."""
    launch = mail.launch()
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda i: mail.post(launch, APPROVE | {"code": wrong(launch, i)}), range(100)))
    assert Counter(answer.status for answer in answers) == {403: 4, 423: 96}
    (row,) = [row for row in mail.rows() if row["id"]["S"].startswith("link#")]
    assert row["wrong"]["N"] == "5"
    assert nothing_happened(mail, launch)


def test_another_link_to_the_launch_is_not_locked_with_the_first(mail: Mail) -> None:
    envelope = mail.envelope()
    first, second = mail.asked(envelope), mail.asked(envelope)
    for _ in range(5):
        mail.post(first, APPROVE | {"code": wrong(first)})
    assert mail.post(second, APPROVE).status == 200


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ({"code": ""}, "8 letters and digits"),
        ({"code": "ABC"}, "8 letters and digits"),
        ({"name": " \t "}, "Type your name"),
        ({"name": "x" * 101}, "Type your name"),
        ({"name": "Amir\u202egnp"}, "Type your name"),
        ({"name": "Amir\x00"}, "Type your name"),
        ({"reason": " "}, "Say why"),
        ({"reason": "\u200b"}, "Say why"),
        ({"reason": "x" * 1001}, "At most 1,000"),
        ({"verdict": ""}, "Choose Approve or Reject"),
        ({"verdict": "withdrawn"}, "Choose Approve or Reject"),
    ],
)
def test_what_is_missing_is_said_and_counts_as_no_guess(mail: Mail, missing: dict[str, str], words: str) -> None:
    launch = mail.launch()
    form = {"name": "Kept Name", "verdict": "rejected", "reason": "kept reason"} | missing
    for _ in range(6):
        answer = mail.post(launch, form)
        assert answer.status == 422
    assert words in answer.body
    assert 'aria-invalid="true"' in answer.body or "verdict" in missing
    assert ("Kept Name" in answer.body) == ("name" not in missing)
    assert ("kept reason" in answer.body) == ("reason" not in missing)
    assert launch.code not in answer.body
    assert nothing_happened(mail, launch)
    assert mail.post(launch, APPROVE).status == 200


# Time


def test_nothing_is_decided_after_the_deadline(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    launch = mail.launch()
    until = int(mail.row(launch)["until"]["N"])
    monkeypatch.setattr(index, "now", lambda: float(until))
    for answer in (mail.visit(launch.link), mail.post(launch, APPROVE)):
        assert answer.status == 410
        assert "Too late" in answer.body
    assert nothing_happened(mail, launch)


def test_the_deadline_may_pass_while_the_code_is_checked(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    launch = mail.launch()
    until = int(mail.row(launch)["until"]["N"])
    clock = iter([until - 10.0, until - 10.0] + [until + 1.0] * 9)
    monkeypatch.setattr(index, "now", lambda: next(clock))
    assert mail.post(launch, APPROVE).status == 410
    assert nothing_happened(mail, launch)


# The URL


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/steal",
        "http://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/{stack}/ApprovalHandleV1",
        "https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/arn%3Aaws%3Aother/ApprovalHandleV1",
        "https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com.evil.example.com/{stack}/ApprovalHandleV1",
        "{origin}/elsewhere/{stack}/ApprovalHandleV1",
        "not a url",
    ],
)
@pytest.mark.parametrize("update", [False, True])
def test_a_url_that_is_not_of_the_stack_is_never_called(mail: Mail, url: str, update: bool) -> None:
    envelope = mail.envelope(update=update)
    crafted = url.format(stack=envelope["stack_id"], origin=mail.buckets.origin)
    launch = mail.asked(envelope | {"hold": envelope["hold"] | {"url": crafted}})
    answer = mail.post(launch, APPROVE)
    assert answer.status == 500
    assert "is not called" in answer.body
    assert nothing_happened(mail, launch)


def test_the_url_of_another_stack_is_never_called(mail: Mail) -> None:
    for update in (False, True):
        envelope, other = mail.envelope(update=update), mail.envelope(update=update)
        launch = mail.asked(envelope | {"hold": envelope["hold"] | {"url": other["hold"]["url"]}})
        assert mail.post(launch, APPROVE).status == 500
        assert nothing_happened(mail, launch)


# Events of any shape


@pytest.mark.parametrize(
    "event",
    [None, [], "x", {}, {"requestContext": None}, {"requestContext": {"http": 3}, "headers": [], "body": 7},
     {"rawPath": ["/d/x"], "httpMethod": None}, {"requestContext": {"http": {"method": "POST"}}, "body": {"a": 1}}],
    ids=str,
)  # fmt: skip
def test_any_event_gets_a_page(mail: Mail, event: Any) -> None:
    answer = mail.send(event)
    assert answer.status in (404, 405)
    assert answer.body.startswith("<!doctype html>")


def test_payload_1_0_works_as_well(mail: Mail) -> None:
    launch = mail.launch()
    event = {
        "version": "1.0",
        "resource": "/d/{link}",
        "path": f"/prod/d/{launch.link}",
        "httpMethod": "GET",
        "headers": {"Accept-Language": "zh-CN"},
        "multiValueQueryStringParameters": None,
        "body": None,
        "isBase64Encoded": False,
    }
    assert "您的决定" in mail.send(event).body
    form = f"code={launch.code}&name=Amir&verdict=approved"
    assert mail.send(event | {"httpMethod": "POST", "body": form}).status == 200
    assert len(mail.buckets.puts) == 1


@pytest.mark.parametrize(
    "body", ["%FF%FE=%ZZ", "&" * 5000, "=" * 5000, "\x00", "code", "{}", "--x\r\nContent-Disposition"]
)
@pytest.mark.parametrize("encoded", [False, True])
def test_what_is_not_a_form_is_an_empty_form(mail: Mail, body: str, encoded: bool) -> None:
    launch = mail.launch()
    event = {
        "rawPath": f"/d/{launch.link}",
        "requestContext": {"http": {"method": "POST"}},
        "body": body,
        "isBase64Encoded": encoded,
    }
    assert mail.send(event).status == 422
    assert nothing_happened(mail, launch)


def test_a_body_that_is_too_large_is_not_read(mail: Mail) -> None:
    launch = mail.launch()
    answer = mail.post(launch, APPROVE | {"reason": "x" * 30_000})
    assert answer.status == 413
    assert nothing_happened(mail, launch)
