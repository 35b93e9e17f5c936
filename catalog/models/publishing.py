"""Publications: a gated version of a product, from its plan to the versions that were retired for it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.models.offers import Portfolio
from catalog.models.places import When
from catalog.models.products import Product, Template, Version

# A publication whose worker has not been heard of for so long is taken over. A step asks AWS a few times, and each
# call may take 39 seconds (three tries, catalog.aws).
TAKEOVER = timedelta(minutes=5)


class Retirement(models.TextChoices):
    """What becomes of versions that are not held by a gate."""

    INACTIVE = "inactive", _("Inactive: nobody can launch or update to them any more")
    DEPRECATED = "deprecated", _("Deprecated: no new launches; updates of what runs stay possible")
    NONE = "none", _("Leave them as they are")


class Status(models.TextChoices):
    PLANNING = "planning", _("being planned")
    PLANNED = "planned", _("waiting for a confirmation")
    UNDER_WAY = "under_way", _("being published")
    DONE = "done", _("done")
    FAILED = "failed", _("stopped by an error")
    REFUSED = "refused", _("not possible")
    ABANDONED = "abandoned", _("abandoned")


WORKED = (Status.PLANNING, Status.UNDER_WAY)
FINAL = (Status.DONE, Status.REFUSED, Status.ABANDONED)


class Rollout(models.Model):
    """Every product of a portfolio, each with a publication of its own."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="rollouts")
    options = models.JSONField(default=dict)
    retire = models.CharField(max_length=10, choices=Retirement.choices)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)

    objects: ClassVar[models.Manager[Rollout]] = models.Manager()

    def __str__(self) -> str:
        return f"{self.portfolio} {self.created_at:%Y-%m-%d %H:%M}"


class PublicationQuerySet(models.QuerySet["Publication"]):
    def open(self) -> Self:
        return self.filter(finished_at__isnull=True)

    def free(self, now: datetime) -> Self:
        """A worker may take it: nobody is at it, or whoever was is gone."""
        idle = Q(claimed_at__isnull=True) | Q(claimed_at__lt=now - TAKEOVER)
        return self.filter(idle, status__in=WORKED, next_at__lte=now)


class Publication(models.Model):
    """One gated version of a product. At most one of a product is unfinished.

    `facts` is what people are shown before they confirm, `shown` its sha256: a confirmation names it. `gated` is the
    new version's template; until it is stored, a wrapper's text lacks the version of its child. `child_version` and
    `template_version` are S3's. A claim is (row, `claims`): whoever settles something must still hold it.
    `error` is a code, see catalog.publishing.problems. `notes` are phrases as they are kept (portal.phrases), of a
    template that takes no gate why; catalog.publishing.report reads them.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="publications")
    source = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="publications", null=True)
    rollout = models.ForeignKey(Rollout, on_delete=models.PROTECT, related_name="publications", null=True)
    options = models.JSONField(default=dict)
    retire = models.CharField(max_length=10, choices=Retirement.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PLANNING)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)

    verdict = models.CharField(max_length=8, blank=True)
    reason = models.TextField(blank=True)
    notes = models.JSONField(default=list)
    facts = models.JSONField(default=dict)
    shown = models.CharField(max_length=64, blank=True)
    planned_at: When = models.DateTimeField(null=True)
    # The last time what had been confirmed was no longer so.
    changed_at: When = models.DateTimeField(null=True)

    confirmed_at: When = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    gated = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="publications", null=True)
    child_version = models.CharField(max_length=1024, blank=True)
    template_version = models.CharField(max_length=1024, blank=True)
    artifact_id = models.CharField(max_length=100, blank=True)
    finished_at: When = models.DateTimeField(null=True)

    error = models.CharField(max_length=200, blank=True)
    tries = models.PositiveIntegerField(default=0)
    claims = models.PositiveIntegerField(default=0)
    claimed_at: When = models.DateTimeField(null=True)
    next_at = models.DateTimeField()

    objects: ClassVar[models.Manager[Publication]] = PublicationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["product"], condition=Q(finished_at__isnull=True), name="one_unfinished_publication_per_product"
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=False, status__in=FINAL)
                | (Q(finished_at__isnull=True) & ~Q(status__in=FINAL)),
                name="a_finished_publication_says_how",
            ),
        ]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(status__in=WORKED), name="publications_to_work_on"),
        ]

    def __str__(self) -> str:
        return f"{self.product} {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def creates(self) -> bool:
        """Whether there is a new version to make; else only versions are retired."""
        return self.verdict in ("gated", "wrapped")

    @property
    def retires(self) -> list[str]:
        """The ids of the versions to retire, as planned."""
        return [str(one["id"]) for one in self.facts.get("ungated", []) if one["retire"]]

    @property
    def token(self) -> str:
        """AWS makes one version for it, however often it is sent."""
        return f"gatehouse-{self.uuid.hex}"


class Kind(models.TextChoices):
    """What a step does, in this order."""

    CHECK = "check", _("Look whether everything is still as it was shown")
    CHILD = "child", _("Store the wrapped template")
    TEMPLATE = "template", _("Store the gated template")
    VERSION = "version", _("Create the version")
    READY = "ready", _("Wait until the version can be launched")
    RETIRE = "retire", _("Retire a version")


class Step(models.Model):
    """One call that changes something, or the look before it. `began_at` without `done_at`: it may have been done."""

    publication = models.ForeignKey(Publication, on_delete=models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    target = models.CharField(max_length=100, blank=True)
    name = models.CharField(max_length=8192, blank=True)
    began_at: When = models.DateTimeField(null=True)
    done_at: When = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Step]] = models.Manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["publication", "kind", "target"], name="one_step_of_a_kind_per_target")
        ]

    def __str__(self) -> str:
        return " ".join(word for word in (str(self.get_kind_display()), self.name, self.target) if word)
