"""The HTTPS door (design §4): Amazon SNS posts here, where the queue is not used.

4xx ends SNS's tries and 5xx asks for another (aws-facts §4.1), so a message that may become readable gets
503, and 200 means committed or in quarantine.
"""

from __future__ import annotations

import sys
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from approvals.intake import doors, messages, sns
from approvals.intake.envelope import MAX_BYTES
from approvals.intake.refusals import refuse
from approvals.intake.strict import NotUnderstood
from portal import clock
from portal.bodies import takes

_RETRY_AFTER = "5"


# Reads no more than it takes, and counts what is larger.
@takes(sys.maxsize, from_anybody=True)
@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """One message of Amazon SNS."""
    now = clock.now()
    if not settings.GATEHOUSE_ACCOUNTS:
        return _refused(403, "door closed", now)
    raw = _body(request)
    if raw is None:
        return _refused(413, "too large", now)
    try:
        message = sns.open_message(
            raw.decode("utf-8", "replace"), limit=MAX_BYTES, accounts=settings.GATEHOUSE_ACCOUNTS, fresh_at=now
        )
        if message.type == sns.CONFIRMATION:
            doors.confirm(message, door=doors.HTTPS, now=now)
        elif message.type == sns.GOODBYE:
            doors.unsubscribed(message.topic_arn, door=doors.HTTPS, now=now)
        else:
            doors.take(message.message, topic_arn=message.topic_arn, door=doors.HTTPS, now=now)
    except NotUnderstood:
        return _refused(400, "malformed", now)
    except sns.Forged as forged:
        return _refused(403, str(forged), now)
    except (sns.Unavailable, *messages.TROUBLE):
        return HttpResponse(status=503, headers={"Retry-After": _RETRY_AFTER})
    return HttpResponse(status=200)


def _body(request: HttpRequest) -> bytes | None:
    """The body, or None when it is longer than any message of SNS; no more than the limit is ever read."""
    length = request.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) > MAX_BYTES:
        return None
    raw = request.read(MAX_BYTES + 1)
    return raw if len(raw) <= MAX_BYTES else None


def _refused(status: int, reason: str, now: datetime) -> HttpResponse:
    refuse(reason, door=doors.HTTPS, now=now)
    return HttpResponse(status=status)
