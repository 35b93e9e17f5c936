"""What the functions wrote when something went wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from botocore.exceptions import ClientError
from django.utils.translation import gettext_noop as _

from approvals.doctor.findings import Problem, Severity, problem
from approvals.doctor.registry import check
from approvals.doctor.visit import Visit, code_of
from portal.logs import redact

_SINCE = timedelta(hours=1)
# What Lambda writes about a function that raised, ran out of time or crashed. Our own lines are no errors.
_SIGNS = ("ERROR", "Traceback", "Task timed out", "Runtime exited")
_MOST, _LONGEST = 200, 300
_ENCODED = re.compile(r"https?%3A%2F%2F\S+", re.IGNORECASE)
# A URL; or, outside of one, whatever is long and without a break: link tokens, signatures, session tokens, keys.
_SECRET = re.compile(r"(https?://[^\s/?#\"'<>\\]+)[^\s\"'<>]*|[A-Za-z0-9+/=_%-]{40,}", re.IGNORECASE)


def excerpt(text: str) -> str:
    """A line of a log, without secrets: of URLs only scheme and host stay, nothing long and opaque stays."""
    text = redact(_ENCODED.sub("[URL]", text))
    text = _SECRET.sub(lambda found: f"{found[1]}/[cut]" if found[1] else "[cut]", text)
    return " ".join(text.split())[:_LONGEST]


@check(
    "function_errors",
    Severity.WARNING,
    title=_("Errors in the functions' logs"),
    why=_("A function that fails holds launches up or loses what became of them."),
    remedy=_(
        "Read the function's log group in CloudWatch around that time. Missing rights are mended by deploying the "
        "stack again; a time-out by looking at the service that was called."
    ),
    everywhere=True,
)
def function_errors(visit: Visit) -> Iterator[Problem]:
    for name in ("gatehouse-notify", "gatehouse-verify", "gatehouse-approve"):
        lines = _lines(visit, f"/aws/lambda/{name}")
        if lines:
            yield problem(
                _("%(function)s: %(count)s lines about errors in the last hour, the last one: %(excerpt)s"),
                about=f"{visit.here} /aws/lambda/{name}",
                function=name,
                count=len(lines),
                excerpt=excerpt(lines[-1]),
            )


def _lines(visit: Visit, group: str) -> list[str]:
    """The messages, oldest first, each once."""
    since = int((visit.now - _SINCE).timestamp() * 1000)
    found = set()
    try:
        for sign in _SIGNS:
            events = visit.here.pages(
                "logs",
                "filter_log_events",
                "events",
                logGroupName=group,
                startTime=since,
                filterPattern=f'"{sign}"',
                PaginationConfig={"MaxItems": _MOST},
            )
            found |= {(one["timestamp"], one["message"]) for one in events if sign in one["message"]}
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
    return [message for _at, message in sorted(found)]
