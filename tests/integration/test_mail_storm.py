"""After an outage: what would be a storm of mails for one person is one mail, at once."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals import actions
from approvals.choices import AlarmCode, NoticeCode
from approvals.models import AuditEvent, Delivery, LaunchRequest, Notice
from approvals.notifications import bundles, deliveries, fanout
from approvals.notifications.fanout import fan_out, fan_out_all
from portal.accounts.models import MailWish, User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch
from tests.support.telling import by, send_all


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    User.objects.exclude(pk=cast.requester.pk).update(mail_wish=MailWish.NONE)
    launch = open_launch(now())
    send_all()
    return launch


def happen(launch: LaunchRequest, times: int, at: datetime | None = None) -> None:
    """So many happenings the requester is told of, made in bulk."""
    event = AuditEvent.objects.filter(chain__request=launch).latest("pk")
    chain = event.chain
    events = AuditEvent.objects.bulk_create(
        AuditEvent(chain=chain, number=chain.length + 1 + n, code="commented", channel="timer", at=now())
        for n in range(times)
    )
    chain.length += times
    chain.save()
    Notice.objects.bulk_create(
        Notice(request=launch, event=event, code=NoticeCode.COMMENTED, created_at=at or now()) for event in events
    )


def test_up_to_twenty_are_mails_of_their_own(launch: LaunchRequest) -> None:
    happen(launch, bundles.MANY)
    assert len(send_all()) == bundles.MANY


def test_more_than_twenty_are_one_mail_at_once(launch: LaunchRequest) -> None:
    happen(launch, bundles.MANY + 1)
    (message,) = send_all()
    assert message.to == ["rita@example.com"]
    assert message.subject == "21 messages from the approval desk"
    assert set(Delivery.objects.filter(person__email="rita@example.com").values_list("status", flat=True)) == {"sent"}


def test_a_storm_of_one_does_not_delay_the_mails_of_others(launch: LaunchRequest, cast: Cast) -> None:
    User.objects.filter(pk=cast.approver.pk).update(mail_wish=MailWish.EACH)
    happen(launch, 30)
    open_launch(now())
    told = Counter(message.to[0] for message in send_all())
    assert told == {"rita@example.com": 1, "amir@example.com": 1}


def test_questions_stay_mails_of_their_own(launch: LaunchRequest, cast: Cast) -> None:
    happen(launch, 30)
    actions.ask(launch.pk, actor=by(cast.approver), now=now(), text="Why so large?")
    subjects = sorted(message.subject for message in send_all())
    assert len(subjects) == 2
    assert subjects[1].startswith("Answer by ")


def test_alarms_are_a_mail_apart_that_cannot_be_switched_off(launch: LaunchRequest, cast: Cast) -> None:
    for n in range(bundles.MANY + 5):
        actions.raise_alarm(AlarmCode.UNKNOWN_STACK, now=now(), stack_id=f"arn:{n}")
    User.objects.filter(pk=cast.administrator.pk).update(mail_wish=MailWish.EACH)
    (message,) = send_all()
    assert message.to == ["ada@example.com"]
    assert message.subject == "25 alarms"
    assert "http://localhost:8000/operations/" in message.body
    assert "List-Unsubscribe" not in message.extra_headers


def test_storm_is_gathered_while_happenings_still_wait_to_be_told(
    launch: LaunchRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "BATCH", 40)
    monkeypatch.setattr(bundles, "BATCH", 40)
    happen(launch, 100)
    fan_out(now())
    assert deliveries.take() is None
    fan_out(now())
    fan_out(now())
    Delivery.objects.update(next_attempt_at=now() - timedelta(seconds=1))
    (message,) = send_all()
    assert message.subject == "100 messages from the approval desk"


def test_one_sweep_fans_out_all_that_waits(launch: LaunchRequest) -> None:
    happen(launch, fanout.BATCH + 10)
    fan_out_all(now(), 600.0)
    assert not Notice.objects.filter(fanned_out_at=None).exists()


def test_a_thousand_are_one_mail_with_a_hundred_lines_and_a_bounded_number_of_queries(launch: LaunchRequest) -> None:
    happen(launch, bundles.READ + 100)
    while fan_out(now()):
        continue
    assert deliveries.claim(now()) is None
    with CaptureQueriesContext(connection) as queries:
        piece = deliveries.take()
        assert piece is not None
        piece()
    assert deliveries.take() is None
    message = mail.outbox[-1]
    assert message.subject == "1100 messages from the approval desk"
    assert message.body.count("\n* ") == 100
    assert "and 1000 more at the desk" in message.body
    assert len(queries) < 40
    assert set(Delivery.objects.filter(person=launch.requester).values_list("status", flat=True)) == {"sent"}
