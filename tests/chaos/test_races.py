"""Many at once. The invariant: exactly one decision, at most one effective signal, no request lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from approvals import actions, audit
from approvals.actor import Actor
from approvals.choices import Channel, State
from approvals.errors import Refused
from approvals.models import Alarm, AuditEvent, Decision, LaunchRequest, Membership, Notice, Signal, Vote
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import INTAKE, launch_facts, open_launch

THREADS = 50


def at_once(calls: list[Callable[[], Any]]) -> Counter[str]:
    """Run all calls at the same moment; count what each came to: its result's word, or why it was refused."""
    barrier = Barrier(len(calls))

    def one(call: Callable[[], Any]) -> str:
        barrier.wait(timeout=60)
        try:
            call()
        except Refused as refused:
            return refused.why.value
        else:
            return "done"
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return Counter(pool.map(one, calls))


@pytest.fixture
def approvers(cloned_db: str, cast: Cast) -> list[Actor]:
    people = [User.objects.create_user(f"approver{n}@example.com") for n in range(THREADS)]
    Membership.objects.bulk_create(Membership(team=cast.team, person=person) for person in people)
    return [Actor(person, Channel.DESK) for person in people]


def test_fifty_approvers_decide_at_once_and_exactly_one_decision_stands(approvers: list[Actor]) -> None:
    request = open_launch(now())
    results = at_once(
        [
            partial(actions.approve if n % 2 else actions.reject, request.pk, actor=actor, now=now(), reason="because")
            for n, actor in enumerate(approvers)
        ]
    )
    assert results == {"done": 1, "already_decided": THREADS - 1}
    assert Decision.objects.count() == Signal.objects.count() == Vote.objects.count() == 1
    request.refresh_from_db()
    assert request.state == Decision.objects.get().verdict == Signal.objects.get().verdict
    assert audit.verify().first_bad == ""


def test_one_approver_clicks_fifty_times_and_decides_once(approvers: list[Actor]) -> None:
    request = open_launch(now())
    results = at_once([lambda: actions.approve(request.pk, actor=approvers[0], now=now())] * THREADS)
    assert results["done"] == 1
    assert Vote.objects.count() == Signal.objects.count() == 1


def test_decide_withdraw_and_expire_meet_and_one_of_them_wins(approvers: list[Actor], cast: Cast) -> None:
    for _ in range(10):
        request = open_launch(now())
        timer, requester = Actor.system(Channel.TIMER), Actor(cast.requester, Channel.DESK)
        results = at_once(
            [
                partial(actions.approve, request.pk, actor=approvers[0], now=now()),
                partial(actions.reject, request.pk, actor=approvers[1], now=now(), reason="no"),
                partial(actions.withdraw, request.pk, actor=requester, now=now()),
                partial(actions.expire, request.pk, actor=timer, now=now()),
            ]
        )
        assert results["done"] == 1
        request.refresh_from_db()
        assert not request.is_open
        assert Signal.objects.filter(request=request).count() == (request.state != State.EXPIRED)
        ends = AuditEvent.objects.filter(
            chain__request=request, code__in=["approved", "rejected", "withdrawn", "expired"]
        )
        assert ends.count() == 1


def test_the_same_launch_announced_by_sixteen_at_once_is_one_request_and_one_mail(cloned_db: str, cast: Cast) -> None:
    facts = launch_facts(now())
    results = at_once([lambda: actions.open_request(facts, actor=INTAKE, now=now())] * 16)
    assert results == {"done": 16}
    assert LaunchRequest.objects.count() == Notice.objects.count() == 1


def test_create_and_delete_meet_and_leave_one_closed_request(cloned_db: str, cast: Cast) -> None:
    for _ in range(10):
        facts = launch_facts(now())
        gone = launch_facts(now(), stack_id=facts.stack_id, fingerprint=facts.fingerprint, hold=None)
        at_once(
            [
                partial(actions.open_request, facts, actor=INTAKE, now=now()),
                partial(actions.close_deleted, gone, actor=INTAKE, now=now()),
            ]
        )
        request = LaunchRequest.objects.get(fingerprint=facts.fingerprint)
        assert request.state == State.WITHDRAWN
        assert request.parameters == facts.parameters


def test_an_alarm_acknowledged_while_it_is_raised_again_deadlocks_nobody(cloned_db: str, cast: Cast) -> None:
    request = open_launch(now())
    administrator = Actor(cast.administrator, Channel.DESK)
    hold = launch_facts(now(), stack_id=request.stack_id).hold
    assert hold is not None
    known = replace(hold, dedupe_key=request.holds.get().dedupe_key)
    forgeries = iter(launch_facts(now(), stack_id=request.stack_id, hold=known) for _ in range(1000))
    actions.open_request(next(forgeries), actor=INTAKE, now=now())
    for _ in range(10):
        alarm = Alarm.objects.order_by("-pk")[0]
        results = at_once(
            [
                partial(actions.acknowledge_alarm, alarm.pk, actor=administrator, now=now()),
                *(partial(actions.open_request, next(forgeries), actor=INTAKE, now=now()) for _ in range(4)),
            ]
        )
        assert results == {"done": 5}


def test_the_trail_verifies_while_the_desk_goes_on(approvers: list[Actor], monkeypatch: pytest.MonkeyPatch) -> None:
    request = open_launch(now())
    actions.comment(request.pk, actor=approvers[0], now=now(), text="before")
    whole = audit._wrong

    def meanwhile(*args: Any) -> str:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(
                at_once, [partial(actions.comment, request.pk, actor=approvers[1], now=now(), text="x")]
            ).result()
        return whole(*args)

    monkeypatch.setattr(audit, "_wrong", meanwhile)
    assert audit.verify().first_bad == ""


def test_fifty_comments_and_checkpoints_at_once_leave_an_unbroken_chain(approvers: list[Actor]) -> None:
    request = open_launch(now())
    talk = [partial(actions.comment, request.pk, actor=actor, now=now(), text="hello") for actor in approvers[:40]]
    checkpoints = [lambda: audit.checkpoint(now() + timedelta(minutes=1))] * 8
    assert at_once([*talk, *checkpoints]) == {"done": 48}
    audit.checkpoint(now())
    result = audit.verify()
    assert result.first_bad == ""
    assert result.events == 41
