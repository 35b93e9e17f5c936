"""What of a request's trail is told to whom.

Invariant: requesters are told what is named here, and nothing that anybody adds to the trail later without naming it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from approvals.audit import Event
from approvals.choices import MessageKind
from approvals.models import AuditEvent
from approvals.sentences import sentence

# What happened to a request itself; a page that was made before it is stale.
_CHANGES = (
    Event.COMPLETED,
    Event.ANNOUNCED_AGAIN,
    Event.VOTED,
    Event.APPROVED,
    Event.REJECTED,
    Event.ASKED,
    Event.ANSWERED,
    Event.COMMENTED,
    Event.EDITED,
    Event.WITHDRAWN,
    Event.EXPIRED,
    Event.LAPSED,
    Event.RETRIED,
    Event.LET_THROUGH,
    Event.DECIDED_BY_LINK,
    Event.UPDATER_NAMED,
    Event.BYPASSED,
)
_CHANGES_INSIDE = (*_CHANGES, Event.NOTED, Event.ALARM_RAISED, Event.ALARM_ACKNOWLEDGED)
# Beside them requesters read what was told to CloudFormation and what it did, which changes no decision.
FOR_REQUESTERS = frozenset(
    {
        *_CHANGES,
        Event.OPENED,
        Event.SIGNAL_STORED,
        Event.SIGNAL_GIVEN_UP,
        Event.SIGNAL_RETRIED,
        Event.SIGNAL_NOT_SENT,
        Event.HOLD_ENDED,
        Event.OUTCOME,
    }
)
_DECIDED = (Event.APPROVED, Event.REJECTED)
# What somebody wrote along with these stands below their sentence; of others it is part of it, or elsewhere.
_WITH_WORDS = (Event.VOTED, *_DECIDED, Event.DECIDED_BY_LINK)


@dataclass(frozen=True, slots=True)
class Told:
    """One event in words. `said`: the note or reason its person wrote, or the empty string."""

    event: AuditEvent
    sentence: str
    said: str


def changes(pks: Iterable[int], *, inside: bool) -> QuerySet[AuditEvent]:
    """What happened to these requests that makes a page of theirs stale. `inside`: the reader may see notes."""
    events = AuditEvent.objects.filter(chain__request__in=pks, code__in=_CHANGES_INSIDE if inside else _CHANGES)
    return events if inside else events.exclude(code=Event.EDITED, params__kind=MessageKind.NOTE)


def told(events: Sequence[AuditEvent], *, inside: bool) -> list[Told]:
    """These events with their sentences, as far as the reader is told. A vote that was the decision is told once."""
    decided = {(event.actor_id, event.at) for event in events if event.code in _DECIDED}
    return [
        Told(event, sentence(event), _said(event))
        for event in events
        if not (event.code == Event.VOTED and (event.actor_id, event.at) in decided)
        and (inside or _is_for_requesters(event))
    ]


def votes(events: Sequence[AuditEvent]) -> list[Told]:
    """Of these events the votes, without the one that was the decision: that one stands by itself."""
    voting = [event for event in events if event.code in (Event.VOTED, *_DECIDED)]
    return [one for one in told(voting, inside=True) if one.event.code == Event.VOTED]


def _said(event: AuditEvent) -> str:
    if event.code not in _WITH_WORDS:
        return ""
    return next((one.text for one in event.texts.all() if one.name == "reason"), "")


def _is_for_requesters(event: AuditEvent) -> bool:
    of_a_note = event.code == Event.EDITED and event.params.get("kind") == MessageKind.NOTE
    return event.code in FOR_REQUESTERS and not of_a_note
