"""The rows of the domain, one module per subject."""

from approvals.models.alarms import Alarm
from approvals.models.audit import AuditChain, AuditEvent, AuditText, Checkpoint
from approvals.models.conversation import Message
from approvals.models.holds import Hold, Signal
from approvals.models.intake import Quarantined, Refusal
from approvals.models.notices import Delivery, Notice
from approvals.models.policy import Decision, LinkDecision, Stage, StageGroup, Vote
from approvals.models.readings import TemplateReading
from approvals.models.requests import LaunchRequest, Pass
from approvals.models.teams import Membership, Team

__all__ = [
    "Alarm",
    "AuditChain",
    "AuditEvent",
    "AuditText",
    "Checkpoint",
    "Decision",
    "Delivery",
    "Hold",
    "LaunchRequest",
    "LinkDecision",
    "Membership",
    "Message",
    "Notice",
    "Pass",
    "Quarantined",
    "Refusal",
    "Signal",
    "Stage",
    "StageGroup",
    "Team",
    "TemplateReading",
    "Vote",
]
