"""The closed vocabularies of the domain. A value carries its label, colour and icon here and nowhere else."""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _


class Look(StrEnum):
    """Colours of a badge; the style sheet knows these names."""

    WAIT = "wait"
    ASK = "ask"
    GOOD = "good"
    BAD = "bad"
    QUIET = "quiet"
    ALARM = "alarm"


class Kind(models.TextChoices):
    LAUNCH = "launch", _("Launch")
    VERSION_UPDATE = "version_update", _("Version update")
    PARAMETER_UPDATE = "parameter_update", _("Parameter update")


class State(models.TextChoices):
    """What was decided."""

    PENDING = "pending", _("Waiting for a decision")
    NEEDS_INFO = "needs_info", _("Waiting for an answer")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    EXPIRED = "expired", _("Expired")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    BYPASSED = "bypassed", _("Ended without the desk")

    @property
    def look(self) -> Look:
        return _STATE_LOOKS[self]

    @property
    def icon(self) -> str:
        return _STATE_ICONS[self]

    @property
    def is_open(self) -> bool:
        return self in OPEN_STATES


OPEN_STATES = (State.PENDING, State.NEEDS_INFO)
TERMINAL_STATES = tuple(state for state in State if state not in OPEN_STATES)

_STATE_LOOKS = {
    State.PENDING: Look.WAIT,
    State.NEEDS_INFO: Look.ASK,
    State.APPROVED: Look.GOOD,
    State.REJECTED: Look.BAD,
    State.EXPIRED: Look.QUIET,
    State.WITHDRAWN: Look.QUIET,
    State.BYPASSED: Look.ALARM,
}
_STATE_ICONS = {
    State.PENDING: "hourglass",
    State.NEEDS_INFO: "question",
    State.APPROVED: "check",
    State.REJECTED: "cross",
    State.EXPIRED: "clock",
    State.WITHDRAWN: "back",
    State.BYPASSED: "alarm",
}


class SignalStatus(models.TextChoices):
    """What we told CloudFormation. *Stored* is what HTTP 200 means (aws-facts §1.3), never more."""

    NONE = "none", _("Nothing sent")
    QUEUED = "queued", _("About to be sent")
    IN_FLIGHT = "in_flight", _("Being sent")
    STORED = "stored", _("Stored by AWS")
    GIVEN_UP = "given_up", _("Could not be sent")

    @property
    def look(self) -> Look:
        return {"stored": Look.GOOD, "given_up": Look.ALARM, "none": Look.QUIET}.get(self.value, Look.WAIT)

    @property
    def is_settled(self) -> bool:
        return self in (SignalStatus.NONE, SignalStatus.STORED, SignalStatus.GIVEN_UP)


# While a signal is one of these, somebody may still need its hold's URL.
UNSENT = (SignalStatus.QUEUED, SignalStatus.IN_FLIGHT, SignalStatus.GIVEN_UP)


class Outcome(models.TextChoices):
    """What CloudFormation did."""

    WAITING = "waiting", _("Stack is waiting")
    RELEASED = "released", _("Stack is being created")
    LAUNCHED = "launched", _("Launched")
    FAILED = "failed", _("Failed")
    ROLLED_BACK = "rolled_back", _("Rolled back")
    TERMINATED = "terminated", _("Terminated")

    @property
    def look(self) -> Look:
        return {
            "waiting": Look.WAIT,
            "released": Look.WAIT,
            "launched": Look.GOOD,
            "failed": Look.BAD,
        }.get(self.value, Look.QUIET)


class HoldKind(models.TextChoices):
    WAIT_HANDLE = "wait_handle", _("wait condition handle")
    RESPONSE = "response", _("custom resource response")


class HoldStatus(models.TextChoices):
    OPEN = "open", _("open")
    ENDED = "ended", _("ended")
    UNUSABLE = "unusable", _("unusable")
    # An update that was answered "asked, retry when granted" when its hour was over.
    LAPSED = "lapsed", _("answered at its deadline")


