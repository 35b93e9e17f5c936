"""Who has to agree, frozen per request: stages in order, groups in a stage joined by AND, each with its quorum."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models

from approvals.choices import Channel, Verdict
from approvals.models.requests import LaunchRequest
from approvals.models.teams import Team


class Stage(models.Model):
    request = models.ForeignKey(LaunchRequest, on_delete=models.PROTECT, related_name="stages")
    order = models.PositiveSmallIntegerField(default=1)
    passed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["order"]
        constraints = [models.UniqueConstraint(fields=["request", "order"], name="one_stage_per_order")]

    def __str__(self) -> str:
        return f"stage {self.order} of {self.request}"


# A list of a team's requests must not look through everybody else's, so each request names its teams.
_TEAMS_OF_REQUEST = """
    UPDATE approvals_launchrequest SET teams = ARRAY(
        SELECT DISTINCT g.team_id FROM approvals_stagegroup g JOIN approvals_stage s ON s.id = g.stage_id
        WHERE s.request_id = approvals_launchrequest.id ORDER BY 1
    ) WHERE id = (SELECT request_id FROM approvals_stage WHERE id = COALESCE(NEW.stage_id, OLD.stage_id));
    RETURN NULL;
"""


class StageGroup(models.Model):
    stage = models.ForeignKey(Stage, on_delete=models.PROTECT, related_name="groups")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="stage_groups")
    team_name = models.CharField(max_length=100)
    quorum = models.PositiveSmallIntegerField(default=1)
    denials = models.PositiveSmallIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stage", "team"], name="one_group_per_team"),
            models.CheckConstraint(condition=models.Q(quorum__gte=1, denials__gte=1), name="quorum_positive"),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="teams_of_request",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                func=_TEAMS_OF_REQUEST,
            )
        ]

    def __str__(self) -> str:
        return f"{self.team_name} in {self.stage}"


class Vote(models.Model):
    group = models.ForeignKey(StageGroup, on_delete=models.PROTECT, related_name="votes")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="votes")
    on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="votes_by_others", null=True
    )
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    cast_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "person"], name="one_vote_per_person")]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.verdict} by {self.person}"


class Decision(models.Model):
    """Exactly one per request. `record` holds ids and numbers only; its digest is in the receipt."""

    request = models.OneToOneField(LaunchRequest, on_delete=models.PROTECT, related_name="decision")
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    reason = models.TextField(blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions")
    channel = models.CharField(max_length=12, choices=Channel.choices)
    decided_at = models.DateTimeField()
    approvers = models.PositiveSmallIntegerField(default=1)
    record = models.JSONField()
    record_sha256 = models.CharField(max_length=64)

    class Meta:
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.verdict} {self.request}"


class LinkDecision(models.Model):
    """What the approve function recorded for a link in a mail, as it told the desk.

    `decided_by` is what somebody typed: whoever had link and code decided, nobody proved who that was. `unique_id`
    is that of the signal the function sends. It may stand beside a Decision: then it was recorded first.
    """

    request = models.OneToOneField(LaunchRequest, on_delete=models.PROTECT, related_name="link_decision")
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    reason = models.TextField(blank=True)
    decided_by = models.CharField(max_length=200)
    decided_at = models.DateTimeField()
    unique_id = models.CharField(max_length=64)

    class Meta:
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.verdict} {self.request} by e-mail link"
