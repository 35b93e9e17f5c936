"""Reading templates: claim → read → settle; the pattern of approvals.notifications.deliveries.

A template may be read twice when a worker dies between the two; nothing is lost by that.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from approvals import hints
from approvals.asked import estimate
from approvals.asked.given import before, given
from approvals.asked.source import NotRead, template_of
from approvals.choices import Kind, ReadingStatus, WhyNot
from approvals.models import LaunchRequest, TemplateReading
from approvals.retry import READING
from catalog.models import Template
from catalog.reading import child_sha256, difference, digest, digest_with_child, gathered, losses
from catalog.templates import BadTemplate, Document, read
from portal import clock

TAKEOVER = timedelta(minutes=3)
LIFE = timedelta(hours=6)
# One that fails in a way nobody thought of, or takes its worker down every time, is left alone.
_MOST_TAKEOVERS = 4
# Shorter than the broker hides a message that is being worked on (portal.celery).
SECONDS = 60.0

log = structlog.get_logger(__name__)


def drain() -> None:
    """Read what is due, for as long as a task may take; what is left waits for the next sweep."""
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends and (reading := claim(clock.now())) is not None:
        if _try(reading):
            hints.publish(hints.Hint.LINT)
            estimate.ask(reading.request)


@transaction.atomic(durable=True)
def claim(now: datetime) -> TemplateReading | None:
    """Take one reading that is due, else one whose worker is gone; one that several workers did not survive is
    given up."""
    stuck = TemplateReading.objects.stuck(now - TAKEOVER)
    deadly = stuck.filter(attempts__gte=_MOST_TAKEOVERS)
    deadly.update(status=ReadingStatus.GIVEN_UP, why_not=WhyNot.UNREADABLE)
    for rows in (TemplateReading.objects.due(now).order_by("next_attempt_at"), stuck.order_by("claimed_at")):
        reading = rows.select_related("request").select_for_update(skip_locked=True, of=("self",)).first()
        if reading is not None:
            reading.attempts += 1
            TemplateReading.objects.filter(pk=reading.pk).update(
                status=ReadingStatus.IN_FLIGHT, claimed_at=now, attempts=reading.attempts
            )
            return reading
    return None


def _try(reading: TemplateReading) -> bool:
    """Read and settle; whether it was read."""
    try:
        _settle(reading, found=read_for(reading.request, clock.now()))
        return True
    except NotRead as error:
        _settle(reading, why=error.why, passing=error.passing)
    except BadTemplate:
        _settle(reading, why=WhyNot.UNREADABLE)
    except Exception as error:  # noqa: BLE001 - templates are anybody's; an error's words may quote their secrets
        log.warning("template not read", request=reading.request_id, error=type(error).__name__)
        _settle(reading, why=WhyNot.UNREADABLE, passing=reading.attempts < _MOST_TAKEOVERS)
    return False


def read_for(request: LaunchRequest, now: datetime) -> dict[str, Any]:
    """The fields of a reading. Raises NotRead and BadTemplate."""
    template = template_of(request, now)
    document = _document(template)
    child = _child_of(document)
    found = digest_with_child(document, child, given(request)) if child else digest(document, given(request))
    previous = None if request.kind == Kind.LAUNCH else before(request)
    old, changed = _document_of(previous), None
    if previous is not None and old is not None:
        # What a wrapper wraps is what changes; where one of the two is not known, the wrappers are compared.
        was, will = _child_of(old), child
        was, will = (was, will) if was and will else (old, document)
        changed = storable(difference(was, will).kept())
        lost = losses(was, will, given(previous), given(request))
        found = replace(found, findings=tuple(gathered([*found.findings, *lost])))
    return {
        "template": template,
        "digest": storable(found.kept()),
        "previous": previous,
        "difference": changed,
        "read_at": now,
    }


def storable(value: Any) -> Any:
    """Without what PostgreSQL's JSON cannot hold: NUL and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {storable(key): storable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [storable(one) for one in value]
    return value


def _document(template: Template) -> Document:
    return read(template.body.encode("utf-8", "replace"))


def _child_of(document: Document) -> Document | None:
    """What a wrapper wraps, if the catalogue holds it."""
    sha256 = child_sha256(document)
    known = Template.objects.filter(sha256=sha256).first() if sha256 else None
    try:
        return _document(known) if known else None
    except BadTemplate:
        return None


def _document_of(request: LaunchRequest | None) -> Document | None:
    """The template of an earlier request, if it was read."""
    known = TemplateReading.objects.filter(request=request, template__isnull=False).select_related("template").first()
    if request is None or known is None or known.template is None:
        return None
    try:
        return _document(known.template)
    except BadTemplate:
        return None


def _settle(
    reading: TemplateReading, *, why: WhyNot | None = None, passing: bool = False, found: dict[str, Any] | None = None
) -> None:
    """Write down what became of the try, unless another worker took the reading over meanwhile."""
    now = clock.now()
    again = READING.next_try(
        reading.attempts,
        now=now,
        until=reading.created_at + LIFE,
        permanent=not passing,
    )
    failed = ReadingStatus.QUEUED if again else ReadingStatus.GIVEN_UP
    status = ReadingStatus.READ if found is not None else failed
    changes = {"status": status, "why_not": why or "", "next_attempt_at": again or now, **(found or {})}
    mine = TemplateReading.objects.filter(pk=reading.pk, status=ReadingStatus.IN_FLIGHT, attempts=reading.attempts)
    mine.update(**changes)
    log.info("template tried", request=reading.request_id, status=status.value, why=why.value if why else "")
