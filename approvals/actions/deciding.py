"""Approve and reject. The first decision is final: one row per request, made under the request's lock."""

from __future__ import annotations

from datetime import datetime

from approvals import audit, outbox, policy
from approvals.actions import retrying
from approvals.actions.base import clean_text, locked, move, open_hold, outcome_of_nothing, permit
from approvals.actor import Actor
from approvals.canonical import digest
from approvals.choices import NoticeCode, State, Verdict
from approvals.errors import Refused, Why
from approvals.lifecycle import Action
from approvals.models import Decision, LaunchRequest, Stage, Vote
from approvals.review import seen, sensitivity
from approvals.review.seen import Consent
from approvals.rules import deciding_group, refusal
from portal.accounts.models import User

_ACTION = {Verdict.APPROVED: Action.APPROVE, Verdict.REJECTED: Action.REJECT}
_EVENT = {Verdict.APPROVED: audit.Event.APPROVED, Verdict.REJECTED: audit.Event.REJECTED}
_STATE = {Verdict.APPROVED: State.APPROVED, Verdict.REJECTED: State.REJECTED}


def approve(pk: int, *, actor: Actor, now: datetime, reason: str = "", consent: Consent | None = None) -> LaunchRequest:
    """Vote for; when that completes the policy, CloudFormation is told to go on. What is sensitive needs a consent."""
    return _decide(pk, Verdict.APPROVED, consent, actor=actor, now=now, reason=clean_text(reason, required=False))


def reject(pk: int, *, actor: Actor, now: datetime, reason: str, consent: Consent | None = None) -> LaunchRequest:
    """Vote against, with a reason the requester reads; the stack rolls back at once."""
    return _decide(pk, Verdict.REJECTED, consent, actor=actor, now=now, reason=clean_text(reason, required=True))


def is_repeated(pk: int, action: str, person: User) -> bool:
    """This very person decided this very thing before: a form was sent twice."""
    verdict = next((verdict for verdict, verb in _ACTION.items() if verb == action), "")
    return Decision.objects.filter(request=pk, verdict=verdict, decided_by=person).exists()


def _decide(
    pk: int, verdict: Verdict, consent: Consent | None, *, actor: Actor, now: datetime, reason: str
) -> LaunchRequest:
    if actor.person is None:
        raise Refused(Why.NOT_ALLOWED)
    with locked(pk) as request:
        permit(actor, request, _ACTION[verdict], now)
        _agree(request, verdict, consent)
        vote = _cast(request, verdict, actor.person, actor=actor, now=now)
        final = _final(request, vote.group.stage, now)
        # What is written with the vote that settles it is the decision's reason.
        _record(request, vote, "" if final else reason, actor=actor, now=now)
        if final:
            _settle(request, final, actor.person, actor=actor, now=now, reason=reason)
        return request


def _agree(request: LaunchRequest, verdict: Verdict, consent: Consent | None) -> None:
    """A page that no longer showed what is so decides nothing; without a consent nobody looked at a page."""
    if consent is not None and consent.seen != seen.token(request):
        raise Refused(Why.PAGE_IS_STALE)
    if verdict is Verdict.APPROVED:
        typed, is_fresh = (consent.typed_name, consent.is_fresh) if consent else ("", False)
        sensitivity.demand(request, typed, is_fresh=is_fresh)


def _cast(request: LaunchRequest, verdict: Verdict, person: User, *, actor: Actor, now: datetime) -> Vote:
    group = deciding_group(person, request)
    if group is None:
        raise refusal(Why.NOT_ALLOWED, request)
    return Vote.objects.create(
        group=group, person=person, on_behalf_of=actor.on_behalf_of, verdict=verdict, cast_at=now
    )


def _final(request: LaunchRequest, stage: Stage, now: datetime) -> Verdict | None:
    """What the request comes to with the votes so far; None while others have to give theirs."""
    settled = policy.verdict_of(stage)
    if settled is Verdict.APPROVED:
        stage.passed_at = now
        stage.save(update_fields=["passed_at"])
        if policy.current_stage(request) is not None:
            return None
    return settled


def _record(request: LaunchRequest, vote: Vote, note: str, *, actor: Actor, now: datetime) -> None:
    """A note lives beside the audit event alone: it can be redacted there, a vote never changes."""
    audit.record(
        request,
        audit.Event.VOTED,
        actor=actor,
        now=now,
        params={"vote": vote.pk, "verdict": vote.verdict, "group": vote.group_id},
        texts={"reason": note} if note else None,
    )


def _settle(
    request: LaunchRequest, verdict: Verdict, person: User, *, actor: Actor, now: datetime, reason: str
) -> None:
    hold = open_hold(request)
    if hold is None and not request.is_parameter_update:
        raise refusal(Why.UNUSABLE, request)
    votes = list(Vote.objects.filter(group__stage__request=request).order_by("pk"))
    approvers = sum(vote.verdict == Verdict.APPROVED for vote in votes)
    record = {
        "request": request.pk,
        "fingerprint": request.fingerprint,
        "verdict": verdict.value,
        "policy": request.policy_version,
        "approvers": approvers,
        "votes": [[vote.pk, vote.group_id, vote.person_id, vote.verdict, vote.cast_at.isoformat()] for vote in votes],
        "decided_at": now.isoformat(),
    }
    decision = Decision.objects.create(
        request=request,
        verdict=verdict,
        reason=reason,
        decided_by=person,
        channel=actor.channel,
        decided_at=now,
        approvers=approvers,
        record=record,
        record_sha256=digest(record),
    )
    move(request, _STATE[verdict], now)
    event = audit.record(
        request,
        _EVENT[verdict],
        actor=actor,
        now=now,
        params={"decision": decision.pk, "record": decision.record_sha256},
        texts={"reason": reason} if reason else None,
    )
    if request.is_parameter_update and verdict is Verdict.APPROVED:
        retrying.grant(request, now)
    if hold is not None:
        outbox.owe_signal(request, hold, verdict=verdict, reason=reason, now=now)
    else:
        outcome_of_nothing(request, now)
    outbox.owe_notice(event, NoticeCode.DECIDED, request, now)
