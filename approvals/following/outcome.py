"""Follows a request's stack until the hold and then the stack have ended.

Status messages and polls end in the same function: an observation, what it means (`approvals.following.conclusions`),
and verbs. Observations may come late, twice and in any order; each verb checks again under the request's lock.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from approvals import actions
from approvals.actor import Actor
from approvals.choices import OPEN_STATES, AlarmCode, Channel, HoldKind, HoldStatus, Kind, Outcome, State
from approvals.errors import Refused
from approvals.following import stacks
from approvals.following.conclusions import (
    END_HOLD,
    FOREIGN_SUCCESS,
    RECEIPT,
    Do,
    Effect,
    Meaning,
    Situation,
    meaning,
    of_resource,
    of_stack,
    unexplained,
)
from approvals.intake.envelope import Status, Warned
from approvals.models import Alarm, Hold, LaunchRequest
from catalog import aws

FOLLOW = Actor.system(Channel.FOLLOW)
# How long the explanation of a rollback may take to arrive.
GRACE = timedelta(seconds=60)
# Between two looks at a stack: soon after a decision or near the deadline, else now and then, at last rarely.
SOON, USUAL, RARE = timedelta(seconds=3), timedelta(seconds=60), timedelta(hours=1)
_SOON_FOR, _OLD = timedelta(minutes=10), timedelta(days=2)
_BUDGET_SECONDS = 8.0
_UNSETTLED = (Outcome.WAITING, Outcome.RELEASED)
# Clocks of CloudFormation and of the topic differ by less than this.
_SLACK = timedelta(seconds=2)
_log = logging.getLogger(__name__)


def observe(said: Status, *, now: datetime) -> None:
    """Take one observation of a stack or of a resource of its gate; unknown stacks are none of ours."""
    known = LaunchRequest.objects.filter(stack_id=said.stack_id).order_by("-pk")
    for nth, request in enumerate(known):
        _conclude(request, said, newest=nth == 0, now=now)


def warned(said: Warned, *, now: datetime) -> None:
    """`verify` refused a receipt or could not check it."""
    known = LaunchRequest.objects.filter(stack_id=said.stack_id)
    request = known.filter(fingerprint=said.fingerprint).first() if said.fingerprint else known.order_by("-pk").first()
    if request is None:
        if not Alarm.objects.filter(stack_id=said.stack_id, code=said.code).exists():
            actions.raise_alarm(said.code, now=now, stack_id=said.stack_id, detail=said.reason)
        return

    def effects(situation: Situation) -> list[Effect]:
        if said.code == AlarmCode.BYPASS and situation.is_open:
            return [Effect(Do.BYPASS, FOREIGN_SUCCESS), END_HOLD]
        return [Effect(Do.ALARM, said.reason, alarm=said.code)]

    _apply(request.pk, effects, status="", now=now)


def gate_deleted(request: LaunchRequest, *, at: datetime, now: datetime) -> None:
    """CloudFormation deleted the gate without its stack: the wait is over, the cause may not be known yet."""
    announced = _announced(request)
    if request.is_parameter_update and announced is not None and at < announced:
        # An approved update replaces the gate's name, and the way back asks under the old one again.
        return
    actions.end_hold(request.pk, actor=FOLLOW, now=now)
    over = request.deadline is not None and at >= request.deadline
    if request.is_open and over and not request.is_parameter_update:
        _apply(request.pk, lambda s: [Effect(Do.EXPIRE)] if s.is_open else [], status="", now=now)
    LaunchRequest.objects.filter(pk=request.pk).update(followed_at=None)


def follow(now: datetime, batch: int = 50) -> int:
    """Look at the stacks that are due; returns how many were looked at. Never raises for AWS's sake."""
    close_unexplained(now)
    try:
        accounts = aws.readable_accounts()
    except (ClientError, BotoCoreError) as error:
        _log.warning("who we are cannot be told", extra={"error": type(error).__name__})
        return 0
    ends, looked = time.monotonic() + _BUDGET_SECONDS, 0
    while looked < batch and time.monotonic() < ends and (request := _claim(accounts, now)):
        _look_at(request, now)
        looked += 1
    return looked


def close_unexplained(now: datetime) -> int:
    """Close open requests whose wait ended a minute ago without anything saying why."""
    left = LaunchRequest.objects.open().filter(holds__status=HoldStatus.ENDED, holds__ended_at__lte=now - GRACE)
    left = left.exclude(kind=Kind.PARAMETER_UPDATE)
    closed = 0
    for request in left.distinct()[:500]:
        _close_unexplained(request, now)
        closed += 1
    return closed


def _look_at(request: LaunchRequest, now: datetime) -> None:
    announced = _announced(request)
    try:
        seen = stacks.look(
            request.stack_id, request.region, since=announced and announced - timedelta(minutes=5), now=now
        )
    except stacks.Unreadable as error:
        _log.info("a stack cannot be read", extra={"request": request.pk, "error": str(error)})
        return
    newest = not LaunchRequest.objects.filter(stack_id=request.stack_id, pk__gt=request.pk).exists()
    for said in (*seen.resources, seen.stack):
        _conclude(request, said, newest=newest, now=now)
    request.refresh_from_db()
    rolled = meaning(Kind(request.kind), seen.stack.status) in (
        Meaning.ROLLING,
        Meaning.ROLLED_BACK,
        Meaning.FAILED,
    )
    if request.is_open and not request.is_parameter_update and (rolled or not newest):
        _close_unexplained(request, now)


