"""How what a door turns away is counted: per day, door and reason. Nothing of it is kept."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import Error, connection

from approvals.intake.strict import cut

_log = logging.getLogger(__name__)

_COUNT = """
INSERT INTO approvals_refusal (day, door, reason, times) VALUES (%s, %s, %s, 1)
ON CONFLICT (day, door, reason) DO UPDATE SET times = approvals_refusal.times + 1
"""


def refuse(reason: str, *, door: str, now: datetime) -> None:
    """Count what was turned away. A database that is down changes nothing."""
    _log.warning("message refused", extra={"door": door, "reason": reason})
    try:
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [now.date(), door, cut(reason, 40)])
    except Error as error:
        _log.warning("a refusal could not be counted", extra={"error": type(error).__name__})
