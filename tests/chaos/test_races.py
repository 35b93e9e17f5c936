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
from uuid import uuid4

import pytest
from django.db import connection

from approvals import actions, audit
from approvals.actor import Actor
from approvals.canonical import sha256_hex
from approvals.choices import AlarmCode, Channel, HoldKind, HoldStatus, Kind, Outcome, State, Verdict
from approvals.errors import Refused
from approvals.facts import LaunchFacts, LinkFacts
from approvals.models import (
    Alarm,
    AuditEvent,
    Decision,
    Hold,
    LaunchRequest,
    LinkDecision,
    Membership,
    Notice,
    Pass,
    Signal,
    Vote,
)
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


def update_facts(**changes: Any) -> LaunchFacts:
    """A try of an update, held for an hour; a `facts` given is tried once more, as CloudFormation does."""
    facts: LaunchFacts = changes.pop("facts", None) or launch_facts(now(), kind=Kind.PARAMETER_UPDATE)
    assert facts.hold is not None
    url = f"https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/{uuid4()}?X-Amz-Signature=s3cret"
    hold = replace(
        facts.hold,
        kind=HoldKind.RESPONSE,
        url=url,
        url_sha256=sha256_hex(url),
        dedupe_key=sha256_hex(url),
        timeout=3600,
        deadline=changes.pop("deadline", now() + timedelta(minutes=57)),
        request_id=str(uuid4()),
        physical_id="gatehouse-before",
        **changes,
    )
    return replace(facts, hold=hold)


def opened(facts: LaunchFacts) -> LaunchRequest:
    return actions.open_request(facts, actor=INTAKE, now=now())


def test_the_same_update_announced_by_ten_at_once_is_one_request_with_one_hold(cloned_db: str, cast: Cast) -> None:
    facts = update_facts()
    assert at_once([partial(opened, facts)] * 10) == {"done": 10}
    assert LaunchRequest.objects.count() == Hold.objects.count() == Notice.objects.count() == 1
    assert not Alarm.objects.exists()


def test_a_retry_announced_by_ten_at_once_is_held_once(cloned_db: str, cast: Cast) -> None:
    first = update_facts(deadline=now() - timedelta(seconds=1))
    request = opened(first)
    actions.lapse(request.pk, actor=Actor.system(Channel.TIMER), now=now())
    retry = update_facts(facts=first)
    assert at_once([partial(opened, retry)] * 10) == {"done": 10}
    assert LaunchRequest.objects.count() == 1
    assert list(Hold.objects.order_by("pk").values_list("status", flat=True)) == ["lapsed", "open"]
    assert not Alarm.objects.exists()


def test_ten_tries_of_one_update_at_once_leave_one_open_hold_and_an_alarm(cloned_db: str, cast: Cast) -> None:
    """CloudFormation makes one at a time: ten different ones are somebody's invention."""
    facts = update_facts()
    assert at_once([partial(opened, update_facts(facts=facts)) for _ in range(10)]) == {"done": 10}
    assert LaunchRequest.objects.count() == 1
    assert (Hold.objects.count(), Hold.objects.filter(status=HoldStatus.OPEN).count()) == (10, 1)
    assert Alarm.objects.get().code == AlarmCode.FACTS_CHANGED


def test_a_pass_answers_a_retry_announced_by_ten_at_once_once(approvers: list[Actor]) -> None:
    first = update_facts(deadline=now() - timedelta(seconds=1))
    request = opened(first)
    actions.lapse(request.pk, actor=Actor.system(Channel.TIMER), now=now())
    actions.approve(request.pk, actor=approvers[0], now=now())
    retry = update_facts(facts=first)
    assert at_once([partial(opened, retry)] * 10) == {"done": 10}
    assert list(Signal.objects.order_by("pk").values_list("verdict", flat=True)) == ["rejected", "approved"]
    assert LaunchRequest.objects.count() == 1


def test_the_deadline_of_an_update_meets_its_approval_and_cloudformation_hears_one_word(
    approvers: list[Actor],
) -> None:
    """Whoever is second: the approval stands, answered now or kept as a pass."""
    for _ in range(20):
        request = opened(update_facts(deadline=now() - timedelta(seconds=1)))
        lapses = [partial(actions.lapse, request.pk, actor=Actor.system(Channel.TIMER), now=now())] * 4
        approval = partial(actions.approve, request.pk, actor=approvers[0], now=now())
        results = at_once([*lapses[:2], approval, *lapses[2:]])
        assert results["done"] >= 1
        request.refresh_from_db()
        hold, signal = request.holds.get(), request.signals.get()
        lapsed = hold.status == HoldStatus.LAPSED
        assert request.state == State.APPROVED
        assert signal.verdict == (Verdict.REJECTED if lapsed else Verdict.APPROVED)
        assert request.outcome == (Outcome.ROLLED_BACK if lapsed else Outcome.WAITING)
        assert Pass.objects.get(request=request).holds(now())
    assert audit.verify().first_bad == ""


@pytest.mark.parametrize("theirs", list(Verdict))
def test_a_link_and_the_desk_decide_at_once_and_the_links_recorded_word_stands(
    approvers: list[Actor], theirs: Verdict
) -> None:
    for _ in range(10):
        facts = launch_facts(now())
        assert facts.hold is not None
        request = opened(replace(facts, hold=replace(facts.hold, email_decisions=True)))
        said = LinkFacts(
            stack_id=facts.stack_id,
            stack_name=facts.stack_name,
            account=facts.account,
            region=facts.region,
            gate=facts.gate,
            fingerprint=facts.fingerprint,
            verdict=theirs,
            by="Grace",
            reason="so",
            at=now(),
            unique_id=f"gh-{uuid4().hex}",
        )
        results = at_once(
            [
                partial(actions.approve, request.pk, actor=approvers[0], now=now()),
                *[partial(actions.adopt_link_decision, said, actor=INTAKE, now=now())] * 4,
                partial(actions.reject, request.pk, actor=approvers[1], now=now(), reason="no"),
            ]
        )
        assert results["done"] in (4, 5)
        request.refresh_from_db()
        assert request.state == theirs
        assert LinkDecision.objects.filter(request=request).count() == 1
        decided = Decision.objects.filter(request=request).values_list("verdict", flat=True)
        assert len(decided) == results["done"] - 4
        differs = [verdict for verdict in decided if verdict != theirs]
        assert Alarm.objects.filter(request=request, code=AlarmCode.DECIDED_TWICE).count() == len(differs)
    assert audit.verify().first_bad == ""
