"""Products, their versions, and the templates these launch."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from catalog.models.places import Place, When

CLOUD_FORMATION = "CLOUD_FORMATION_TEMPLATE"
# What AWS Marketplace sells through Service Catalog is CloudFormation's, too.
STACK_ENGINES = (CLOUD_FORMATION, "MARKETPLACE")
STACK_TYPES = ("", CLOUD_FORMATION, "MARKETPLACE_AMI", "MARKETPLACE_CAR")
# catalog.coverage.Risk.UNREAD, which nobody has worked out yet.
UNKNOWN_RISK = 5


class ProductQuerySet(models.QuerySet["Product"]):
    def offered(self) -> Self:
        return self.filter(removed_at__isnull=True)


class Product(models.Model):
    """`account` and `region` are the owner's. `place` is where it is read: the owner's, or, where that is not
    watched, one it is shared with; null for a product that has not been seen since there are places.

    `updated_at`: last listed. `seen_in`, `versions_in`: the last run that saw it, and all its versions, the latter at
    `versions_at`. `cut_off`: it has more versions than AWS lists, so there are some that nobody can read.
    `risk` (catalog.coverage.Risk) and `open_versions` are what its versions' verdicts come to.
    """

    product_id = models.CharField(max_length=100)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="products", null=True)
    account = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    name = models.CharField(max_length=8191)
    owner = models.CharField(max_length=8191, blank=True)
    description = models.TextField(blank=True)
    engine = models.CharField(max_length=64, default=CLOUD_FORMATION)
    created_at: When = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()
    removed_at: When = models.DateTimeField(null=True)
    seen_in = models.BigIntegerField(default=0)
    versions_in = models.BigIntegerField(default=0)
    versions_at: When = models.DateTimeField(null=True)
    cut_off = models.BooleanField(default=False)
    risk = models.PositiveSmallIntegerField(default=UNKNOWN_RISK)
    open_versions = models.PositiveIntegerField(default=0)

    objects: ClassVar[models.Manager[Product]] = ProductQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["product_id"], name="one_row_per_product")]

    def __str__(self) -> str:
        return self.name

    @property
    def read_at(self) -> datetime:
        """Since when all that is known of it may be out of date."""
        return min(self.updated_at, self.versions_at or self.updated_at)

    @property
    def launches_stacks(self) -> bool:
        """Whether a launch of it is a CloudFormation stack: without one there is nothing a gate could hold."""
        return self.engine in STACK_ENGINES


class Template(models.Model):
    """What versions launch, once per content. `body` is text as read, at most 1 MiB; nothing logs it.

    `sha256`: hex, of the bytes as read. `analysis` is what `analysis_version` of our readers made of it.
    """

    sha256 = models.CharField(max_length=64, unique=True)
    body = models.TextField()
    size = models.PositiveIntegerField()
    first_read_at = models.DateTimeField()
    analysis = models.JSONField(default=dict)
    analysis_version = models.PositiveIntegerField(default=0)

    objects: ClassVar[models.Manager[Template]] = models.Manager()

    def __str__(self) -> str:
        return self.sha256


class VersionQuerySet(models.QuerySet["Version"]):
    def existing(self) -> Self:
        return self.filter(removed_at__isnull=True)

    def launchable(self) -> Self:
        """A launch may choose it. Updates may choose deprecated ones as well (aws-facts §3.2)."""
        return self.existing().filter(active=True).exclude(guidance=Version.DEPRECATED)

    def unread(self, before: datetime) -> Self:
        """Its template is not known yet, and was not asked for in vain since `before`."""
        in_time = Q(template_tried_at__isnull=True) | Q(template_tried_at__lt=before)
        return self.existing().filter(in_time, template__isnull=True, type__in=STACK_TYPES)


class Version(models.Model):
    """A provisioning artifact. `active` is false once nobody can launch it any more.

    Its template never changes. `template_unread` is a code that says why it could not be read at
    `template_tried_at`, see catalog.sync.problems; empty if it was read, or was not tried yet. `verdict` and
    `reasons` are catalog.coverage's, empty until it has judged.
    """

    DEFAULT, DEPRECATED = "DEFAULT", "DEPRECATED"

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="versions")
    artifact_id = models.CharField(max_length=100, unique=True)
    name = models.CharField(max_length=8192)
    description = models.TextField(blank=True)
    type = models.CharField(max_length=64, blank=True, default=CLOUD_FORMATION)
    active = models.BooleanField(default=True)
    guidance = models.CharField(max_length=16, default=DEFAULT)
    created_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True)
    removed_at: When = models.DateTimeField(null=True)
    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="versions", null=True)
    template_unread = models.CharField(max_length=100, blank=True)
    template_tried_at: When = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=16, blank=True)
    reasons = models.JSONField(default=list)

    objects: ClassVar[models.Manager[Version]] = VersionQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["product"],
                condition=Q(template__isnull=True, removed_at__isnull=True),
                name="versions_without_template",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def launches_stacks(self) -> bool:
        """By its own type; see Product.launches_stacks for the product's."""
        return self.type in STACK_TYPES
