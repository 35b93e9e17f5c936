"""Pages from templates, and how times, statuses and secrets are shown in them."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from sandbox.console import session

_FOLDER = Path(__file__).parent
# A status carries its words and its colour here and nowhere else.
STATUS = {
    "AVAILABLE": ("Available", "good"),
    "UNDER_CHANGE": ("Under change", "waiting"),
    "TAINTED": ("Tainted", "bad"),
    "ERROR": ("Error", "bad"),
    "CREATED": ("Created", "waiting"),
    "IN_PROGRESS": ("In progress", "waiting"),
    "IN_PROGRESS_IN_ERROR": ("Rolling back", "bad"),
    "SUCCEEDED": ("Succeeded", "good"),
    "FAILED": ("Failed", "bad"),
}
RECORDS = {
    "PROVISION_PRODUCT": "Launch",
    "UPDATE_PROVISIONED_PRODUCT": "Update",
    "TERMINATE_PROVISIONED_PRODUCT": "Termination",
}
_FAILURE = re.compile(r"\{LogicalResourceId : (.*?), ResourceType : .*?, StatusReason : (.*?)\}(?=, \{|\]$)", re.DOTALL)
_SIGNED_URL = re.compile(
    r"https?://[^\s\"'<>]*(?:waitcondition|cfn-signal|X-Amz-Signature|Signature=)[^\s\"'<>]*", re.IGNORECASE
)


def without_secrets(text: str) -> str:
    """The text without signed URLs: whoever reads one can end the wait (aws-facts §1.5)."""
    return _SIGNED_URL.sub("(signed URL hidden)", text)


def failures(text: str) -> list[tuple[str, str]]:
    """(resource, reason) of each entry of a record error; the whole text when it is not a list of them.

    What only says that something else failed is left out when that is there too.
    """
    entries = _FAILURE.findall(text)
    return [entry for entry in entries if not entry[1].startswith("The following resource")] or entries or [("", text)]


def tone(status: str) -> str:
    """good, bad or waiting, also for the statuses of stacks and their resources."""
    if status in STATUS:
        return STATUS[status][1]
    if "FAILED" in status or "ROLLBACK" in status:
        return "bad"
    return "waiting" if status.endswith("IN_PROGRESS") else "good"


def words(status: str) -> str:
    return STATUS[status][0] if status in STATUS else status


def moment(epoch: float) -> str:
    """`22 Nov 2026, 15:04:05 UTC`."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%-d %b %Y, %H:%M:%S UTC")


def clock(epoch: float) -> str:
    """`22 Nov 15:04:05`, where a heading says it is UTC."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%-d %b %H:%M:%S")


def iso(epoch: float) -> str:
    """For `<time datetime>`."""
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds")


_environment = Environment(
    loader=FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {
    "clock": clock,
    "failures": failures,
    "iso": iso,
    "moment": moment,
    "secretless": without_secrets,
    "tone": tone,
    "words": words,
}
_environment.globals["record_types"] = RECORDS


def render(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A page; `session` is always there for the header."""
    page = _environment.get_template(template).render(
        session=session.current(request), path=request.url.path, **context
    )
    return HTMLResponse(page, status, headers={"cache-control": "no-store"})
