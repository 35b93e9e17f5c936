"""Templates that nothing needs are deleted after a while, and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from approvals import tasks, wiping
from approvals.models import TemplateReading
from catalog.models import Publication, Template, Version
from catalog.models.publishing import Retirement
from portal.clock import now
from tests.support import shelf
from tests.support.launches import open_launch

pytestmark = pytest.mark.django_db
OLD = timedelta(days=91)


def kept(name: str, at: datetime | None = None) -> Template:
    found = shelf.template(f"Resources: {{{name}: {{Type: 'AWS::SNS::Topic'}}}}")
    Template.objects.filter(pk=found.pk).update(first_read_at=at or now() - OLD)
    return found


def version(of: Template, removed: timedelta | None = None) -> Version:
    made = shelf.version(shelf.product(), removed_at=now() - removed if removed else None)
    Version.objects.filter(pk=made.pk).update(template=of)
    return made


def left() -> set[int]:
    return set(Template.objects.values_list("pk", flat=True))


def test_a_template_that_nothing_needs_is_deleted() -> None:
    unused, removed, fresh = kept("Unused"), kept("Removed"), kept("Fresh", now() - timedelta(days=89))
    was = version(removed, OLD)
    tasks.forget_templates()
    assert left() == {fresh.pk}
    assert unused.pk not in left()
    was.refresh_from_db()
    assert (was.template, was.template_unread) == (None, "gone")


def test_what_a_version_a_request_or_a_publication_needs_stays() -> None:
    there, lately, read, source, gated = (kept(name) for name in ("There", "Lately", "Read", "Source", "Gated"))
    version(there)
    version(there, OLD)
    version(lately, timedelta(days=89))
    TemplateReading.objects.filter(request=open_launch(now())).update(template=read)
    retired = version(source, OLD)
    Publication.objects.create(
        product=retired.product,
        source=retired,
        gated=gated,
        retire=Retirement.NONE,
        created_at=now() - OLD,
        next_at=now(),
    )
    assert wiping.forget_templates(now()) == 0
    assert left() == {there.pk, lately.pk, read.pk, source.pk, gated.pk}
    assert Version.objects.exclude(template=None).count() == 4
