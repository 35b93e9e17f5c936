"""What the desk reads out of a message, and what it does not believe."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals import awsurls
from approvals.canonical import sha256_hex
from approvals.choices import AlarmCode, HoldKind, Kind
from approvals.facts import LaunchFacts
from approvals.intake import envelope as env
from approvals.intake.strict import NotUnderstood, loads
from portal.storable import storable
from tests.support import envelopes

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def parse(envelope: dict[str, Any] | str, topic_arn: str = envelopes.TOPIC) -> Any:
    raw = envelope if isinstance(envelope, str) else json.dumps(envelope)
    return env.parse(raw, topic_arn=topic_arn, now=NOW)


def launch(**changes: Any) -> LaunchFacts:
    facts = parse(envelopes.launch(NOW, **changes))
    assert isinstance(facts, LaunchFacts)
    return facts


def test_a_launch_is_read_with_everything_an_approver_needs() -> None:
    stack_id = envelopes.new_stack_id()
    facts = launch(stack_id=stack_id)
    assert facts.stack_id == stack_id
    assert (facts.account, facts.region) == ("111122223333", "us-east-1")
    assert facts.stack_name == stack_id.split("/")[1]
    assert (facts.kind, facts.gate, facts.has_receipt_gate) == (Kind.LAUNCH, "ApprovalRequest", True)
    assert (facts.product_id, facts.version_id, facts.portfolio_id) == ("prod-wordpress", "pa-1", "port-1")
    assert facts.provisioned_product_id == "pp-1"
    assert facts.typed_email == "rita@example.com"
    assert [p["name"] for p in facts.parameters] == ["InstanceType", "Password"]
    assert facts.hold is not None
    assert facts.hold.unusable == ""
    assert (facts.hold.kind, facts.hold.wait, facts.hold.timeout) == (HoldKind.WAIT_HANDLE, "ApprovalWait", 42600)
    assert facts.hold.deadline == NOW + timedelta(seconds=42600 - 300)
    assert facts.hold.expires_at == NOW + timedelta(seconds=43199)


def test_the_url_is_in_no_text_of_the_facts() -> None:
    assert envelopes.CANARY not in repr(launch())


@pytest.mark.parametrize(
    ("event", "status", "hold", "kind"),
    [
        ("Create", "CREATE_IN_PROGRESS", "wait_handle", Kind.LAUNCH),
        ("Create", "UPDATE_IN_PROGRESS", "wait_handle", Kind.VERSION_UPDATE),
        ("Update", "UPDATE_IN_PROGRESS", "wait_handle", Kind.VERSION_UPDATE),
        ("Update", "UPDATE_IN_PROGRESS", "response", Kind.PARAMETER_UPDATE),
    ],
)
def test_the_kind_follows_from_event_and_stack(event: str, status: str, hold: str, kind: Kind) -> None:
    opened = envelopes.launch(NOW, event=event, status=status)
    assert parse(envelopes.update(opened, NOW) if hold == "response" else opened).kind == kind


ENDLESS = [
    '"' + '\\"' * 147_000,
    '"\\' * 98_000,
    '"' * 294_000,
    '"a' * 147_000,
    '{"a":"' + "\\" * 294_000,
    "\\" * 294_000,
]


@pytest.mark.parametrize("raw", ENDLESS, ids=range(len(ENDLESS)))
def test_text_that_never_ends_is_turned_away_at_once(raw: str) -> None:
    """As long as a message may be; before, one of them held a process for minutes."""
    began = time.process_time()
    with pytest.raises(NotUnderstood):
        loads(raw, limit=env.MAX_BYTES)
    assert time.process_time() - began < 0.1


def test_brackets_in_a_text_are_no_nesting() -> None:
    assert loads(json.dumps({"a": '[{"' * 100 + "\\"}), limit=env.MAX_BYTES)["a"].count("[") == 100
    with pytest.raises(NotUnderstood, match="deeply"):
        loads('{"a": "\\"", "b": ' + "[" * 40 + "]" * 40 + "}", limit=env.MAX_BYTES)


def test_unknown_keys_are_legal() -> None:
    assert launch(weather="fine").product_id == "prod-wordpress"


def test_an_unusable_url_is_kept_with_its_reason() -> None:
    facts = launch(url="http://169.254.169.254/latest/meta-data/")
    assert facts.hold is not None
    assert facts.hold.unusable == awsurls.NOT_HTTPS
    other = launch(url=envelopes.wait_url(envelopes.new_stack_id(), now=NOW))
    assert other.hold is not None
    assert other.hold.unusable == awsurls.OTHER_STACK


def test_a_message_that_was_under_way_for_an_hour_has_the_deadline_of_its_wait() -> None:
    facts = parse(envelopes.launch(NOW - timedelta(hours=1)))
    assert facts.hold.deadline == NOW - timedelta(hours=1) + timedelta(seconds=42600 - 300)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "nonsense",
        "arn:aws:sns:us-west-2:111122223333:gatehouse-launches",
        "arn:aws:sns:us-east-1:444455556666:gatehouse-launches",
        "arn:aws-cn:sns:us-east-1:111122223333:gatehouse-launches",
        "arn:aws:sns:us-east-1:111122223333:other",
        "arn:aws:sqs:us-east-1:111122223333:gatehouse-launches",
        f"{envelopes.TOPIC}\n",
        f"{envelopes.TOPIC}:x",
    ],
)
def test_a_topic_of_another_account_or_region_is_not_believed(topic: str) -> None:
    with pytest.raises(NotUnderstood, match="topic"):
        parse(envelopes.launch(NOW), topic)


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": "0" * 64},
        {"stack_id": "arn:aws:cloudformation:us-east-1:111122223333:stack/other/1"},
        {"logical_id": "Other"},
        {"requester": {"principal_arn": "arn:aws:iam::111122223333:user/mallory", "email": ""}},
        {"parameters": []},
        {"template": {"sha256": "1" * 64, "description": "", "resource_types": {}, "resources": [], "cut": False}},
    ],
)
def test_facts_that_are_not_what_was_fingerprinted_are_not_believed(change: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstood):
        parse(envelopes.launch(NOW) | change)


def test_another_url_is_another_fingerprint() -> None:
    opened = envelopes.launch(NOW)
    opened["hold"]["url"] += "x"
    with pytest.raises(NotUnderstood, match="fingerprint"):
        parse(opened)


def test_a_shown_value_must_be_the_one_its_digest_stands_for() -> None:
    opened = envelopes.launch(NOW)
    opened["parameters"][0]["value"] = "m5.24xlarge"
    with pytest.raises(NotUnderstood, match="digest"):
        parse(opened)


def test_a_value_too_long_to_travel_counts_by_its_digest() -> None:
    facts = launch(parameters=[envelopes.parameter("Long", None, sha256_hex("x" * 100_000))])
    assert facts.parameters[0]["value"] is None


def test_a_parameter_named_twice_is_not_believed() -> None:
    twice = [envelopes.parameter("A", "1"), envelopes.parameter("A", "2")]
    with pytest.raises(NotUnderstood, match="twice"):
        parse(envelopes.launch(NOW, parameters=twice))


def test_a_delete_names_the_fingerprint_of_its_resource() -> None:
    gone = envelopes.deleted(envelopes.launch(NOW), "DELETE_IN_PROGRESS", NOW)
    facts = parse(gone)
    assert (facts.hold, facts.fingerprint, facts.stack["status"]) == (None, gone["fingerprint"], "DELETE_IN_PROGRESS")
    with pytest.raises(NotUnderstood, match="fingerprint"):
        parse(gone | {"fingerprint": "0" * 64})


def test_a_status_is_read() -> None:
    said = parse(envelopes.wait_status(envelopes.new_stack_id(), "CREATE_FAILED", NOW, "WaitCondition timed out."))
    assert (said.status, said.logical_id, said.at) == ("CREATE_FAILED", "ApprovalWait", NOW)
    of_stack = parse(envelopes.status(envelopes.new_stack_id(), "CREATE_COMPLETE", NOW))
    assert (of_stack.status, of_stack.logical_id) == ("CREATE_COMPLETE", "")


def test_an_alarm_is_read() -> None:
    opened = envelopes.launch(NOW)
    said = parse(envelopes.alarm(opened, "bypass", NOW))
    assert (said.code, said.fingerprint) == (AlarmCode.BYPASS, opened["fingerprint"])


def test_a_message_from_the_future_is_not_believed() -> None:
    parse(envelopes.launch(NOW + timedelta(minutes=4)))
    with pytest.raises(NotUnderstood, match="future"):
        parse(envelopes.launch(NOW + timedelta(minutes=6)))


NASTY = "\x00 \ud800 \u202egnp.exe <script>alert(1)</script> =cmd|'/c calc'!A1 \x1b[31m"


def test_unstorable_characters_become_replacement_characters() -> None:
    facts = launch(parameters=[envelopes.parameter("Name", NASTY)], requester={"principal_arn": "", "email": "a\x00b"})
    json.dumps(facts.parameters).encode()
    assert facts.parameters[0]["value"] == NASTY.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    assert facts.typed_email == "a\ufffdb"
    assert storable({"\x00": ["\udfff"]}) == {"\ufffd": ["\ufffd"]}


def test_long_strings_are_cut() -> None:
    product = dict.fromkeys(
        ("product_id", "product_arn", "portfolio_arn", "provisioned_product_arn", "artifact_id"), "x" * 5000
    )
    facts = launch(product=product, requester={"principal_arn": "p" * 5000, "email": "e" * 300})
    assert len(facts.product_id) == len(facts.version_id) == 100
    assert facts.product_id.endswith("…")
    assert (len(facts.principal_arn), len(facts.typed_email)) == (2048, 254)


BAD_JSON = [
    "",
    " ",
    "null",
    "[]",
    "1",
    '"text"',
    "{",
    "{}}",
    '{"a":1,}',
    "{'a': 1}",
    '{"version": NaN}',
    '{"version": Infinity}',
    '{"version": -Infinity}',
    '{"version": 1e400}',
    '{"version": 1, "version": 1}',
    '{"a": {"b": 1, "b": 2}}',
    "[" * 100_000,
    '{"a":' * 100_000,
    '{"a":' * 33 + "1" + "}" * 33,
    '{"version": ' + "9" * 5000 + "}",
    '{"version": 99999999999999999999}',
    '\ufeff{"version": 1}',
    '{"a": "\x01"}',
    '{"a": "\\x41"}',
    '{"a": "\\ud8"}',
]


@pytest.mark.parametrize("raw", BAD_JSON, ids=range(len(BAD_JSON)))
def test_bad_json_is_not_understood(raw: str) -> None:
    with pytest.raises(NotUnderstood):
        parse(raw)


def test_the_size_is_bounded_in_bytes() -> None:
    assert loads('{"a": "' + "x" * 80 + '"}', limit=100)
    with pytest.raises(NotUnderstood, match="larger"):
        loads('{"a": "' + "é" * 80 + '"}', limit=100)


WRONG = [None, True, 0, -1, 1.5, "", "x", [], {}, [1], {"a": 1}, "9" * 400]


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return (
        [at, *(path for key, item in inner for path in paths(item, (*at, key)))]
        if at
        else [path for key, item in inner for path in paths(item, (key,))]
    )


def changed(envelope: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    copy: Any = json.loads(json.dumps(envelope))
    target = copy
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return dict(copy)


SAMPLES = {
    "launch": envelopes.launch(NOW),
    "delete": envelopes.deleted(envelopes.launch(NOW), "DELETE_IN_PROGRESS", NOW),
    "status": envelopes.status(envelopes.new_stack_id(), "CREATE_COMPLETE", NOW),
    "alarm": envelopes.alarm(envelopes.launch(NOW), "bypass", NOW),
}


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_wrong_type_in_any_field_is_understood_or_refused_never_a_fault(kind: str) -> None:
    for path in paths(SAMPLES[kind]):
        for value in WRONG:
            with suppress(NotUnderstood):
                parse(changed(SAMPLES[kind], path, value))


@pytest.mark.parametrize("kind", SAMPLES)
def test_any_field_may_be_missing_without_a_fault(kind: str) -> None:
    for name in SAMPLES[kind]:
        with pytest.raises(NotUnderstood):
            parse({key: value for key, value in SAMPLES[kind].items() if key != name})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(SAMPLES)), st.data(), json_values)
def test_any_value_anywhere_is_understood_or_refused(kind: str, data: st.DataObject, value: Any) -> None:
    path = data.draw(st.sampled_from(paths(SAMPLES[kind])))
    with suppress(NotUnderstood):
        parse(changed(SAMPLES[kind], path, value))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_understood_or_refused(raw: str) -> None:
    with pytest.raises(NotUnderstood):
        parse(raw)
