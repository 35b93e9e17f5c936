"""The rows of the domain, one module per subject."""

from approvals.models.alarms import Alarm
from approvals.models.audit import AuditChain, AuditEvent, AuditText, Checkpoint
from approvals.models.conversation import Attachment, InboundMail, Message, Revision
from approvals.models.desk import CannedReason, Presence, SavedView, Sensitivity
from approvals.models.holds import Hold, Signal
from approvals.models.intake import Quarantined, Refusal
from approvals.models.notices import Delivery, Notice
from approvals.models.policy import Decision, LinkDecision, Stage, StageGroup, Vote
from approvals.models.readings import TemplateReading
from approvals.models.requests import LaunchRequest, Pass
from approvals.models.teams import Membership, Team

__all__ = [
    "Alarm",
    "Attachment",
    "AuditChain",
    "AuditEvent",
    "AuditText",
    "CannedReason",
    "Checkpoint",
    "Decision",
    "Delivery",
    "Hold",
    "InboundMail",
    "LaunchRequest",
    "LinkDecision",
    "Membership",
    "Message",
    "Notice",
    "Pass",
    "Presence",
    "Quarantined",
    "Refusal",
    "Revision",
    "SavedView",
    "Sensitivity",
    "Signal",
    "Stage",
    "StageGroup",
    "Team",
    "TemplateReading",
    "Vote",
]
