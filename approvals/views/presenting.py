"""What the page of a request shows: the facts that stand, and the parts that move."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from approvals import requester, rules
from approvals.actions.claiming import claimant
from approvals.audit import Event
from approvals.choices import HoldStatus, Kind, Outcome, SignalStatus, State
from approvals.lifecycle import Action
from approvals.models import AuditEvent, CannedReason, LaunchRequest
from approvals.progress import next_step
from approvals.review import asker, asking, deciders, presence, seen, sensitivity, trail
from approvals.review.glance import glance
from approvals.review.steps import steps
from approvals.review.turns import turn
from catalog import console
from catalog.models import Product
from portal.accounts.models import User

_MOST_REASONS = 50
_MOST_EVENTS = 300
# What the steps, the turn and the votes are told from.
_TELLING = (
    Event.ASKED,
    Event.ANSWERED,
    Event.VOTED,
    Event.APPROVED,
    Event.REJECTED,
    Event.SIGNAL_STORED,
    Event.OUTCOME,
)
_TALKING = {Action.ANSWER, Action.COMMENT, Action.NOTE}


def facts(launch: LaunchRequest, person: User, now: datetime) -> dict[str, Any]:
    """Everything about the launch that does not change while somebody looks at it. The token of what was seen is
    worked out before anything that is shown: what comes in between makes the page stale, never the other way round."""
    allowed = rules.allowed_actions(person, launch, now)
    decides = bool(allowed & rules.DECIDING)
    own = rules.is_own(person, launch)
    shown = seen.token(launch) if decides else seen.now_seen(launch, inside=not own).token
    asked = asking.asked(launch, person)
    marks, groups = sensitivity.of(launch), deciders.groups(launch)
    return {
        "here": "requests" if rules.is_requester(person, launch) else "desk",
        "launch": launch,
        "kind": Kind(launch.kind),
        "now": now,
        "unusable": launch.holds.filter(status=HoldStatus.UNUSABLE).first(),
        "disputed": launch.is_open and rules.is_disputed(launch),
        "contradicted": asker.contradicted_by(launch),
        "stack_link": console.stack_url(launch.stack_id),
        "product_page": _product_page(launch),
        "product_link": console.provisioned_product_url(launch.provisioned_product_id, launch.region),
        "groups": groups,
        "policy_why": deciders.why(launch),
        "allowed": {action.value for action in allowed},
        "talks": bool(allowed & _TALKING),
        "decides": decides,
        "not_you": "" if decides or own else deciders.why_not(launch, person, groups, now),
        "built": _built(launch),
        "own": own,
        "sensitive": marks,
        "needed_name": marks[0].name if marks else "",
        "seen": shown if decides else "",
        "since": shown,
        "reasons": list(CannedReason.objects.all()[:_MOST_REASONS]) if Action.REJECT in allowed else [],
        "mine": claimant(launch, now) == person,
        "glance": glance(asked["digest"], asked["difference"], asked["parameters"], compared=asked["last"] is not None),
        **asked,
    }


def moving(launch: LaunchRequest, person: User, now: datetime) -> dict[str, Any]:
    """What may change by the second. Whoever asks is noted as looking."""
    hold = launch.holds.order_by("-pk").first()
    own = rules.is_own(person, launch)
    events = _events(launch)
    telling = [*_earlier(launch, events), *events]
    return {
        "launch": launch,
        "now": now,
        "state": State(launch.state),
        "next_step": next_step(launch, hold, now),
        "steps": steps(launch, telling),
        "turn": turn(launch, telling),
        "events_link": console.stack_events_url(launch.stack_id),
        "held_until": hold.deadline if hold and hold.is_update and hold.status == HoldStatus.OPEN else None,
        "granted": getattr(launch, "granted_pass", None),
        "votes": trail.votes(telling),
        "decision": getattr(launch, "decision", None),
        "link_decision": getattr(launch, "link_decision", None),
        "looking": presence.look(launch, person, now),
        "journey": requester.way(launch, now) if own else [],
        "claimed": None if own else claimant(launch, now),
        "history": trail.told(events, inside=not own),
        "history_cut": _MOST_EVENTS if len(events) == _MOST_EVENTS else 0,
    }


def at_rest(launch: LaunchRequest) -> bool:
    """Nothing more will happen: closed, told, and the stack has come to its end."""
    ended = launch.outcome not in (Outcome.WAITING, Outcome.RELEASED)
    return ended and not launch.is_open and SignalStatus(launch.signal).is_settled


def _built(launch: LaunchRequest) -> str:
    """Whether what is asked for "will" still be made, "was" made, or would have been and "not" any more."""
    if launch.outcome in (Outcome.LAUNCHED, Outcome.TERMINATED):
        return "was"
    went_on = launch.is_open or launch.state in (State.APPROVED, State.BYPASSED)
    return "will" if went_on and launch.outcome in (Outcome.WAITING, Outcome.RELEASED) else "not"


def _product_page(launch: LaunchRequest) -> str:
    """The page of its product here; the empty string for one the catalogue does not know."""
    known = Product.objects.filter(product_id=launch.product_id).exists()
    return reverse("product", args=[launch.product_id]) if known else ""


def _events(launch: LaunchRequest) -> list[AuditEvent]:
    """The newest, oldest first: somebody who writes all day must not make a page that nobody can load."""
    trail = AuditEvent.objects.filter(chain__request=launch).select_related("actor", "on_behalf_of")
    return list(trail.prefetch_related("texts").order_by("-number")[:_MOST_EVENTS])[::-1]


def _earlier(launch: LaunchRequest, events: list[AuditEvent]) -> list[AuditEvent]:
    """What happened before the newest events and still says where the request stands."""
    if len(events) < _MOST_EVENTS:
        return []
    before = AuditEvent.objects.filter(chain__request=launch, number__lt=events[0].number, code__in=_TELLING)
    before = before.select_related("actor", "on_behalf_of").prefetch_related("texts")
    return list(before.order_by("-number")[:_MOST_EVENTS])[::-1]
