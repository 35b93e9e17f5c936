"""Sending what is owed in this thread, as the worker's hands do."""

from __future__ import annotations

from typing import Any

from django.core import mail

from approvals.actor import Actor
from approvals.choices import Channel, NoticeCode
from approvals.models import Delivery, Notice
from approvals.notifications import deliveries, wishes
from approvals.notifications.fanout import fan_out
from approvals.notifications.recipients import recipients
from portal import clock
from portal.accounts.models import User

FOLLOW = Actor.system(Channel.FOLLOW)
TIMER = Actor.system(Channel.TIMER)


def by(person: User) -> Actor:
    return Actor(person, Channel.DESK)


def told(code: NoticeCode) -> set[str]:
    return {person.name for person in recipients(Notice.objects.filter(code=code).latest("pk"))}


def send_all() -> list[Any]:
    """Everything that is due; the mails of this call."""
    before = len(mail.outbox)
    while fan_out(clock.now()):
        continue
    wishes.heed(clock.now())
    while piece := deliveries.take():
        piece()
    return list(mail.outbox[before:])


def sent() -> dict[str, Any]:
    """As `send_all`: the last mail of each address."""
    return {message.to[0]: message for message in send_all()}


def claimed() -> Delivery:
    delivery = deliveries.claim(clock.now())
    assert delivery is not None
    return delivery
