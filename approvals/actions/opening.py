"""How a request comes into being, and how a Delete from CloudFormation closes it.

Invariant: one launch gives one request, however often, late or out of order its messages arrive. All messages
about one stack are taken one after another, under an advisory lock on the stack.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from approvals import audit, hints, outbox, policy
from approvals.actions import retrying
from approvals.actions.adopting import NOT_ALLOWED
from approvals.actions.alarms import alarm_about
from approvals.actions.base import hold_of, lock_stack, move, wipe_urls
from approvals.actor import Actor
from approvals.choices import AlarmCode, HoldKind, HoldStatus, NoticeCode, State
from approvals.facts import HoldFacts, LaunchFacts
from approvals.inbox.terms import terms_of
from approvals.intake import identity
from approvals.models import AuditEvent, Hold, LaunchRequest, LinkDecision
from catalog import names


def open_request(facts: LaunchFacts, *, actor: Actor, now: datetime) -> LaunchRequest:
    """Open the request of this launch, or find it. Other facts for the same wait never replace the first."""
    if facts.hold is None:
        raise ValueError("a launch without a hold cannot be opened")
    with transaction.atomic(durable=True):
        lock_stack(facts.stack_id)
        same_wait = Hold.objects.filter(dedupe_key=facts.hold.dedupe_key).first()
        if same_wait is not None:
            request = LaunchRequest.objects.select_for_update(of=("self",)).get(pk=same_wait.request_id)
            if same_wait.fingerprint != facts.fingerprint:
                return _other_facts(request, facts, actor, now)
            if facts.hold.email_decisions:
                # One that was opened from its stack's events (approvals.following.reconcile) did not say so.
                Hold.objects.filter(pk=same_wait.pk).update(email_decisions=True)
            return request
        known = _known(facts)
        if known is None:
            return _open(facts, facts.hold, actor, now)
        if not known.is_complete:
            return _complete(known, facts, actor, now)
        if facts.hold.kind != HoldKind.RESPONSE:
            return known
        return retrying.again(known, facts, facts.hold, actor=actor, now=now) or _open(facts, facts.hold, actor, now)


def close_deleted(facts: LaunchFacts, *, actor: Actor, now: datetime) -> LaunchRequest:
    """CloudFormation deletes the gate of this launch. A Delete that comes first leaves a closed request."""
    with transaction.atomic(durable=True):
        lock_stack(facts.stack_id)
        request = _known(facts)
        if request is None:
            request = _new(facts, now)
            request.state, request.closed_at, request.is_complete = State.WITHDRAWN, now, False
            request.save()
            audit.record(request, audit.Event.WITHDRAWN, actor=actor, now=now, params={"delete_first": True})
        elif request.is_open:
            move(request, State.WITHDRAWN, now)
            event = audit.record(request, audit.Event.WITHDRAWN, actor=actor, now=now)
            outbox.owe_notice(event, NoticeCode.WITHDRAWN, request, now)
            wipe_urls(request, now)
        request.holds.filter(status=HoldStatus.OPEN).update(status=HoldStatus.ENDED, ended_at=now)
        return request


def _known(facts: LaunchFacts) -> LaunchRequest | None:
    """The newest request of this very gate. A message about another stack's gate finds nothing."""
    return (
        LaunchRequest.objects.select_for_update(of=("self",))
        .filter(fingerprint=facts.fingerprint, stack_id=facts.stack_id, gate=facts.gate)
        .order_by("-pk")
        .first()
    )


def _new(facts: LaunchFacts, now: datetime) -> LaunchRequest:
    """An unsaved request with everything the facts say."""
    request = LaunchRequest(
        stack_id=facts.stack_id,
        stack_name=facts.stack_name,
        account=facts.account,
        region=facts.region,
        gate=facts.gate,
        fingerprint=facts.fingerprint,
        opened_at=now,
    )
    _fill(request, facts, now)
    return request


def _fill(request: LaunchRequest, facts: LaunchFacts, now: datetime) -> None:
    request.kind = facts.kind
    request.requester, request.requester_verified = identity.identify(facts, now)
    request.principal_arn, request.typed_email = facts.principal_arn, facts.typed_email
    request.product_id, request.version_id = facts.product_id, facts.version_id
    request.product_name, request.version_name = names.lookup(facts.product_id, facts.version_id)
    request.portfolio_id = facts.portfolio_id
    request.provisioned_product_id = facts.provisioned_product_id
    request.provisioned_product_name = facts.provisioned_product_name
    request.parameters, request.template, request.stack_facts = facts.parameters, facts.template, facts.stack
    request.has_receipt_gate, request.gates_updates = facts.has_receipt_gate, facts.gates_updates
    request.deadline = facts.hold.deadline if facts.hold else None
    request.search_terms = terms_of(request)


def _open(facts: LaunchFacts, hold: HoldFacts, actor: Actor, now: datetime) -> LaunchRequest:
    request = _new(facts, now)
    request.save(force_insert=True)
    policy.route(request)
    request.save(update_fields=["policy_version", "policy_trace"])
    hold_of(request, hold, now)
    outbox.owe_reading(request, now)
    event = audit.record(
        request,
        audit.Event.OPENED,
        actor=actor,
        now=now,
        params={"fingerprint": facts.fingerprint, "message": facts.message_id, "kind": facts.kind.value},
    )
    outbox.owe_notice(event, NoticeCode.OPENED, request, now)
    if request.product_id and not request.product_name:
        outbox.hint_on_commit(hints.Hint.CATALOGUE)
    if hold.unusable:
        alarm_about(request, AlarmCode.UNUSABLE_HOLD, hold.unusable, actor=actor, now=now)
    if request.is_parameter_update:
        retrying.spend_served(request, now)
        retrying.warn_of_two(request, actor=actor, now=now)
    return request


def _complete(request: LaunchRequest, facts: LaunchFacts, actor: Actor, now: datetime) -> LaunchRequest:
    """The Create of a launch whose Delete came first: the facts are filled in, nothing is opened again."""
    _fill(request, facts, now)
    request.deadline, request.is_complete = None, True
    request.save()
    audit.record(request, audit.Event.COMPLETED, actor=actor, now=now, params={"message": facts.message_id})
    decided = LinkDecision.objects.filter(request=request).exists()
    if decided and facts.hold is not None and not facts.hold.email_decisions:
        alarm_about(request, AlarmCode.DECIDED_TWICE, NOT_ALLOWED, actor=actor, now=now)
    return request


def _other_facts(request: LaunchRequest, facts: LaunchFacts, actor: Actor, now: datetime) -> LaunchRequest:
    """The alarm is for new facts; the same message again says nothing new."""
    said = {"fingerprint": facts.fingerprint}
    if AuditEvent.objects.filter(
        chain__request=request, code=audit.Event.ANNOUNCED_AGAIN, params__contains=said
    ).exists():
        return request
    audit.record(request, audit.Event.ANNOUNCED_AGAIN, actor=actor, now=now, params=said)
    alarm_about(
        request,
        AlarmCode.FACTS_CHANGED,
        "The same wait was announced again with other facts; the first ones stand.",
        actor=actor,
        now=now,
    )
    return request
