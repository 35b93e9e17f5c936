"""The time here and at AWS."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import ClientError
from django.utils.translation import gettext_noop as _

from approvals.doctor.findings import Problem, Severity, problem
from approvals.doctor.registry import check
from approvals.doctor.visit import Visit
from catalog import aws
from portal import clock

_WARNING, _CRITICAL = 60, 240


@check(
    "clock_skew",
    Severity.WARNING,
    title=_("The clock"),
    why=_(
        "Deadlines follow this clock. AWS refuses calls that are more than five minutes off, and presigned URLs "
        "die by its own."
    ),
    remedy=_("Switch time synchronisation on (chrony or systemd-timesyncd; on EC2 the server 169.254.169.123)."),
)
def clock_skew(_visit: Visit) -> Iterator[Problem]:
    seconds = _skew()
    if abs(seconds) > _WARNING:
        grave = Severity.CRITICAL if abs(seconds) > _CRITICAL else Severity.WARNING
        seen = _("This machine's clock is %(seconds)s seconds ahead of AWS's (behind, if negative).")
        yield problem(seen, severity=grave, seconds=seconds)


def _skew() -> int:
    """Seconds this machine is ahead. A clock so wrong that AWS refuses the call is told by the refusal."""
    metadata: Any
    try:
        metadata = aws.client("sts").get_caller_identity()["ResponseMetadata"]
    except ClientError as error:
        metadata = error.response["ResponseMetadata"]
    theirs = parsedate_to_datetime(metadata["HTTPHeaders"]["date"])
    return round((clock.now() - theirs).total_seconds())
