"""What requesters are told of a request's trail."""

from __future__ import annotations

from approvals.audit import Event
from approvals.review import trail

_OF_THE_DESK = {
    Event.NOTED,
    Event.CLAIMED,
    Event.UNCLAIMED,
    Event.REMINDED,
    Event.ALARM_RAISED,
    Event.ALARM_ACKNOWLEDGED,
}


def test_whatever_happens_to_a_request_is_for_the_desk_or_for_requesters_too() -> None:
    """An event that is added belongs to one of these, or to another chain than a request's."""
    assert not trail.FOR_REQUESTERS & _OF_THE_DESK
    of_requests = set(list(Event)[: list(Event).index(Event.QUARANTINE_RETRIED)])
    assert of_requests == trail.FOR_REQUESTERS | _OF_THE_DESK
