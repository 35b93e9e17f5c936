"""Taking over what a link in a mail decided.

The shared table of the hub knows who decided first (approvals.precedence). Two paths bring that knowledge here, the
approve function's message and the worker that lost; both end in this verb, which may be called twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_noop

from approvals import audit, outbox
from approvals.actions.alarms import alarm_about
from approvals.actions.base import lock_stack, move, wipe_urls
from approvals.actor import Actor
from approvals.choices import AlarmCode, Channel, HoldStatus, Kind, NoticeCode, Outcome, State, Verdict
from approvals.facts import LinkFacts
from approvals.lifecycle import Action, next_state
from approvals.models import Alarm, Decision, LaunchRequest, LinkDecision, Pass

NOT_ALLOWED = gettext_noop("A decision by e-mail link was announced, but this launch cannot be decided by one.")
DIFFERENT = gettext_noop("The e-mail link's decision was recorded first and stands; the desk's was not sent.")
UNTOLD = gettext_noop(
    "It was decided by e-mail link minutes ago and CloudFormation still waits. Whoever decided can open the link and "
    "send the decision again."
)
# What the function and CloudFormation need, with room.
PATIENCE = timedelta(minutes=5)
_ACTION = {Verdict.APPROVED: Action.ADOPT_APPROVAL, Verdict.REJECTED: Action.ADOPT_REJECTION}


def adopt_link_decision(said: LinkFacts, *, actor: Actor, now: datetime) -> LaunchRequest:
    """Record the link's decision as the one that stands. A message that comes before its launch leaves a closed
    request, which the launch fills in later."""
    with transaction.atomic(durable=True):
        lock_stack(said.stack_id)
        # The same update may be asked for again under a request of its own: an old word is not about that one.
        told = LinkDecision.objects.filter(request__stack_id=said.stack_id, unique_id=said.unique_id)
        if (known := told.select_related("request").first()) is not None:
            return known.request
        request = _known(said) or _unheard_of(said, now)
        if LinkDecision.objects.filter(request=request).exists():
            return request
        hold = request.holds.order_by("-pk").first()
        if hold is not None and not hold.email_decisions:
            alarm_about(request, AlarmCode.DECIDED_TWICE, NOT_ALLOWED, actor=actor, now=now)
            return request
        _adopt(request, said, actor=actor, now=now)
        return request


def warn_of_untold(now: datetime) -> None:
    """A function that was killed before it told CloudFormation leaves a decision nobody acts on."""
    late = LaunchRequest.objects.filter(
        link_decision__decided_at__lte=now - PATIENCE, outcome=Outcome.WAITING, holds__status=HoldStatus.OPEN
    ).exclude(alarms__code=AlarmCode.SIGNAL_GIVEN_UP)
    for request in late:
        with transaction.atomic():
            alarm_about(request, AlarmCode.SIGNAL_GIVEN_UP, UNTOLD, actor=Actor.system(Channel.TIMER), now=now)


def _known(said: LinkFacts) -> LaunchRequest | None:
    same = LaunchRequest.objects.select_for_update(of=("self",))
    return same.filter(stack_id=said.stack_id, gate=said.gate, fingerprint=said.fingerprint).order_by("-pk").first()


def _unheard_of(said: LinkFacts, now: datetime) -> LaunchRequest:
    return LaunchRequest.objects.create(
        kind=Kind.LAUNCH,
        stack_id=said.stack_id,
        stack_name=said.stack_name,
        account=said.account,
        region=said.region,
        gate=said.gate,
        fingerprint=said.fingerprint,
        opened_at=now,
        is_complete=False,
    )


def _adopt(request: LaunchRequest, said: LinkFacts, *, actor: Actor, now: datetime) -> None:
    before = State(request.state)
    target = next_state(before, _ACTION[said.verdict])
    decided = LinkDecision.objects.create(
        request=request,
        verdict=said.verdict,
        reason=said.reason,
        decided_by=said.by,
        decided_at=said.at,
        unique_id=said.unique_id,
    )
    if target is not None and target != before:
        move(request, target, now)
    event = audit.record(
        request,
        audit.Event.DECIDED_BY_LINK,
        actor=actor,
        now=now,
        params={"link_decision": decided.pk, "verdict": said.verdict.value, "before": before.value},
        texts={"by": said.by} | ({"reason": said.reason} if said.reason else {}),
    )
    if before == State.BYPASSED:
        # The signal nobody knew was this decision's.
        Alarm.objects.filter(request=request, code=AlarmCode.BYPASS, acknowledged_at=None).update(acknowledged_at=now)
    desk = Decision.objects.filter(request=request).first()
    if desk is not None and desk.verdict != said.verdict:
        alarm_about(request, AlarmCode.DECIDED_TWICE, DIFFERENT, actor=actor, now=now)
        # What does not stand lets nothing through.
        Pass.objects.filter(request=request, valid_until__gt=now).update(valid_until=now)
    if desk is None or desk.verdict != said.verdict:
        outbox.owe_notice(event, NoticeCode.DECIDED, request, now)
    wipe_urls(request, now)
