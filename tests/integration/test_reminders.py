"""The ladder of reminders: whom, when, once, and never after the decision."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
from django.db import connection

from approvals import actions, reminders, tasks
from approvals.audit import Event
from approvals.choices import NoticeCode
from approvals.models import AuditEvent, Delivery, LaunchRequest, Membership, Notice
from approvals.notifications import recipients
from portal.accounts.models import User
from tests.support.cast import Cast
from tests.support.launches import open_launch
from tests.support.telling import by, send_all, sent, told

START = datetime(2031, 5, 4, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def launch(cast: Cast, clock: Any) -> LaunchRequest:
    """Ten hours from opening to deadline; the mails about its opening are gone."""
    launch = open_launch(START)
    LaunchRequest.objects.filter(pk=launch.pk).update(deadline=START + 10 * HOUR)
    send_all()
    launch.refresh_from_db()
    return launch


def at(clock: Any, hours: float) -> datetime:
    moment = START + hours * HOUR
    clock.move_to(moment)
    return moment


def climb(clock: Any, hours: float) -> int:
    return reminders.remind(at(clock, hours))


def rungs() -> list[int]:
    events = AuditEvent.objects.filter(code=Event.REMINDED).order_by("pk")
    return [event.params["percent"] for event in events]


def test_each_rung_is_told_once(cast: Cast, launch: LaunchRequest, clock: Any) -> None:
    told_at = {hours: climb(clock, hours) for hours in (4.9, 5, 5.5, 7.4, 7.5, 7.6, 8.9, 9, 9.5, 9.9)}
    assert [hours for hours, told in told_at.items() if told] == [5, 7.5, 9]
    assert rungs() == [50, 75, 90]
    assert Notice.objects.filter(code=NoticeCode.REMINDED).count() == 3


def test_the_desk_reads_how_much_time_is_over(cast: Cast, launch: LaunchRequest, clock: Any) -> None:
    climb(clock, 5)
    letters = sent()
    assert set(letters) == {"amir@example.com", "bea@example.com"}
    assert letters["amir@example.com"].subject == f"Reminder, decide by 16:00: {launch.title}, Rita ({launch.number})"
    assert "Nobody has decided yet, and 50 percent of the time are over." in letters["amir@example.com"].body
    assert "(in 5 hours)" in letters["amir@example.com"].body


def test_after_an_outage_one_mail_tells_of_the_highest_rung(cast: Cast, launch: LaunchRequest, clock: Any) -> None:
    assert climb(clock, 9.5) == 1
    assert climb(clock, 9.6) == 0
    assert rungs() == [90]


def test_nobody_is_reminded_after_the_decision_or_the_deadline(cast: Cast, launch: LaunchRequest, clock: Any) -> None:
    late = open_launch(START)
    LaunchRequest.objects.filter(pk=late.pk).update(deadline=START + 10 * HOUR)
    actions.approve(launch.pk, actor=by(cast.approver), now=at(clock, 1))
    assert climb(clock, 5) == 1
    assert climb(clock, 10) == 0
    assert reminders.rung(LaunchRequest.objects.get(pk=launch.pk), START + 9 * HOUR) == 0


def test_reminder_is_not_sent_once_it_was_decided(cast: Cast, launch: LaunchRequest, clock: Any) -> None:
    climb(clock, 5)
    actions.approve(launch.pk, actor=by(cast.approver), now=at(clock, 5.1))
    assert set(sent()) == {"rita@example.com"}
    kept = Delivery.objects.filter(notice__code=NoticeCode.REMINDED)
    assert set(kept.values_list("last_result", flat=True)) <= {"overtaken"}


def test_short_launch_is_reminded_of_at_half_and_at_ninety_percent_only(
    cast: Cast, launch: LaunchRequest, clock: Any
) -> None:
    LaunchRequest.objects.filter(pk=launch.pk).update(deadline=START + HOUR / 2)
    told_at = {minutes: climb(clock, minutes / 60) for minutes in (14, 15, 20, 23, 26, 27, 29)}
    assert [minutes for minutes, told in told_at.items() if told] == [15, 27]
    assert rungs() == [50, 90]


def test_while_an_answer_is_awaited_the_requester_is_reminded_and_at_last_the_desk(
    cast: Cast, launch: LaunchRequest, clock: Any
) -> None:
    actions.ask(launch.pk, actor=by(cast.approver), now=at(clock, 1), text="Why?")
    send_all()
    climb(clock, 5)
    letters = sent()
    assert set(letters) == {"rita@example.com"}
    assert letters["rita@example.com"].subject.startswith("Reminder, answer by 16:00")
    climb(clock, 9)
    assert set(sent()) == {"rita@example.com", "amir@example.com", "bea@example.com"}


def test_last_call_comes_at_once_to_those_who_wish_one_mail_a_day(
    cast: Cast, launch: LaunchRequest, clock: Any
) -> None:
    """A digest of tomorrow would tell of a launch that was rolled back."""
    User.objects.filter(pk=cast.approver.pk).update(mail_wish="digest")
    User.objects.filter(pk=cast.second_approver.pk).update(mail_wish="none")
    for hours in (5, 7.5):
        climb(clock, hours)
        assert send_all() == []
    climb(clock, 9)
    letters = sent()
    assert set(letters) == {"amir@example.com"}
    assert letters["amir@example.com"].subject.startswith("Reminder, decide by 16:00")
    assert "List-Unsubscribe" in letters["amir@example.com"].extra_headers
    assert "Your preferences at the desk say which mails you get." in letters["amir@example.com"].body
    waiting = Delivery.objects.filter(notice__code=NoticeCode.REMINDED, status="queued")
    assert [one.notice.event.params["percent"] for one in waiting.order_by("pk")] == [50, 75]
    assert all(one.in_digest for one in waiting)


def test_last_call_is_kept_back_with_the_decision(cast: Cast, launch: LaunchRequest, clock: Any) -> None:
    User.objects.filter(pk=cast.approver.pk).update(mail_wish="digest")
    climb(clock, 9)
    actions.approve(launch.pk, actor=by(cast.second_approver), now=at(clock, 9.1))
    assert set(sent()) == {"rita@example.com"}


def test_reminder_to_answer_is_not_sent_once_it_was_answered(cast: Cast, launch: LaunchRequest, clock: Any) -> None:
    actions.ask(launch.pk, actor=by(cast.approver), now=at(clock, 1), text="Why?")
    send_all()
    climb(clock, 5)
    actions.answer(launch.pk, actor=by(cast.requester), now=at(clock, 5.1), text="Because")
    assert set(sent()) == {"amir@example.com", "bea@example.com"}


def test_desk_is_reminded_where_nobody_knows_the_requester(cast: Cast, launch: LaunchRequest, clock: Any) -> None:
    actions.ask(launch.pk, actor=by(cast.approver), now=at(clock, 1), text="Why?")
    LaunchRequest.objects.filter(pk=launch.pk).update(requester=None)
    climb(clock, 5)
    assert told(NoticeCode.REMINDED) == {"Amir", "Bea"}


def test_those_who_voted_or_only_watch_are_not_reminded(cast: Cast, launch: LaunchRequest, clock: Any) -> None:
    group = launch.stages.get().groups.get()
    group.quorum = 2
    group.save()
    Membership.objects.create(team=cast.team, person=cast.outsider, may_decide=False)
    actions.approve(launch.pk, actor=by(cast.approver), now=at(clock, 1))
    climb(clock, 5)
    assert told(NoticeCode.REMINDED) == {"Bea"}


def test_ladder_begins_anew_where_the_deadline_moves_away(cast: Cast, launch: LaunchRequest, clock: Any) -> None:
    climb(clock, 9)
    LaunchRequest.objects.filter(pk=launch.pk).update(deadline=START + 7 * 24 * HOUR)
    assert climb(clock, 9.5) == 0
    assert LaunchRequest.objects.get(pk=launch.pk).reminded == 0
    assert climb(clock, 84) == 1
    assert rungs() == [90, 50]


def test_query_and_rule_agree(cast: Cast, launch: LaunchRequest, clock: Any) -> None:
    for length in (HOUR / 3, HOUR / 2, HOUR, 10 * HOUR):
        for reminded in (0, 50, 75, 90):
            LaunchRequest.objects.filter(pk=launch.pk).update(deadline=START + length, reminded=reminded)
            launch.refresh_from_db()
            for percent in (0, 49, 50, 51, 74, 75, 76, 89, 90, 91, 99, 100, 101):
                moment = START + length * percent / 100
                expected = reminders.rung(launch, moment) > reminded
                assert reminders.due(moment).exists() == expected, (length, reminded, percent)


def test_request_that_fails_holds_no_other(
    cast: Cast, launch: LaunchRequest, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = open_launch(START)
    LaunchRequest.objects.filter(pk=other.pk).update(deadline=START + 10 * HOUR)
    original = reminders._one

    def sometimes(pk: int, now: datetime) -> bool:
        if pk == launch.pk:
            raise RuntimeError("bug")
        return original(pk, now)

    monkeypatch.setattr(reminders, "_one", sometimes)
    assert climb(clock, 5) == 1
    assert Notice.objects.get(code=NoticeCode.REMINDED).request == other


def test_one_run_is_bounded(cast: Cast, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reminders, "BATCH", 2)
    for _ in range(3):
        launch = open_launch(START)
        LaunchRequest.objects.filter(pk=launch.pk).update(deadline=START + 10 * HOUR)
    assert [climb(clock, 5), climb(clock, 5), climb(clock, 5)] == [2, 1, 0]


def test_the_task_reminds(cast: Cast, launch: LaunchRequest, clock: Any) -> None:
    at(clock, 5)
    tasks.remind()
    assert rungs() == [50]


def test_how_many_would_be_told_is_known_before_anything_is_written(
    cast: Cast, launch: LaunchRequest, clock: Any
) -> None:
    before = Notice.objects.count(), AuditEvent.objects.count()
    User.objects.filter(pk=cast.second_approver.pk).update(mail_wish="none")
    assert recipients.count(NoticeCode.ASKED, launch, by=cast.approver) == 1
    assert recipients.count(NoticeCode.COMMENTED, launch, by=cast.requester) == 1
    assert recipients.count(NoticeCode.REMINDED, launch, by=cast.administrator, params={"desk": True}) == 1
    assert (Notice.objects.count(), AuditEvent.objects.count()) == before


def test_two_beats_at_once_remind_once(cloned_db: str, cast: Cast) -> None:
    launches = [open_launch(START) for _ in range(5)]
    LaunchRequest.objects.update(deadline=START + 10 * HOUR)
    barrier = Barrier(4)

    def beat(_: int) -> int:
        barrier.wait(timeout=60)
        try:
            return reminders.remind(START + 6 * HOUR)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(beat, range(4))) == len(launches)
    assert rungs() == [50] * 5
    assert Notice.objects.filter(code=NoticeCode.REMINDED).count() == 5
