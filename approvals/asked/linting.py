"""cfn-lint over templates that were read: later than the reading, and never in its way."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F

from approvals.models import TemplateReading
from catalog.reading.lint import SECONDS, NotLinted, lint
from catalog.templates import BadTemplate, read
from portal import clock
from portal.storable import storable

TAKEOVER = timedelta(seconds=SECONDS * 3)
TRIES = 2
# Of one task: a template takes seconds, and a message of the broker is hidden for minutes only.
_MOST = 3

log = structlog.get_logger(__name__)


def drain() -> None:
    """Lint what was read; a few at a time."""
    for _ in range(_MOST):
        reading = claim(clock.now())
        if reading is None:
            return
        said = _said_before(reading)
        if said is None:
            said = _try(reading)
        if said is not None:
            TemplateReading.objects.filter(pk=reading.pk).update(lint=said)


@transaction.atomic(durable=True)
def claim(now: datetime) -> TemplateReading | None:
    """Take the newest reading without a word of cfn-lint's: somebody may be looking at it."""
    rows = TemplateReading.objects.unlinted(now - TAKEOVER, TRIES).order_by("-pk")
    reading = rows.select_related("template", "request").select_for_update(skip_locked=True, of=("self",)).first()
    if reading is not None:
        TemplateReading.objects.filter(pk=reading.pk).update(lint_claimed_at=now, lint_attempts=F("lint_attempts") + 1)
    return reading


def _said_before(reading: TemplateReading) -> list[dict[str, str]] | None:
    """What cfn-lint said of the same template in the same region."""
    same = TemplateReading.objects.filter(
        template=reading.template_id, request__region=reading.request.region, lint__isnull=False
    )
    found: list[dict[str, str]] | None = same.values_list("lint", flat=True).first()
    return found


def _try(reading: TemplateReading) -> list[dict[str, str]] | None:
    if reading.template is None:
        return []
    try:
        document = read(reading.template.body.encode("utf-8", "replace"))
        said: list[dict[str, str]] = storable([one.kept() for one in lint(document, reading.request.region)])
        return said
    except (BadTemplate, NotLinted) as error:
        why = str(error) if isinstance(error, NotLinted) else "unreadable"
        log.warning("template not linted", request=reading.request_id, why=why)
        return None
