"""Reading templates: claim → read → settle; the pattern of approvals.notifications.deliveries.

A template may be read twice when a worker dies between the two; nothing is lost by that.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from approvals import hints
from approvals.asked import estimate
from approvals.asked.given import before, given
from approvals.asked.risk import gravest
from approvals.asked.source import NotRead, template_of
from approvals.choices import Kind, ReadingStatus, WhyNot
from approvals.models import LaunchRequest, TemplateReading
from approvals.retry import READING
from catalog.models import Template
from catalog.publishing import bucket
from catalog.reading import NotUnderstood, Source, read_apart
from portal import clock
from portal.storable import storable

TAKEOVER = timedelta(minutes=3)
LIFE = timedelta(hours=6)
# One that fails in a way nobody thought of, or takes its worker down every time, is left alone.
_MOST_FAILURES = 3
# A wrapper of ours names one.
_MOST_CHILDREN = 3
# Shorter than the broker hides a message that is being worked on (portal.celery).
SECONDS = 60.0

log = structlog.get_logger(__name__)


def drain() -> None:
    """Read what is due, for as long as a task may take; what is left waits for the next sweep."""
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends and (reading := claim(clock.now())) is not None:
        if _try(reading):
            hints.publish(hints.Hint.LINT)
            # The mail about the launch may have waited for it.
            hints.publish(hints.Hint.DELIVERIES)
            estimate.ask(reading.request)


@transaction.atomic(durable=True)
def claim(now: datetime) -> TemplateReading | None:
    """Take one reading that is due, else one whose worker is gone; one that several workers did not survive is
    given up."""
    stuck = TemplateReading.objects.stuck(now - TAKEOVER)
    deadly = stuck.filter(failures__gte=_MOST_FAILURES)
    deadly.update(status=ReadingStatus.GIVEN_UP, why_not=WhyNot.UNREADABLE)
    due = TemplateReading.objects.due(now).order_by("next_attempt_at")
    for rows, lost in ((due, 0), (stuck.order_by("claimed_at"), 1)):
        reading = rows.select_related("request").select_for_update(skip_locked=True, of=("self",)).first()
        if reading is not None:
            reading.attempts += 1
            reading.failures += lost
            TemplateReading.objects.filter(pk=reading.pk).update(
                status=ReadingStatus.IN_FLIGHT, claimed_at=now, attempts=reading.attempts, failures=reading.failures
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
    except NotUnderstood as error:
        log.warning("template not understood", request=reading.request_id, why=str(error))
        _fail(reading, passing=error.passing)
    except Exception as error:  # noqa: BLE001 - templates are anybody's; an error's words may quote their secrets
        log.warning("template not read", request=reading.request_id, error=type(error).__name__)
        _fail(reading, passing=True)
    return False


def read_for(request: LaunchRequest, now: datetime) -> dict[str, Any]:
    """The fields of a reading. Raises NotRead and NotUnderstood."""
    template = template_of(request, now)
    previous = None if request.kind == Kind.LAUNCH else before(request)
    old = _template_of(previous)
    said = read_apart(
        _source(template, request), _source(old, previous) if old is not None and previous is not None else None
    )
    for one in said["digest"]["findings"]:
        if "rule" in one["facts"]:
            # The process that reads has no log of its own.
            log.error("a rule failed", request=request.pk, rule=one["facts"]["rule"])
    return {
        "template": template,
        "digest": storable(said["digest"]),
        "previous": previous,
        "difference": storable(said["difference"]),
        "read_at": now,
    }


def _source(template: Template, request: LaunchRequest) -> Source:
    """A template with all that reading it needs; of what it may wrap, only objects of the desk's own bucket."""
    named = sorted(bucket.named_in(template.body))[:_MOST_CHILDREN]
    known = Template.objects.filter(sha256__in=named)
    children = {address: one.body for one in known if (address := bucket.own_address(one.sha256))}
    return Source(template.body, given(request), children)


def _template_of(request: LaunchRequest | None) -> Template | None:
    """The template of an earlier request, if it was read."""
    known = TemplateReading.objects.filter(request=request, template__isnull=False).select_related("template").first()
    return known.template if request is not None and known is not None else None


def _fail(reading: TemplateReading, *, passing: bool) -> None:
    """It could not be understood; after some tries for good."""
    reading.failures += 1
    _settle(reading, why=WhyNot.UNREADABLE, passing=passing and reading.failures <= _MOST_FAILURES)


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
    changes: dict[str, Any] = {"status": status, "why_not": why or "", "failures": reading.failures}
    changes |= {"next_attempt_at": again or now, **(found or {})}
    mine = TemplateReading.objects.filter(pk=reading.pk, status=ReadingStatus.IN_FLIGHT, attempts=reading.attempts)
    with transaction.atomic():
        if mine.update(**changes) and found is not None:
            LaunchRequest.objects.filter(pk=reading.request_id).update(risk=gravest(found["digest"]))
    log.info("template tried", request=reading.request_id, status=status.value, why=why.value if why else "")
