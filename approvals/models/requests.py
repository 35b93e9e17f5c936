"""LaunchRequest: what waits, on three axes that are never mixed (design §3)."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext

from approvals.choices import OPEN_STATES, HoldStatus, Kind, Outcome, SignalStatus, State
from approvals.models.teams import Membership
from portal.accounts.models import User

# CloudFormation holds an update for an hour at most; people may take longer, and what they grant is a pass.
UPDATE_LIFE = timedelta(days=7)

DECIDED_STATES = (State.APPROVED, State.REJECTED)
NAMELESS = models.Q(product_name="", product_id__gt="") | models.Q(version_name="", version_id__gt="")


class LaunchRequestQuerySet(models.QuerySet["LaunchRequest"]):
    def listed(self) -> Self:
        """Without the large facts that no list shows, with the rows its sentence needs."""
        facts = self.select_related("granted_pass", "link_decision")
        return facts.defer("parameters", "template", "stack_facts", "policy_trace", "search_terms")

    def open(self) -> Self:
        return self.filter(state__in=OPEN_STATES)

    def nameless(self) -> Self:
        """Its product or version has an id and no name yet."""
        return self.filter(NAMELESS)

    def overdue(self, now: datetime) -> Self:
        """Open past their deadline. An update that is still held lapses first (approvals.actions.retrying)."""
        held = models.Q(kind=Kind.PARAMETER_UPDATE, holds__status=HoldStatus.OPEN)
        return self.open().filter(deadline__lte=now).exclude(held)

    def for_requester(self, person: User) -> Self:
        return self.filter(requester=person)

    def routed_to(self, person: User) -> Self:
        """Requests a team of this person may decide, or could have decided."""
        return self.filter(_routed_to(person))

    def of_teams(self, teams: list[int]) -> Self:
        """Those with a stage group of one of these teams; as `routed_to`, where an index has to know the teams."""
        return self.filter(teams__overlap=teams)

    def visible_to(self, person: User) -> Self:
        """What this person may see; anything else answers 404 (design §3, roles)."""
        if not person.is_active:
            return self.none()
        if person.is_auditor or person.is_administrator:
            return self
        return self.filter(models.Q(requester=person) | _routed_to(person))


def _routed_to(person: User) -> models.Q:
    """By the column that a trigger keeps: through the stages the planner would look at the groups of all requests."""
    mine = Membership.objects.filter(person=person, may_decide=True)
    return models.Q(teams__overlap=mine.values("team"))


class LaunchRequest(models.Model):
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.LAUNCH)

    # The three axes.
    state = models.CharField(max_length=12, choices=State.choices, default=State.PENDING)
    signal = models.CharField(max_length=10, choices=SignalStatus.choices, default=SignalStatus.NONE)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, default=Outcome.WAITING)

    # Where. `gate` is the logical id of the custom resource that asked.
    stack_id = models.CharField(max_length=2048)
    stack_name = models.CharField(max_length=255)
    account = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    gate = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, db_index=True)

    # Who. A typed address is a claim; the principal comes from the stack's own tags.
    # Its index is request_mine.
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="requests",
        null=True,
        blank=True,
        db_index=False,
    )
    principal_arn = models.CharField(max_length=2048, blank=True)
    # Of an update, the stack's tag names the first launcher; CloudTrail may name who updates.
    updater_arn = models.CharField(max_length=2048, blank=True, default="", db_default="")
    typed_email = models.CharField(max_length=254, blank=True)
    requester_verified = models.BooleanField(default=False)

    # What.
    product_id = models.CharField(max_length=100, blank=True)
    product_name = models.CharField(max_length=8191, blank=True)
    version_id = models.CharField(max_length=100, blank=True)
    version_name = models.CharField(max_length=8192, blank=True)
    portfolio_id = models.CharField(max_length=100, blank=True)
    provisioned_product_id = models.CharField(max_length=100, blank=True)
    provisioned_product_name = models.CharField(max_length=128, blank=True)
    parameters = models.JSONField(default=list, blank=True)
    template = models.JSONField(default=dict, blank=True)
    stack_facts = models.JSONField(default=dict, blank=True)
    has_receipt_gate = models.BooleanField(default=False)
    gates_updates = models.BooleanField(default=False, db_default=False)
    # False for a request that only a Delete told us of; a Create that comes later fills in the facts.
    is_complete = models.BooleanField(default=True)
    search_terms = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    # The gravest finding in its template, once that was read (catalog.reading.findings.Risk; "none": nothing found).
    risk = models.CharField(max_length=6, blank=True, default="", db_default="")

    # Whose turn people say it is: one who decides on it now, and the share of its time after which the desk reminded.
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_index=False
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    reminded = models.PositiveSmallIntegerField(default=0, db_default=0)
    first_seen_at = models.DateTimeField(null=True, blank=True)

    # Until when.
    opened_at = models.DateTimeField()
    deadline = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    # What CloudFormation said last.
    stack_status = models.CharField(max_length=64, blank=True)
    stack_reason = models.TextField(blank=True)
    outcome_at = models.DateTimeField(null=True, blank=True)
    followed_at = models.DateTimeField(null=True, blank=True)

    # Under which rules. `teams`: those of its stage groups, kept by a trigger there: lists are found by it.
    teams = ArrayField(models.BigIntegerField(), default=list, db_default=models.Value([]), editable=False)
    policy_version = models.CharField(max_length=40, blank=True)
    policy_trace = models.JSONField(default=list, blank=True)

    objects: ClassVar[models.Manager[LaunchRequest]] = LaunchRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            # A foreign stack that names this fingerprint gets a row of its own and blocks nothing.
            models.UniqueConstraint(
                fields=["stack_id", "gate", "fingerprint"],
                condition=~models.Q(kind="parameter_update"),
                name="one_request_per_launch",
            ),
            # The same update may be asked for again after it was decided, never twice at a time.
            models.UniqueConstraint(
                fields=["stack_id", "gate", "fingerprint"],
                condition=models.Q(kind="parameter_update", state__in=OPEN_STATES),
                name="one_open_request_per_update",
            ),
        ]
        indexes = [
            models.Index(fields=["stack_id"], name="request_stack"),
            models.Index(fields=["deadline", "id"], condition=models.Q(state__in=OPEN_STATES), name="request_inbox"),
            models.Index(fields=["requester", "-id"], name="request_mine"),
            models.Index(fields=["product_id", "opened_at"], name="request_product"),
            models.Index(fields=["state", "-id"], name="request_by_state"),
            # A list's first page is read from one of these, and so are the rows that its filters leave over.
            models.Index(fields=["-id"], condition=models.Q(state__in=DECIDED_STATES), name="request_decided"),
            models.Index(fields=["product_id", "-id"], name="request_by_product"),
            models.Index(fields=["portfolio_id", "-id"], name="request_by_portfolio"),
            models.Index(fields=["account", "-id"], name="request_by_account"),
            models.Index(fields=["region", "-id"], name="request_by_region"),
            models.Index(fields=["risk", "-id"], name="request_by_risk"),
            models.Index(fields=["kind", "-id"], name="request_by_kind"),
            models.Index(fields=["-opened_at"], name="request_by_age"),
            models.Index(fields=["account", "region"], name="request_origin"),
            models.Index(fields=["opened_at"], condition=NAMELESS, name="request_nameless"),
            models.Index(
                fields=["followed_at"],
                condition=models.Q(outcome__in=["waiting", "released"]),
                name="request_followed",
            ),
            models.Index(
                fields=["opened_at"],
                condition=~models.Q(kind=Kind.LAUNCH) & models.Q(updater_arn=""),
                name="request_unnamed_update",
            ),
            GinIndex(fields=["teams"], name="request_teams"),
            GinIndex(models.Func("search_terms", function="array_to_tsvector"), name="request_words"),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("request", args=[self.uuid])

    @property
    def number(self) -> str:
        """What people call it: GH-1042."""
        return f"GH-{self.pk}"

    @property
    def title(self) -> str:
        return self.product_name or self.product_id or self.stack_name

    @property
    def coming_version(self) -> str:
        """The version this launch brings; of an update the stack's tags only know the first (aws-facts §3.1)."""
        return self.version_name if self.kind == Kind.LAUNCH else ""

    @property
    def requester_label(self) -> str:
        """The best honest name for who launched: the verified person, else the AWS principal, else the claim.

        Of an update the tag names the first launcher, so nobody is known until CloudTrail says (aws-facts §3.1).
        """
        if self.requester is not None:
            return str(self.requester)
        if self.kind != Kind.LAUNCH:
            return self.updater_arn.rpartition(":")[2] or gettext("unknown updater")
        return self.principal_arn.rpartition(":")[2] or self.typed_email

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def is_parameter_update(self) -> bool:
        return self.kind == Kind.PARAMETER_UPDATE

    @property
    def update_ends_at(self) -> datetime:
        """Until when an update can be granted. Its `deadline` is its hold's while it is held, and this afterwards."""
        return self.opened_at + UPDATE_LIFE


class Pass(models.Model):
    """What was agreed and how long it is valid: lets an identical retry through without asking again.

    `used_at` is when a retry succeeded; from then on the same has to be asked for again.
    """

    request = models.OneToOneField(LaunchRequest, on_delete=models.PROTECT, related_name="granted_pass")
    fingerprint = models.CharField(max_length=64)
    valid_until = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["fingerprint", "valid_until"], name="pass_lookup")]

    def __str__(self) -> str:
        return f"pass of {self.request}"

    def holds(self, now: datetime) -> bool:
        return self.used_at is None and now < self.valid_until
