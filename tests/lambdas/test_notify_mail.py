"""Where mails decide: a launch is stored before it is told, and only the text of the mail has its link."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from lambdas.notify.index import handler
from tests.lambdas.cloud import STACK_ID, Buckets, Cloud, Context, error

Event = Callable[..., dict[str, Any]]
LINK = re.compile(r"https://api\.example\.com/d/([A-Za-z0-9_-]{43})")
CODE = re.compile(r"\b([0-9A-Z]{4})-([0-9A-Z]{4})\b")


@pytest.fixture
def mails(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    monkeypatch.setenv("DECISIONS_TABLE", "gatehouse-decisions")
    monkeypatch.setenv("DECISION_URL", "https://api.example.com")
    return cloud


def words(cloud: Cloud) -> str:
    return str(json.loads(cloud.published[-1]["Message"])["default"])


@pytest.mark.parametrize("desk", ["https://desk.example.com", ""])
def test_a_launch_is_stored_then_told_then_answered(
    mails: Cloud, event: Event, valid: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch, desk: str
) -> None:
    monkeypatch.setenv("DESK_URL", desk)
    handler(event(), Context())
    assert mails.order == ["stored", "stored", "published", "answered"]
    assert [row["id"].partition("#")[0] for row in mails.rows] == ["launch", "link"]
    valid(mails.envelope())
    assert mails.envelope()["gate"]["email_decisions"] is True
    assert LINK.search(words(mails))
    assert CODE.search(words(mails))


def test_link_and_code_stand_in_the_mails_text_and_nowhere_else(
    mails: Cloud, buckets: Buckets, event: Event, capsys: pytest.CaptureFixture[str]
) -> None:
    handler(event(), Context())
    link, code = LINK.search(words(mails)), CODE.search(words(mails))
    assert link
    assert code
    published = mails.published[0]
    doors = {name: text for name, text in json.loads(published["Message"]).items() if name != "default"}
    elsewhere = [
        json.dumps([doors, published["Subject"], published["MessageAttributes"], buckets.puts[0].body, mails.rows]),
        capsys.readouterr().out,
    ]
    for text in elsewhere:
        assert not any(secret in text for secret in (link[1], code[0], code[1] + code[2]))


def test_a_held_update_can_be_decided_by_mail_too(mails: Cloud, buckets: Buckets, event: Event) -> None:
    mails.status = "UPDATE_IN_PROGRESS"
    mails.resources["ApprovalRequestV1"] = ("Custom::NotificationFunction", "UPDATE_IN_PROGRESS", "gatehouse-x")
    handler(event("Update"), Context())
    assert (mails.envelope()["hold"]["kind"], mails.envelope()["gate"]["email_decisions"]) == ("response", True)
    assert LINK.search(words(mails))
    assert buckets.puts == []


def test_what_asks_nobody_stores_nothing(mails: Cloud, event: Event) -> None:
    mails.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    handler(event("Update"), Context())
    mails.status = "CREATE_COMPLETE"
    handler(event(), Context())
    assert mails.rows == []


def test_with_a_desk_trouble_at_the_table_only_costs_the_link(
    mails: Cloud, buckets: Buckets, event: Event, capsys: pytest.CaptureFixture[str]
) -> None:
    mails.errors["PutItem"] = [error("PutItem", "ResourceNotFoundException")]
    handler(event(), Context())
    assert buckets.puts[0].body["Status"] == "SUCCESS"
    assert mails.envelope()["gate"]["email_decisions"] is False
    assert "api.example.com" not in words(mails)
    assert "ResourceNotFoundException" in capsys.readouterr().out


def test_without_a_desk_trouble_at_the_table_stops_the_launch_at_once(
    mails: Cloud, buckets: Buckets, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_URL", "")
    mails.errors["PutItem"] = [error("PutItem", "ResourceNotFoundException")]
    handler(event(), Context())
    answer = buckets.puts[0].body
    assert (mails.published, answer["Status"]) == ([], "FAILED")
    assert answer["Reason"] == (
        "Nobody could be asked to approve this (ResourceNotFoundException), so it was stopped. Please try again."
    )


def test_a_deleted_gate_is_closed_once_cloudformation_is_known_to_have_asked(
    mails: Cloud, buckets: Buckets, event: Event
) -> None:
    buckets.statuses = [403]
    handler(event("Delete"), Context())
    assert mails.rows == []
    handler(event("Delete"), Context())
    assert [row["id"] for row in mails.rows] == [f"launch#{STACK_ID}#{'a' * 64}"]


def test_a_table_in_trouble_does_not_keep_a_delete_from_the_desk(mails: Cloud, event: Event) -> None:
    mails.errors["UpdateItem"] = [error("UpdateItem", "InternalServerError", 500)] * 9
    handler(event("Delete"), Context())
    assert mails.envelope()["event"] == "Delete"


def test_where_mails_decide_nothing_nothing_is_stored(cloud: Cloud, event: Event) -> None:
    handler(event(), Context())
    handler(event("Delete"), Context())
    assert (cloud.rows, cloud.envelope(0)["gate"]["email_decisions"]) == ([], False)
