"""What notify puts into the table for decisions by e-mail, and what the mail says."""

from __future__ import annotations

import hashlib
import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from approvals import awsurls
from lambdas.decisions import code_in, launch_id
from lambdas.notify.link import asked, closed, decides_by_mail
from lambdas.notify.message import until_of, words_for
from lambdas.shared import stack_of
from tests.lambdas.mail import APPROVE, REJECT, Mail

LATER = 1e9


def words(mail: Mail, envelope: dict[str, Any]) -> str:
    return words_for(envelope, stack_of(envelope["stack_id"]), asked(envelope, LATER))


def test_link_and_code_are_kept_as_hashes_only(mail: Mail) -> None:
    launch = mail.launch()
    stored = json.dumps(mail.rows())
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", launch.link)
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", launch.code)
    code = launch.code.replace("-", "")
    for secret in (launch.link, launch.code, code):
        assert secret not in stored
    (row,) = [row for row in mail.rows() if row["id"]["S"].startswith("link#")]
    assert row["id"]["S"] == "link#" + hashlib.sha256(launch.link.encode()).hexdigest()
    assert row["code"]["S"] == hashlib.sha256(f"{launch.link}:{code}".encode()).hexdigest()
    assert row["launch"]["S"] == launch_id(launch.stack_id, launch.fingerprint)


def test_rows_expire_a_day_after_the_wait(mail: Mail) -> None:
    mail.launch(timeout=3600)
    until = time.time() + 3600 - 180
    for row in mail.rows():
        assert int(row["expires"]["N"]) == pytest.approx(until + 86_400, abs=60)


def test_a_repeated_event_makes_another_link_to_the_same_launch(mail: Mail) -> None:
    envelope = mail.envelope()
    first, second = mail.asked(envelope), mail.asked(envelope)
    assert first.link != second.link
    assert len(mail.rows()) == 3
    assert mail.post(first, APPROVE).status == 200
    answer = mail.post(second, REJECT)
    assert answer.status == 409
    assert "Amir" in answer.body
    assert len(mail.buckets.puts) == 1


def test_a_repeated_event_never_replaces_what_was_stored_first(mail: Mail) -> None:
    envelope = mail.envelope()
    launch = mail.asked(envelope)
    before = mail.row(launch)
    changed = envelope["hold"] | {"url": mail.envelope()["hold"]["url"]}
    mail.asked(envelope | {"hold": changed, "parameters": []})
    assert mail.row(launch) == before


def test_an_update_asked_for_again_waits_for_an_answer_of_its_own(mail: Mail) -> None:
    """The desk fails an update after an hour; the identical one has the same fingerprint and another hold."""
    envelope = mail.envelope(update=True, date=stamp(-7200))
    first = mail.asked(envelope)
    assert mail.post(first, APPROVE).status == 410
    again: dict[str, Any] = {"update": True, "stack_id": first.stack_id, "fingerprint": first.fingerprint}
    second = mail.asked(mail.envelope(**again))
    assert mail.asked(envelope).id == first.id != second.id
    assert mail.post(second, REJECT).status == 200
    # And once more, after a decision.
    assert mail.post(mail.asked(mail.envelope(**again)), APPROVE).status == 200
    assert mail.row(second)["decision"]["M"]["verdict"]["S"] == "rejected"
    assert [put.body["Status"] for put in mail.buckets.puts] == ["FAILED", "SUCCESS"]


def stamp(seconds: int) -> str:
    """An X-Amz-Date, that long from now."""
    return f"{datetime.now(UTC) + timedelta(seconds=seconds):%Y%m%dT%H%M%SZ}"


def test_a_deleted_gate_leaves_nothing_to_decide_and_no_url(mail: Mail) -> None:
    launch = mail.launch()
    closed(launch.stack_id, launch.fingerprint, LATER)
    assert "s3cret-canary" not in json.dumps(mail.rows())
    for method in ("GET", "POST"):
        answer = mail.visit(launch.link, method, APPROVE | {"code": launch.code})
        assert answer.status == 410
        assert "CloudFormation ended the wait" in answer.body
    assert mail.buckets.puts == []


def test_a_deleted_gate_nobody_asked_about_makes_no_row(mail: Mail) -> None:
    closed(mail.stack_id("SC-x"), "a" * 64, LATER)
    assert mail.rows() == []


