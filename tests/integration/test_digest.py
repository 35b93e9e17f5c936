"""Many messages in one mail: at eight in the morning for those who wish so, at once where it would be a storm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import connection

from approvals import actions
from approvals.choices import AlarmCode, DeliveryStatus, NoticeCode
from approvals.models import Delivery, LaunchRequest, Notice
from approvals.notifications import bundles, deliveries, email, wishes
from approvals.notifications.channel import PermanentError, TemporaryError
from approvals.notifications.fanout import fan_out
from portal import clock as portal_clock
from portal.accounts.models import MailWish, User
from tests.support.cast import Cast
from tests.support.launches import open_launch
from tests.support.telling import by, send_all, sent

# Noon in Kolkata is 6:30 in UTC; eight there is 2:30.
START = datetime(2031, 5, 4, 6, 30, tzinfo=UTC)
EIGHT = datetime(2031, 5, 5, 2, 30, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def reader(cast: Cast, clock: Any) -> User:
    """Amir, who wishes one mail a day."""
    wish(cast.approver, MailWish.DIGEST)
    User.objects.filter(pk=cast.second_approver.pk).update(mail_wish=MailWish.NONE)
    return cast.approver


def wish(person: User, wished: MailWish) -> None:
    person.mail_wish, person.time_zone = wished, "Asia/Kolkata"
    person.save(update_fields=["mail_wish", "time_zone"])


def launches(count: int) -> list[LaunchRequest]:
    made = [open_launch(START) for _ in range(count)]
    LaunchRequest.objects.update(deadline=START + timedelta(days=2))
    return made


def results() -> Counter[tuple[str, str]]:
    return Counter(Delivery.objects.values_list("status", "last_result"))


def claim() -> bundles.Bundle:
    bundle = bundles.claim(portal_clock.now())
    assert bundle is not None
    return bundle


# At eight in the morning.


def test_digest_goes_out_once_at_eight_of_the_reader_s_morning(reader: User, clock: Any) -> None:
    made = launches(3)
    assert send_all() == []
    clock.move_to(EIGHT - timedelta(seconds=1))
    assert send_all() == []
    clock.move_to(EIGHT)
    (message,) = send_all()
    assert message.to == ["amir@example.com"]
    assert message.subject == "3 launches wait, 3 messages in all"
    html = message.alternatives[0][0]
    for launch in made:
        assert launch.number in message.body
        assert f'href="http://localhost:8000{launch.get_absolute_url()}"' in html
    assert 'href="http://localhost:8000/"' in html
    assert send_all() == []
    assert results() == {("sent", ""): 3}


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        ("UTC", datetime(2031, 5, 4, 7, 59, tzinfo=UTC), datetime(2031, 5, 4, 8, tzinfo=UTC)),
        ("UTC", datetime(2031, 5, 4, 8, 0, tzinfo=UTC), datetime(2031, 5, 5, 8, tzinfo=UTC)),
        ("Asia/Shanghai", datetime(2031, 5, 4, 23, 0, tzinfo=UTC), datetime(2031, 5, 5, 0, tzinfo=UTC)),
        # The night when clocks go forward is an hour shorter.
        ("Europe/Berlin", datetime(2031, 3, 29, 20, 0, tzinfo=UTC), datetime(2031, 3, 30, 6, tzinfo=UTC)),
        ("Mars/Olympus", datetime(2031, 5, 4, 1, 0, tzinfo=UTC), datetime(2031, 5, 4, 8, tzinfo=UTC)),
    ],
)
def test_eight_o_clock_is_the_reader_s(zone: str, now: datetime, expected: datetime) -> None:
    assert wishes.next_digest(User(time_zone=zone), now) == expected


def test_what_was_decided_meanwhile_is_not_in_the_digest(reader: User, cast: Cast, clock: Any) -> None:
    gone, stays = launches(2)
    assert send_all() == []
    actions.approve(gone.pk, actor=by(cast.second_approver), now=START)
    clock.move_to(EIGHT)
    body = sent()["amir@example.com"].body
    assert stays.number in body
    assert gone.number not in body
    assert results()["given_up", "overtaken"] == 1


def test_digest_of_nothing_but_old_news_is_not_sent(reader: User, cast: Cast, clock: Any) -> None:
    (gone,) = launches(1)
    send_all()
    actions.approve(gone.pk, actor=by(cast.second_approver), now=START)
    send_all()
    clock.move_to(EIGHT)
    assert send_all() == []
    assert results()["given_up", "overtaken"] == 1


def test_alarms_and_questions_wait_for_no_digest(reader: User, cast: Cast, clock: Any) -> None:
    for person in (cast.administrator, cast.requester):
        wish(person, MailWish.DIGEST)
    (launch,) = launches(1)
    actions.ask(launch.pk, actor=by(cast.second_approver), now=START, text="Why?")
    actions.raise_alarm(AlarmCode.UNKNOWN_STACK, now=START, stack_id="arn:x")
    letters = sent()
    assert set(letters) == {"rita@example.com", "ada@example.com"}
    assert not any("List-Unsubscribe" in letter.extra_headers for letter in letters.values())


def test_digest_is_written_in_the_language_of_its_reader(reader: User, clock: Any) -> None:
    User.objects.filter(pk=reader.pk).update(language="zh-hans")
    launches(1)
    send_all()
    clock.move_to(EIGHT)
    assert '<html lang="zh-hans">' in sent()["amir@example.com"].alternatives[0][0]


# Switching while deliveries wait.


def test_switching_to_each_sends_at_once_what_waited(reader: User, clock: Any) -> None:
    launches(2)
    send_all()
    wish(reader, MailWish.EACH)
    assert [message.to for message in send_all()] == [["amir@example.com"]] * 2
    clock.move_to(EIGHT)
    assert send_all() == []


def test_switching_to_none_gives_up_what_waited_and_says_why(reader: User, clock: Any) -> None:
    launches(2)
    send_all()
    wish(reader, MailWish.NONE)
    clock.move_to(EIGHT)
    assert send_all() == []
    assert results() == {("given_up", "not_wanted"): 2}


def test_switching_to_digest_loses_nothing_that_is_being_sent(
    reader: User, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish(reader, MailWish.EACH)
    launches(1)
    with monkeypatch.context() as patched:
        patched.setattr(email.EmailChannel, "_post", _raising(TemporaryError("TimeoutError")))
        send_all()
    wish(reader, MailWish.DIGEST)
    clock.shift(timedelta(minutes=20))
    assert [message.to for message in send_all()] == [["amir@example.com"]]


# Trouble.


def _raising(error: Exception) -> Any:
    def post(*_: Any) -> None:
        raise error

    return post


def test_worker_that_dies_after_sending_costs_one_duplicate_with_the_same_message_id(reader: User, clock: Any) -> None:
    launches(3)
    send_all()
    clock.move_to(EIGHT)
    bundles._try(claim())
    assert bundles.take() is None
    clock.shift(bundles.TAKEOVER + timedelta(seconds=1))
    launches(1)
    send_all()
    first, again = mail.outbox
    assert first.extra_headers["Message-ID"] == again.extra_headers["Message-ID"]
    assert results()["sent", ""] == 3


def test_digest_that_tells_more_is_another_mail(reader: User, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    launches(2)
    send_all()
    clock.move_to(EIGHT)
    first = claim()
    bundles._try(first)
    bundles.settle(first, TemporaryError("TimeoutError"), EIGHT)
    Delivery.objects.create(
        notice=Notice.objects.create(
            request=LaunchRequest.objects.latest("pk"),
            event=Notice.objects.latest("pk").event,
            code=NoticeCode.COMMENTED,
            created_at=EIGHT,
            fanned_out_at=EIGHT,
        ),
        person=reader,
        in_digest=True,
        next_attempt_at=EIGHT,
    )
    clock.shift(timedelta(minutes=20))
    send_all()
    assert len({message.extra_headers["Message-ID"] for message in mail.outbox}) == 2
    assert results() == {("sent", ""): 3}


def test_worker_that_lost_its_digest_settles_nothing(reader: User, clock: Any) -> None:
    launches(2)
    send_all()
    clock.move_to(EIGHT)
    slow = claim()
    clock.shift(bundles.TAKEOVER + timedelta(seconds=1))
    send_all()
    bundles.settle(slow, PermanentError("late"), portal_clock.now())
    assert results() == {("sent", ""): 2}


def test_digest_is_retried_and_given_up_two_days_after_it_happened(
    reader: User, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(email.EmailChannel, "_post", _raising(TemporaryError("TimeoutError")))
    launches(2)
    send_all()
    clock.move_to(EIGHT)
    send_all()
    assert results() == {("queued", "TimeoutError"): 2}
    clock.move_to(START + timedelta(days=1, hours=23))
    send_all()
    assert set(Delivery.objects.values_list("status", flat=True)) == {DeliveryStatus.QUEUED}
    clock.move_to(START + timedelta(days=2, minutes=1))
    send_all()
    assert results() == {("given_up", "TimeoutError"): 2}


def test_digest_of_somebody_deactivated_is_given_up(reader: User, clock: Any) -> None:
    launches(2)
    send_all()
    User.objects.filter(pk=reader.pk).update(is_active=False)
    clock.move_to(EIGHT)
    assert send_all() == []
    assert results() == {("given_up", "deactivated"): 2}


def test_many_workers_at_eight_send_each_person_one_mail(cloned_db: str, cast: Cast) -> None:
    people = [cast.approver, cast.second_approver]
    with time_machine.travel(START, tick=False):
        for person in people:
            wish(person, MailWish.DIGEST)
        launches(8)
        while fan_out(START):
            continue
    Delivery.objects.update(next_attempt_at=portal_clock.now() - timedelta(seconds=1))
    barrier = Barrier(6)

    def hand(_: int) -> int:
        barrier.wait(timeout=60)
        try:
            took = 0
            while piece := deliveries.take():
                piece()
                took += 1
        finally:
            connection.close()
        return took

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(hand, range(6))) == 2
    assert Counter(message.to[0] for message in mail.outbox) == {person.email: 1 for person in people}
    assert results() == {("sent", ""): 16}
