"""What is known of people is deleted when it is of no use: sessions that are over, mails of long ago. Nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client

from approvals import actions, tasks, wiping
from approvals.choices import DeliveryStatus
from approvals.models import AuditEvent, Delivery, LaunchRequest, Notice
from portal.accounts import leaving
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch
from tests.support.telling import by, send_all

OLD = timedelta(days=91)


# Sessions.


def session(person: User, key: str, *, until: datetime | None, seen: datetime) -> str:
    if until is not None:
        Session.objects.create(session_key=key, session_data="", expire_date=until)
    at = {"created_at": seen, "last_seen_at": seen}
    UserSession.objects.create(user=person, session_key=key, ip="203.0.113.9", user_agent="Firefox", **at)
    return key


def kept() -> set[str]:
    return set(UserSession.objects.values_list("session_key", flat=True))


def test_of_a_session_that_is_over_nothing_is_kept(cast: Cast) -> None:
    today, hour = now(), timedelta(hours=1)
    session(cast.requester, "signed-out", until=None, seen=today - 2 * hour)
    session(cast.requester, "expired", until=today - hour, seen=today - 13 * hour)
    alive = session(cast.requester, "alive", until=today + hour, seen=today - 11 * hour)
    fresh = session(cast.approver, "just-made", until=None, seen=today)
    assert leaving.forget_sessions(today) == 2
    assert kept() == {alive, fresh}


def test_the_task_forgets_them_and_leaves_whoever_is_signed_in(cast: Cast) -> None:
    session(cast.requester, "signed-out", until=None, seen=now() - OLD)
    Session.objects.create(session_key="expired", session_data="", expire_date=now() - OLD)
    client = Client()
    client.force_login(cast.approver)
    mine = str(client.session.session_key)
    session(cast.approver, mine, until=None, seen=now() - timedelta(hours=3))
    tasks.tidy()
    assert kept() == {mine}
    assert set(Session.objects.values_list("session_key", flat=True)) == {mine}
    assert client.get("/preferences/").status_code == 200


def test_one_run_forgets_a_bounded_number_of_sessions(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "_MOST_SESSIONS", 2)
    for number in range(3):
        session(cast.requester, f"over-{number}", until=None, seen=now() - OLD)
    assert [leaving.forget_sessions(now()) for _ in range(3)] == [2, 1, 0]


# Mails that were sent.


def told_at(launch: LaunchRequest, at: datetime) -> LaunchRequest:
    Notice.objects.filter(request=launch).update(created_at=at)
    return launch


def numbers() -> set[str]:
    return {notice.request.number for notice in Notice.objects.select_related("request") if notice.request}


def test_what_was_told_long_ago_is_deleted_and_what_happened_stays(cast: Cast) -> None:
    old, recent = open_launch(now()), open_launch(now())
    actions.ask(old.pk, actor=by(cast.approver), now=now(), text="Why?")
    assert send_all()
    told_at(old, now() - OLD)
    told_at(recent, now() - timedelta(days=89))
    before = LaunchRequest.objects.count(), AuditEvent.objects.count(), old.messages.count()
    tasks.tidy()
    assert numbers() == {recent.number}
    assert set(Delivery.objects.values_list("notice__request", flat=True)) == {recent.pk}
    assert (LaunchRequest.objects.count(), AuditEvent.objects.count(), old.messages.count()) == before


@pytest.mark.parametrize("status", [DeliveryStatus.QUEUED, DeliveryStatus.IN_FLIGHT])
def test_what_is_still_owed_to_one_person_stays_however_old(cast: Cast, status: DeliveryStatus) -> None:
    launch = open_launch(now())
    send_all()
    told_at(launch, now() - OLD)
    Delivery.objects.filter(person=cast.approver).update(status=status)
    assert wiping.forget_notices(now()) == 0
    assert Delivery.objects.count() == 2
    Delivery.objects.filter(person=cast.approver).update(status=DeliveryStatus.GIVEN_UP)
    assert wiping.forget_notices(now()) == 1
    assert not Delivery.objects.exists()


def test_a_happening_that_nobody_was_told_yet_stays(cast: Cast) -> None:
    launch = told_at(open_launch(now()), now() - OLD)
    assert wiping.forget_notices(now()) == 0
    assert numbers() == {launch.number}


def test_one_run_forgets_a_bounded_number_of_notices(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiping, "_MOST_NOTICES", 2)
    for _ in range(3):
        told_at(open_launch(now()), now() - OLD)
    send_all()
    assert [wiping.forget_notices(now()) for _ in range(3)] == [2, 1, 0]
