"""What both doors do with a message that SNS signed, and how what they turn away is counted."""

from __future__ import annotations

import logging
from datetime import datetime
from enum import StrEnum

import urllib3
from django.conf import settings

from approvals import actions
from approvals.choices import AlarmCode
from approvals.intake import messages, quarantine, sns
from approvals.intake.refusals import refuse

QUEUE, HTTPS = "queue", "https"
UNLISTED = "Add the account to GATEHOUSE_ACCOUNTS and subscribe again, or remove the subscription in account"
_pool = urllib3.PoolManager(num_pools=4, maxsize=2)
_log = logging.getLogger(__name__)


class Taken(StrEnum):
    DONE = "done"
    QUARANTINED = "quarantined"
    REFUSED = "refused"


def take(message: str, *, topic_arn: str, door: str, now: datetime) -> Taken:
    """Take an authentic message: what it says is committed when this returns, or it is in quarantine.

    Raises only what `messages.TROUBLE` names: then nothing is known to be done, and it must come again.
    """
    reason = messages.deliver(message, topic_arn=topic_arn, now=now)
    if not reason:
        return Taken.DONE
    quarantine.keep(message, reason=reason, topic_arn=topic_arn, door=door, now=now)
    return Taken.QUARANTINED


def confirm(message: sns.SnsMessage, *, door: str, now: datetime) -> Taken:
    """Let a topic in that was subscribed from its own account: a spoke joins the desk.

    Only accounts that GATEHOUSE_ACCOUNTS lists: an empty list lets their messages through, but joining is a
    standing right that somebody has to have meant. Another account's wish raises an alarm, because at the queue
    it is most often a spoke whose account nobody wrote down. Raises sns.Forged for an address that is not SNS's,
    sns.Unavailable when SNS does not confirm now.
    """
    url = sns.subscribe_url(message, settings.GATEHOUSE_DEV_CERT_ORIGIN)
    if message.account not in settings.GATEHOUSE_ACCOUNTS:
        actions.raise_alarm(
            AlarmCode.UNKNOWN_TOPIC,
            actor=messages.INTAKE,
            now=now,
            stack_id=message.topic_arn,
            detail=f"{UNLISTED} {message.account}",
        )
        refuse("subscription", door=door, now=now)
        return Taken.REFUSED
    try:
        answer = _pool.request("GET", url, redirect=False, retries=False, timeout=urllib3.Timeout(3, 5))
    except urllib3.exceptions.HTTPError:
        raise sns.Unavailable("subscription") from None
    if answer.status != 200:
        raise sns.Unavailable("subscription")
    _log.info("a topic's subscription is confirmed", extra={"door": door, "topic": message.topic_arn})
    return Taken.DONE


def unsubscribed(topic_arn: str, *, door: str, now: datetime) -> None:
    """Somebody ended the desk's subscription: unless it was meant, no launch of that topic is heard of again."""
    _log.error("a topic no longer tells this door anything", extra={"door": door, "topic": topic_arn})
    refuse("unsubscribed", door=door, now=now)
