"""AWS in trouble, and the function killed between any two steps: one decision, the same bytes, an honest page."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from tests.lambdas.cloud import Clock, error
from tests.lambdas.mail import APPROVE, REJECT, Asked, Killed, Mail, watched


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Sleeping moves the functions' clock; nothing waits."""
    from lambdas import shared
    from lambdas.approve import signal

    clock = Clock()
    monkeypatch.setattr(shared, "time", clock)
    monkeypatch.setattr(signal, "time", clock)
    return clock


def steps_of(mail: Mail, monkeypatch: pytest.MonkeyPatch, launch: Asked, form: dict[str, str]) -> list[str]:
    steps: list[str] = []
    with watched(monkeypatch, steps.append, lambda _: None):
        assert mail.post(launch, form).status == 200
    return steps


APPROVING = ["GetItem", "GetItem", "UpdateItem", "UpdateItem", "Publish", "Sign", "UpdateItem", "PUT", "UpdateItem"]
REJECTING = [step for step in APPROVING if step != "Sign"]
DECIDED = 3  # the step that decides


@pytest.mark.parametrize("update", [False, True], ids=["launch", "update"])
def test_the_order_of_the_steps_is_the_protocol(mail: Mail, monkeypatch: pytest.MonkeyPatch, update: bool) -> None:
    assert steps_of(mail, monkeypatch, mail.launch(update=update), APPROVE) == APPROVING
    assert steps_of(mail, monkeypatch, mail.launch(update=update), REJECT) == REJECTING


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(len(APPROVING)), ids=lambda at: f"{at}-{APPROVING[at]}")
def test_killed_anywhere_the_next_post_brings_it_to_the_same_end(
    mail: Mail, monkeypatch: pytest.MonkeyPatch, at: int, done: bool
) -> None:
    launch, seen = mail.launch(), 0

    def kill(operation: str) -> None:
        nonlocal seen
        seen += 1
        if seen == at + 1:
            raise Killed

    moments = (lambda _: None, kill) if done else (kill, lambda _: None)
    with watched(monkeypatch, *moments), pytest.raises(Killed):
        mail.post(launch, APPROVE | {"name": "First"})
    first = mail.row(launch).get("decision", {}).get("M")
    assert (first is not None) == (at > DECIDED or (at == DECIDED and done))

    page = mail.visit(launch.link)
    assert page.status == 200
    answer = mail.post(launch, REJECT | {"name": "Second"})
    over = at == len(APPROVING) - 1 and done
    assert answer.status == (409 if over else 200)
    row = mail.row(launch)
    assert row["decision"]["M"] == (first or row["decision"]["M"])
    assert row["decision"]["M"]["by"]["S"] == ("First" if first else "Second")
    assert row["decision"]["M"]["by"]["S"] in answer.body
    sent = {json.dumps(put.body) for put in mail.buckets.puts}
    assert sent == {row["body"]["S"]}
    assert {envelope["id"] for envelope in mail.heard()} == {row["decision"]["M"]["unique_id"]["S"]}
    assert "sent_at" in row


