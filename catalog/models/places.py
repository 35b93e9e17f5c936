"""Where the desk watches, and how its readings went."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q

# A run whose worker has not been heard of for so long is taken over. One call of AWS may take 39 seconds
# (three tries, catalog.aws), a template needs two.
TAKEOVER = timedelta(minutes=2)

When = models.DateTimeField[datetime | None, datetime | None]


class PlaceQuerySet(models.QuerySet["Place"]):
    def due(self, now: datetime) -> Self:
        """Watched, and its time has come."""
        return self.filter(enabled=True, next_at__lte=now)


class Place(models.Model):
    """One region of one account whose catalogue is mirrored.

    `role_arn` is empty for the own account and where the spoke's reading role is taken (catalog.aws.reader_role).
    `thorough`: the next run also asks again for what it would otherwise believe for some hours. `covered_at`: when
    its products were judged last (catalog.coverage).
    """

    account = models.CharField(max_length=12, validators=[RegexValidator(r"^\d{12}\Z")])
    region = models.CharField(max_length=32)
    label = models.CharField(max_length=100, blank=True)
    role_arn = models.CharField(max_length=2048, blank=True)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    next_at = models.DateTimeField()
    begun_at: When = models.DateTimeField(null=True)
    thorough = models.BooleanField(default=False)
    covered_at: When = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Place]] = PlaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "region"], name="one_place_per_account_and_region"),
            models.CheckConstraint(condition=Q(account__regex=r"^[0-9]{12}$"), name="place_account_has_12_digits"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.region}"


class Result(models.TextChoices):
    """`RUNNING` until it has ended, in whatever way."""

    RUNNING = "", "running"
    DONE = "done", "done"
    FAILED = "failed", "failed"
    STOPPED = "stopped", "stopped"


class SyncRunQuerySet(models.QuerySet["SyncRun"]):
    def open(self) -> Self:
        return self.filter(finished_at__isnull=True)

    def free(self, now: datetime) -> Self:
        """Unfinished, and nobody is at it: put down, or its worker is gone."""
        return self.open().filter(Q(heartbeat_at__isnull=True) | Q(heartbeat_at__lt=now - TAKEOVER))

    def abandoned(self, now: datetime) -> Self:
        """Unfinished, and its worker is gone."""
        return self.open().filter(heartbeat_at__lt=now - TAKEOVER)

    def rested(self, now: datetime) -> Self:
        """Not to be left alone until `resume_at`."""
        return self.filter(Q(resume_at__isnull=True) | Q(resume_at__lte=now))


class SyncRun(models.Model):
    """One reading of a place, perhaps by several workers after one another. At most one of a place is unfinished.

    A claim is (row, `claims`): whoever stores something must still hold it. `error` is a code, see
    catalog.sync.problems; a run that is done may have one too, for what it could not read. `done` of `total` is how
    far the phase is, `left_out` what of it is not read in this run (ids of rows); `counts`: what was read, by kind.
    `takeovers`: how many workers in a row were lost at it.
    """

    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="runs")
    started_at = models.DateTimeField()
    finished_at: When = models.DateTimeField(null=True)
    heartbeat_at: When = models.DateTimeField(null=True)
    resume_at: When = models.DateTimeField(null=True)
    claims = models.PositiveIntegerField(default=0)
    claimed_at: When = models.DateTimeField(null=True)
    takeovers = models.PositiveIntegerField(default=0)
    stumbles = models.PositiveIntegerField(default=0)
    phase = models.CharField(max_length=12, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    calls = models.PositiveIntegerField(default=0)
    left_out = models.JSONField(default=list)
    counts = models.JSONField(default=dict)
    # What was read before this is asked for again although nothing shows that it changed.
    renew_before = models.DateTimeField()
    result = models.CharField(max_length=8, choices=Result.choices, blank=True, default=Result.RUNNING)
    error = models.CharField(max_length=200, blank=True)

    objects: ClassVar[models.Manager[SyncRun]] = SyncRunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["place"], condition=Q(finished_at__isnull=True), name="one_unfinished_run_per_place"
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True, result="") | (Q(finished_at__isnull=False) & ~Q(result="")),
                name="a_finished_run_has_a_result",
            ),
        ]
        indexes = [models.Index("place", F("id").desc(), name="runs_of_a_place")]

    def __str__(self) -> str:
        return f"{self.place} {self.started_at:%Y-%m-%d %H:%M}"
