"""Inviting once more whoever has not come yet: an administrator's verb, audited on the chain `people`.

It grants nothing, so it asks for no proof; and nobody's mailbox is filled with it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from approvals import audit, outbox
from approvals.actions import people
from approvals.actor import Actor
from approvals.choices import NoticeCode
from approvals.errors import Refused, Why
from approvals.people import invited_at

PAUSE = timedelta(minutes=10)


def invite_again(pk: int, *, actor: Actor, now: datetime) -> None:
    """The mail of the invitation once more. Raises Refused."""
    with people.in_turn(actor):
        person = people.locked_person(pk)
        if not person.is_active:
            raise Refused(Why.DEACTIVATED)
        last = invited_at([pk]).get(pk)
        if last is None or person.last_login is not None:
            raise Refused(Why.HAS_COME)
        if now - last < PAUSE:
            raise Refused(Why.INVITED_JUST_NOW, minutes=PAUSE.seconds // 60)
        event = people.record(person, audit.Event.PERSON_INVITED, actor, now)
        outbox.owe_notice(event, NoticeCode.INVITED, None, now)