def test_going_on_needs_the_code_but_neither_name_nor_reason(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    launch = mail.launch()

    def kill(operation: str) -> None:
        if operation == "Publish":
            raise Killed

    with watched(monkeypatch, kill, lambda _: None), suppress(Killed):
        mail.post(launch, APPROVE)
    page = mail.visit(launch.link)
    assert "CloudFormation was not told yet" in page.body
    assert 'name="name"' not in page.body
    assert mail.post(launch, {"code": ""}).status == 409
    wrong = mail.post(launch, {"code": "0" * 8 if launch.code[0] != "0" else "1" * 8})
    assert (wrong.status, "Tries left: 4" in wrong.body) == (403, True)
    assert mail.buckets.puts == []
    assert mail.post(launch, {}).status == 200
    assert mail.buckets.puts[0].body["Status"] == "SUCCESS"


def fail(*operations: str) -> object:
    def raised(operation: str) -> None:
        if operation in operations:
            raise error(operation, "KMSInvalidStateException")

    return raised


@pytest.mark.parametrize("operation", ["Publish", "Sign"])
def test_trouble_after_the_decision_leaves_a_button(
    mail: Mail, monkeypatch: pytest.MonkeyPatch, operation: str, capsys: pytest.CaptureFixture[str]
) -> None:
    launch = mail.launch()
    with watched(monkeypatch, fail(operation), lambda _: None):  # type: ignore[arg-type]
        answer = mail.post(launch, APPROVE)
    assert answer.status == 502
    assert "Recorded, but CloudFormation was not told yet" in answer.body
    assert "Try again" in answer.body
    assert mail.buckets.puts == []
    said = capsys.readouterr().out
    assert "KMSInvalidStateException" in said
    assert "s3cret" not in said
    assert mail.post(launch, {}).status == 200


def test_a_rejection_needs_no_signature(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    launch = mail.launch()
    with watched(monkeypatch, fail("Sign"), lambda _: None):  # type: ignore[arg-type]
        assert mail.post(launch, REJECT).status == 200


def test_without_a_desk_nobody_misses_the_message(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_URL", "")
    launch = mail.launch()
    with watched(monkeypatch, fail("Publish"), lambda _: None):  # type: ignore[arg-type]
        assert mail.post(launch, APPROVE).status == 200
    assert mail.buckets.puts[0].body["Status"] == "SUCCESS"


@pytest.mark.parametrize("operation", ["GetItem", "UpdateItem"])
def test_trouble_before_the_decision_says_that_nothing_was_changed(
    mail: Mail, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    launch = mail.launch()
    with watched(monkeypatch, fail(operation), lambda _: None):  # type: ignore[arg-type]
        answer = mail.post(launch, APPROVE)
    assert answer.status == 500
    assert "Nothing was changed" in answer.body
    assert "decision" not in mail.row(launch)


def test_an_answer_lost_on_the_way_is_asked_for_again(
    mail: Mail, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """The write was made, its answer was lost: the second try finds its own decision."""
    launch, updates = mail.launch(), 0

    def lose(operation: str) -> None:
        nonlocal updates
        updates += operation == "UpdateItem"
        if operation == "UpdateItem" and updates == 2:
            raise error("UpdateItem", "InternalServerError", 500)

    with watched(monkeypatch, lambda _: None, lose):
        assert mail.post(launch, APPROVE).status == 200
    assert len(mail.buckets.puts) == 1


def test_when_the_deciding_write_cannot_be_known_the_page_says_so(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    launch, updates = mail.launch(), 0

    def lose(operation: str) -> None:
        nonlocal updates
        updates += operation == "UpdateItem"
        if operation == "UpdateItem" and updates == 2:
            raise error("UpdateItem", "ValidationException")

    with watched(monkeypatch, lambda _: None, lose):
        answer = mail.post(launch, APPROVE)
    assert answer.status == 503
    assert "It is not certain" in answer.body
    assert mail.post(launch, {}).status == 200


def test_s3_in_trouble_is_asked_again_with_the_same_bytes(mail: Mail, clock: Clock) -> None:
    launch = mail.launch()
    mail.buckets.statuses = [500, 503, 429]
    assert mail.post(launch, APPROVE).status == 200
    assert len({json.dumps(put.body) for put in mail.buckets.puts}) == 1
    assert len(mail.buckets.puts) == 4


def test_s3_out_of_reach_leaves_a_button_within_the_apis_time(mail: Mail, clock: Clock) -> None:
    launch = mail.launch()
    mail.buckets.statuses = [503] * 99
    began = clock.now
    answer = mail.post(launch, APPROVE)
    assert answer.status == 502
    assert "Try again" in answer.body
    assert clock.now - began < 26
    mail.buckets.statuses = []
    assert mail.post(launch, {}).status == 200
    assert len({json.dumps(put.body) for put in mail.buckets.puts}) == 1


def test_a_wait_that_takes_no_answer_is_said_to_be_one(mail: Mail) -> None:
    launch = mail.launch()
    mail.buckets.statuses = [403]
    answer = mail.post(launch, APPROVE)
    assert answer.status == 502
    assert "takes no answer any more" in answer.body
    assert len(mail.buckets.puts) == 1
    assert "sent_at" not in mail.row(launch)