class Verdict(models.TextChoices):
    APPROVED = "approved", _("approve")
    REJECTED = "rejected", _("reject")


class MessageKind(models.TextChoices):
    QUESTION = "question", _("Question")
    ANSWER = "answer", _("Answer")
    COMMENT = "comment", _("Comment")
    NOTE = "note", _("Internal note")


class Channel(models.TextChoices):
    """Through which door somebody (or something) acted."""

    DESK = "desk", _("desk")
    COMMAND = "command", _("command line")
    INTAKE = "intake", _("message from AWS")
    TIMER = "timer", _("timer")
    FOLLOW = "follow", _("observation of the stack")
    EMAIL_LINK = "email_link", _("e-mail link")
    SIGN_IN = "sign_in", _("sign-in")
    EMAIL = "email", _("e-mail")


class AlarmCode(models.TextChoices):
    BYPASS = "bypass", _("A wait was ended by a signal the desk did not send")
    FACTS_CHANGED = "facts_changed", _("The same launch was announced again with other facts")
    COULD_NOT_CHECK = "could_not_check", _("A receipt could not be checked")
    SIGNAL_GIVEN_UP = "signal_given_up", _("A decision could not be handed to CloudFormation")
    UNUSABLE_HOLD = "unusable_hold", _("A launch cannot be decided from the desk")
    UNKNOWN_STACK = "unknown_stack", _("A stack is waiting that the desk never heard of")
    UNKNOWN_TOPIC = "unknown_topic", _("A topic of an account the desk does not work for wants to be heard")
    CONTRADICTION = "contradiction", _("The stack did not do what was decided")
    DECIDED_TWICE = "decided_twice", _("The desk and an e-mail link decided differently; the first decision stands")
    OWN_UPDATE = "own_update", _("An update was decided by the person who started it")


class DeliveryStatus(models.TextChoices):
    QUEUED = "queued", _("queued")
    IN_FLIGHT = "in_flight", _("being sent")
    SENT = "sent", _("sent")
    GIVEN_UP = "given_up", _("given up")


class DeliveryChannel(models.TextChoices):
    EMAIL = "email", _("e-mail")


class NoticeCode(models.TextChoices):
    """One happening that people are told about. Derived from the audit event of the same transaction."""

    OPENED = "opened", _("A launch waits for a decision")
    ASKED = "asked", _("A question to the requester")
    ANSWERED = "answered", _("The requester answered")
    COMMENTED = "commented", _("A comment")
    DECIDED = "decided", _("A decision")
    EXPIRED = "expired", _("A launch expired")
    LAPSED = "lapsed", _("An update was answered before anybody decided")
    REMINDED = "reminded", _("A launch still waits for a decision")
    MENTIONED = "mentioned", _("Somebody named you")
    INVITED = "invited", _("An invitation to the desk")
    RIGHTS = "rights", _("An administrator changed your account")
    WITHDRAWN = "withdrawn", _("A launch was withdrawn")
    ENDED = "ended", _("What became of a launch")
    ALARM = "alarm", _("An alarm")


class ReadingStatus(models.TextChoices):
    """How far the worker has got with a launch's template."""

    QUEUED = "queued", _("about to be read")
    IN_FLIGHT = "in_flight", _("being read")
    READ = "read", _("read")
    GIVEN_UP = "given_up", _("could not be read")


class WhyNot(models.TextChoices):
    """Why a launch's template could not be read."""

    NO_DIGEST = "no_digest", _("The launch was announced without the digest of its template.")
    NO_ROLE = "no_role", _("The desk may not read stacks in this account.")
    REFUSED = "refused", _("AWS did not allow the desk to read the stack’s template.")
    UNREACHABLE = "unreachable", _("AWS did not answer.")
    GONE = "gone", _("The stack does not exist any more.")
    ANOTHER = "another", _("The stack’s template is not the one this launch was announced with.")
    UNREADABLE = "unreadable", _("The template could not be understood.")
