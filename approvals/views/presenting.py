"""What the page of a request shows: the facts that stand, and the parts that move."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.urls import reverse

from approvals import rules
from approvals.audit import Event
from approvals.choices import HoldStatus, Kind, MessageKind, Outcome, SignalStatus, State
from approvals.lifecycle import Action
from approvals.models import AuditEvent, LaunchRequest, StageGroup
from approvals.progress import next_step
from approvals.sentences import sentence
from approvals.views import asking
from catalog import console
from catalog.models import Product
from portal.accounts.models import User

# What the requester's own history leaves out: talk among approvers, and alarms for administrators.
_NOT_FOR_REQUESTERS = (Event.NOTED, Event.ALARM_RAISED, Event.ALARM_ACKNOWLEDGED)
_DECIDED = (Event.APPROVED, Event.REJECTED)


def facts(launch: LaunchRequest, person: User, now: datetime) -> dict[str, Any]:
    """Everything about the launch that does not change while somebody looks at it."""
    allowed = rules.allowed_actions(person, launch, now)
    return {
        "here": "requests" if rules.is_requester(person, launch) else "desk",
        "launch": launch,
        "kind": Kind(launch.kind),
        "now": now,
        "hold": launch.holds.order_by("-pk").first(),
        "unusable": launch.holds.filter(status=HoldStatus.UNUSABLE).first(),
        "disputed": launch.is_open and rules.is_disputed(launch),
        "stack_link": console.stack_url(launch.stack_id),
        "product_page": _product_page(launch),
        "product_link": console.provisioned_product_url(launch.provisioned_product_id, launch.region),
        "groups": _groups(launch),
        "allowed": {action.value for action in allowed},
        "talks": bool(allowed & {Action.ASK, Action.ANSWER, Action.COMMENT, Action.NOTE}),
        "decides": bool(allowed & rules.DECIDING),
        "own": rules.is_own(person, launch),
        **asking.asked(launch, person),
    }


def moving(launch: LaunchRequest, person: User, now: datetime, was: str, stage: str | None) -> dict[str, Any]:
    """What may change by the second. `stage`: how far the template was read as the page was loaded; None: now."""
    reached = asking.stage_of(launch)
    hold = launch.holds.order_by("-pk").first()
    inside = not rules.is_own(person, launch)
    return {
        "launch": launch,
        "now": now,
        "changed": was != launch.state,
        "stage": reached,
        "stage_was": reached if stage is None else stage,
        "state": State(launch.state),
        "signal": SignalStatus(launch.signal),
        "outcome": Outcome(launch.outcome),
        "next_step": next_step(launch, hold, now),
        "held_until": hold.deadline if hold and hold.is_update and hold.status == HoldStatus.OPEN else None,
        "granted": getattr(launch, "granted_pass", None),
        "decision": getattr(launch, "decision", None),
        "link_decision": getattr(launch, "link_decision", None),
        "conversation": _conversation(launch, inside),
        "history": _history(launch, inside),
    }


def _product_page(launch: LaunchRequest) -> str:
    """The page of its product here; the empty string for one the catalogue does not know."""
    known = Product.objects.filter(product_id=launch.product_id).exists()
    return reverse("product", args=[launch.product_id]) if known else ""


def at_rest(launch: LaunchRequest) -> bool:
    """Nothing more will happen: closed, told, and the stack has come to its end."""
    ended = launch.outcome not in (Outcome.WAITING, Outcome.RELEASED)
    return ended and not launch.is_open and SignalStatus(launch.signal).is_settled


def _groups(launch: LaunchRequest) -> list[tuple[StageGroup, list[User]]]:
    """Who may decide, by team. The requester is in no list, whatever team they are in."""
    groups = StageGroup.objects.filter(stage__request=launch).select_related("team").order_by("stage__order", "pk")
    return [(group, [person for person in _deciders(group) if not rules.is_own(person, launch)]) for group in groups]


def _deciders(group: StageGroup) -> Iterable[User]:
    members = User.objects.filter(memberships__team=group.team, memberships__may_decide=True, is_active=True)
    return members.prefetch_related("principals").order_by("name", "email")


def _conversation(launch: LaunchRequest, inside: bool) -> list[Any]:
    messages = launch.messages.select_related("author")
    if not inside:
        messages = messages.exclude(kind=MessageKind.NOTE)
    return [(message, MessageKind(message.kind)) for message in messages]


def _history(launch: LaunchRequest, inside: bool) -> list[tuple[AuditEvent, str]]:
    """Oldest first. A vote that was the decision is told once."""
    events = list(
        AuditEvent.objects.filter(chain__request=launch).select_related("actor", "on_behalf_of").order_by("number")
    )
    decided = {(event.actor_id, event.at) for event in events if event.code in _DECIDED}
    return [
        (event, sentence(event))
        for event in events
        if not (event.code == Event.VOTED and (event.actor_id, event.at) in decided)
        and (inside or event.code not in _NOT_FOR_REQUESTERS)
    ]
