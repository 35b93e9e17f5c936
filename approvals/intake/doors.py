"""What both doors do with a message that SNS signed, and how what they turn away is counted."""

from __future__ import annotations

import logging
from datetime import datetime
from enum import StrEnum

from django.db import Error, connection

from approvals.intake import messages, quarantine
from approvals.intake.strict import cut

QUEUE, HTTPS = "queue", "https"
_log = logging.getLogger(__name__)

_COUNT = """
INSERT INTO approvals_refusal (day, door, reason, times) VALUES (%s, %s, %s, 1)
ON CONFLICT (day, door, reason) DO UPDATE SET times = approvals_refusal.times + 1
"""


class Taken(StrEnum):
    DONE = "done"
    QUARANTINED = "quarantined"


def take(message: str, *, topic_arn: str, door: str, now: datetime) -> Taken:
    """Take an authentic message: what it says is committed when this returns, or it is in quarantine.

    Raises only what `messages.TROUBLE` names: then nothing is known to be done, and it must come again.
    """
    reason = messages.deliver(message, topic_arn=topic_arn, now=now)
    if not reason:
        return Taken.DONE
    quarantine.keep(message, reason=reason, topic_arn=topic_arn, door=door, now=now)
    return Taken.QUARANTINED


def unsubscribed(topic_arn: str, *, door: str, now: datetime) -> None:
    """Somebody ended the desk's subscription: unless it was meant, no launch of that topic is heard of again."""
    _log.error("a topic no longer tells this door anything", extra={"door": door, "topic": topic_arn})
    refuse("unsubscribed", door=door, now=now)


def refuse(reason: str, *, door: str, now: datetime) -> None:
    """Count what was turned away. Nothing of it is kept, and a database that is down changes nothing."""
    _log.warning("message refused", extra={"door": door, "reason": reason})
    try:
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [now.date(), door, cut(reason, 40)])
    except Error as error:
        _log.warning("a refusal could not be counted", extra={"error": type(error).__name__})