def _close_unexplained(request: LaunchRequest, now: datetime) -> None:
    hold = request.holds.order_by("-pk").first()
    ended = hold.ended_at if hold and hold.ended_at else now
    effect = unexplained(
        # `verify` may have spoken of the stack before its launch was heard of.
        bypassed=Alarm.objects.filter(
            code=AlarmCode.BYPASS, stack_id=request.stack_id, request=None, raised_at__gte=request.opened_at - GRACE
        ).exists(),
        past_deadline=request.deadline is not None and ended >= request.deadline,
        reason=request.stack_reason,
    )
    _apply(request.pk, lambda s: [effect] if s.is_open else [], status="", now=now)


def _conclude(request: LaunchRequest, said: Status, *, newest: bool, now: datetime) -> None:
    announced = _announced(request)
    # Updates follow one another: what was seen a moment before belongs to the one before.
    slack = _SLACK if request.kind == Kind.LAUNCH else timedelta(0)
    if announced is not None and said.at < announced - slack:
        return
    if said.logical_id:
        _apply(
            request.pk,
            lambda s: of_resource(s, said.logical_id, said.resource_type, said.status, said.reason),
            status="",
            now=now,
        )
        return
    ending = meaning(Kind(request.kind), said.status) in (Meaning.DELETING, Meaning.GONE)
    if not newest and not ending:
        return
    LaunchRequest.objects.filter(pk=request.pk, outcome__in=_UNSETTLED).exclude(
        stack_status=said.status, stack_reason=said.reason
    ).update(stack_status=said.status, stack_reason=said.reason)
    _apply(request.pk, lambda s: of_stack(s, said.status, said.reason), status=said.status, now=now)


def _apply(pk: int, effects: Callable[[Situation], list[Effect]], *, status: str, now: datetime) -> None:
    """Carry the effects out. Somebody who was quicker changes the situation, and with it what follows."""
    for _ in range(3):
        try:
            for effect in effects(_situation(pk)):
                _carry_out(pk, effect, status, now)
        except Refused:
            continue
        return


def _situation(pk: int) -> Situation:
    request = LaunchRequest.objects.get(pk=pk)
    hold = request.holds.select_related("signal").order_by("-pk").first()
    signal, link = getattr(hold, "signal", None), getattr(request, "link_decision", None)
    # A link that was quicker than the desk's answer at the deadline has answered.
    told = {HoldStatus.ENDED: signal or link, HoldStatus.LAPSED: link}
    answered = hold is not None and bool(told.get(HoldStatus(hold.status)))
    return Situation(
        kind=Kind(request.kind),
        state=State(request.state),
        wait=hold.wait_logical_id if hold else "",
        ours=frozenset(one.unique_id for one in (signal, link) if one),
        receipts=frozenset(one["id"] for one in request.template.get("resources", ()) if one["type"] == RECEIPT),
        under_way=not (request.is_parameter_update and hold) or hold.status == HoldStatus.OPEN or answered,
    )


def _carry_out(pk: int, effect: Effect, status: str, now: datetime) -> None:
    match effect.do:
        case Do.END_HOLD:
            actions.end_hold(pk, actor=FOLLOW, now=now)
        case Do.WITHDRAW:
            actions.withdraw(pk, actor=FOLLOW, now=now, reason=effect.text)
        case Do.EXPIRE:
            actions.expire(pk, actor=FOLLOW, now=now)
        case Do.BYPASS:
            if LaunchRequest.objects.open().filter(pk=pk).exists():
                actions.bypass(pk, actor=FOLLOW, now=now, detail=effect.text)
        case Do.RECORD:
            if effect.outcome is not None:
                actions.record_outcome(
                    pk, effect.outcome, actor=FOLLOW, now=now, stack_status=status, reason=effect.text
                )
        case Do.ALARM:
            _alarm(pk, effect, now)


def _alarm(pk: int, effect: Effect, now: datetime) -> None:
    """Once per request: polls and repeated messages say the same again."""
    request = LaunchRequest.objects.get(pk=pk)
    if effect.alarm and not Alarm.objects.filter(request=request, code=effect.alarm).exists():
        actions.raise_alarm(effect.alarm, now=now, request=request, detail=effect.text)


def _announced(request: LaunchRequest) -> datetime | None:
    """When the request's gate spoke up: what a stack did before belongs to an earlier launch or update."""
    text = request.stack_facts.get("announced_at")
    return datetime.fromisoformat(text) if isinstance(text, str) else None


@transaction.atomic(durable=True)
def _claim(accounts: Sequence[str], now: datetime) -> LaunchRequest | None:
    """The due request whose stack was looked at longest ago, marked so that no other worker takes it."""
    decided = ~Q(state__in=OPEN_STATES) & Q(outcome=Outcome.WAITING, closed_at__gt=now - _SOON_FOR)
    # An update's request stays open when its hold ends: nothing about it is to be explained.
    ended = Hold.objects.filter(request=OuterRef("pk"), status=HoldStatus.ENDED, kind=HoldKind.WAIT_HANDLE)
    ending = Q(state__in=OPEN_STATES) & (Exists(ended) | Q(deadline__lte=now + timedelta(seconds=30)))
    due = (
        Q(followed_at=None)
        | Q(followed_at__lte=now - RARE)
        | Q(followed_at__lte=now - USUAL, opened_at__gt=now - _OLD)
        | (Q(followed_at__lte=now - SOON) & (decided | ending))
    )
    request = (
        LaunchRequest.objects.filter(Q(state__in=OPEN_STATES) | Q(outcome__in=_UNSETTLED), account__in=accounts)
        .filter(due)
        .order_by(F("followed_at").asc(nulls_first=True), "-pk")
        .select_for_update(of=("self",), skip_locked=True)
        .first()
    )
    if request is not None:
        request.followed_at = now
        request.save(update_fields=["followed_at"])
    return request