@pytest.mark.parametrize("name", ["DECISIONS_TABLE", "DECISION_URL"])
def test_nothing_is_stored_while_decisions_by_mail_are_off(
    mail: Mail, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "")
    assert not decides_by_mail()
    assert asked(mail.envelope(), LATER) is None
    closed(mail.stack_id("SC-x"), "a" * 64, LATER)
    assert mail.rows() == []


def test_trouble_at_the_table_does_not_keep_a_launch_from_the_desk(
    mail: Mail, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DECISIONS_TABLE", "not-there")
    assert asked(mail.envelope(), LATER) is None
    closed(mail.stack_id("SC-x"), "a" * 64, LATER)
    said = capsys.readouterr().out
    assert said.count("ResourceNotFoundException") == 2
    assert "s3cret-canary" not in said


def test_without_a_desk_trouble_at_the_table_stops_the_launch(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DECISIONS_TABLE", "not-there")
    monkeypatch.setenv("DESK_URL", "")
    with pytest.raises(ClientError, match=r"ResourceNotFoundException") as error:
        asked(mail.envelope(), LATER)
    assert "s3cret-canary" not in str(error.value)


def test_the_largest_launch_fits_into_a_row(mail: Mail) -> None:
    value = '\x01\\"界' * 1024
    parameters = [{"name": f"{i:03}" + "P" * 250, "value": value, "no_echo": False, "length": 4096} for i in range(200)]
    types = {f"AWS::Service{i:03}::{'T' * 40}": 1 for i in range(500)}
    template = {"description": "d" * 1024, "resource_types": types, "cut": False}
    launch = mail.launch(parameters=parameters, template=template)
    page = mail.visit(launch.link)
    assert page.status == 200
    assert page.body.count("cut, 4096 characters in all") == 200


def test_half_a_surrogate_pair_is_no_trouble(mail: Mail) -> None:
    launch = mail.launch(parameters=[{"name": "P", "value": "\ud83d", "no_echo": False, "length": 1}])
    assert mail.visit(launch.link).status == 200


# The mail


def test_the_mail_holds_desk_link_and_code_apart(mail: Mail) -> None:
    envelope = mail.envelope()
    lines = words(mail, envelope).split("\n")
    desk, link, code = (next(i for i, line in enumerate(lines) if line.startswith(start)) for start in STARTS)
    assert lines[desk].endswith(f"https://desk.example.com/f/{envelope['fingerprint']}/")
    assert re.fullmatch(r"Approve or reject: https://api\.example\.com/d/[\w-]{43}", lines[link])
    assert re.fullmatch(r"Code: [0-9A-Z]{4}-[0-9A-Z]{4}", lines[code])
    text = " ".join(lines)
    assert "do not forward" in text
    assert "a launch or an update of your own" in text
    assert "请勿转发" in text
    assert "s3cret-canary" not in text


STARTS = ("Decide at the desk:", "Approve or reject:", "Code:")


def test_without_a_desk_the_mail_names_none(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_URL", "")
    text = words(mail, mail.envelope())
    assert "Approve or reject: https://api.example.com/d/" in text
    assert "desk" not in text


def test_the_deadline_is_the_desks(mail: Mail) -> None:
    """min(URL's end, start + timeout), less five minutes or 5 %, as approvals.awsurls has it."""
    hold = mail.envelope(timeout=600)["hold"]
    assert until_of(hold).timestamp() == pytest.approx(time.time() + 570, abs=5)
    held = mail.envelope(update=True)["hold"]
    expires = awsurls.expiry(held["url"])
    assert expires is not None
    started = expires - timedelta(seconds=43199)
    assert until_of(held) == awsurls.deadline(started=started, timeout=3600, expires_at=expires)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ABCD-EFGH", "ABCDEFGH"),
        (" abcd efgh\n", "ABCDEFGH"),
        ("oOiIlL00", "00111100"),
        ("ABCDEFG", ""),
        ("ABCDEFGHJ", ""),
        ("ABCDEFGU", ""),
        ("ABCDEFG界", ""),
        ("", ""),
    ],
)
def test_a_code_is_read_as_it_was_meant(typed: str, meant: str) -> None:
    assert code_in(typed) == meant
