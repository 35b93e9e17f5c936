"""What an observation of a stack means for a request: pure, and one table.

Some observations prove how a wait ended: the wait condition's own words, or a stack that came to its end. A
rollback alone does not: it follows a time-out, a foreign signal and any other failure alike, and its messages
may overtake the explanation. So a rollback only ends the hold; the request stays open, undecidable, until the
explanation arrives, CloudFormation was asked, or a minute has passed (`unexplained`). That keeps the end
state the same in whatever order messages come.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_noop

from approvals.choices import OPEN_STATES, AlarmCode, Kind, Outcome, State

WAIT_CONDITION = "AWS::CloudFormation::WaitCondition"
RECEIPT = "Custom::ApprovalReceipt"

FOREIGN_SUCCESS = gettext_noop("The wait was ended by a signal the desk did not send; the stack went on.")
FOREIGN_FAILURE = gettext_noop("The wait was ended by a signal the desk did not send; the stack stopped.")
WENT_ON = gettext_noop("The stack was built although the desk had not agreed.")
NOT_TAKEN = gettext_noop("The wait timed out although the request was approved.")
RECEIPT_REFUSED = gettext_noop("The request was approved, but the stack did not accept the receipt.")

# The last one counts: the words before it are whoever signalled's own.
_FAILED_SIGNAL = re.compile(r"WaitCondition received failed message: .* for uniqueId: (\S+)\Z", re.DOTALL)
_TIMED_OUT = re.compile(r"WaitCondition timed out\b")


class Meaning(StrEnum):
    NOTHING = "nothing"
    DONE = "done"
    ROLLING = "rolling"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"
    DELETING = "deleting"
    GONE = "gone"


_CREATING = {
    "CREATE_COMPLETE": Meaning.DONE,
    "CREATE_FAILED": Meaning.FAILED,
    "ROLLBACK_IN_PROGRESS": Meaning.ROLLING,
    "ROLLBACK_COMPLETE": Meaning.ROLLED_BACK,
    "ROLLBACK_FAILED": Meaning.FAILED,
}
_UPDATING = {
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": Meaning.DONE,
    "UPDATE_COMPLETE": Meaning.DONE,
    "UPDATE_FAILED": Meaning.FAILED,
    "UPDATE_ROLLBACK_IN_PROGRESS": Meaning.ROLLING,
    "UPDATE_ROLLBACK_FAILED": Meaning.FAILED,
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": Meaning.ROLLED_BACK,
    "UPDATE_ROLLBACK_COMPLETE": Meaning.ROLLED_BACK,
}
_DELETING = {
    "DELETE_IN_PROGRESS": Meaning.DELETING,
    "DELETE_FAILED": Meaning.DELETING,
    "DELETE_COMPLETE": Meaning.GONE,
}


class Do(StrEnum):
    END_HOLD = "end_hold"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    BYPASS = "bypass"
    RECORD = "record"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Effect:
    do: Do
    text: str = ""
    outcome: Outcome | None = None
    alarm: AlarmCode | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """What the desk knows of a request.

    `ours` are the UniqueIds of signals we know of, `wait` is the wait condition's logical id ("" where nobody said),
    `receipts` are those its template has (none where the template is not known: then any receipt counts).
    `under_way`: CloudFormation is at work on what was asked for. Of an update of parameters that is not always so:
    its request outlives the update, and what the stack does then is about something else.
    """

    kind: Kind
    state: State
    wait: str = ""
    ours: frozenset[str] = frozenset()
    receipts: frozenset[str] = frozenset()
    under_way: bool = True

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def outlives(self) -> bool:
        """Whether the request stays open when its update is rolled back: it can be granted for a retry."""
        return self.kind == Kind.PARAMETER_UPDATE and self.is_open


END_HOLD = Effect(Do.END_HOLD)


def meaning(kind: Kind, status: str) -> Meaning:
    """What a stack's status says about a request of this kind (aws-facts §7.1)."""
    if status in _DELETING:
        return _DELETING[status]
    if kind != Kind.LAUNCH:
        return _UPDATING.get(status, Meaning.NOTHING)
    # A stack that is updated was created before.
    return Meaning.DONE if status.startswith("UPDATE_") else _CREATING.get(status, Meaning.NOTHING)


def of_stack(situation: Situation, status: str, reason: str = "") -> list[Effect]:
    """What follows from the status of the whole stack."""
    said = meaning(situation.kind, status)
    if not situation.under_way and said not in (Meaning.DELETING, Meaning.GONE):
        return []
    if situation.outlives and said in (Meaning.ROLLED_BACK, Meaning.FAILED):
        return [END_HOLD]
    match said:
        case Meaning.NOTHING:
            return []
        case Meaning.DONE:
            return [*_went_on(situation), END_HOLD, Effect(Do.RECORD, outcome=Outcome.LAUNCHED)]
        case Meaning.ROLLING:
            return [END_HOLD]
        case Meaning.ROLLED_BACK:
            return [END_HOLD, Effect(Do.RECORD, reason, Outcome.ROLLED_BACK)]
        case Meaning.FAILED:
            return [END_HOLD, Effect(Do.RECORD, reason, Outcome.FAILED)]
        case Meaning.DELETING:
            return [*_withdrawn(situation, reason), END_HOLD]
        case Meaning.GONE:
            return [*_withdrawn(situation, reason), END_HOLD, Effect(Do.RECORD, reason, Outcome.TERMINATED)]


def of_resource(situation: Situation, logical_id: str, resource_type: str, status: str, reason: str) -> list[Effect]:
    """What follows from a resource of the gate."""
    if resource_type == RECEIPT:
        # In an update to another version the gate before it speaks as well.
        other = situation.receipts and logical_id not in situation.receipts
        return [] if other else _of_receipt(situation, status, reason)
    if resource_type != WAIT_CONDITION or (situation.wait and logical_id != situation.wait):
        return []
    if situation.kind == Kind.PARAMETER_UPDATE:
        # It waits for the gate's answer: a late word of the launch's own wait is not about it.
        return []
    if status == "CREATE_COMPLETE":
        return _released(situation)
    if status == "CREATE_FAILED":
        return _failed(situation, reason)
    return [END_HOLD] if status.startswith("DELETE_") else []


def unexplained(*, bypassed: bool, past_deadline: bool, reason: str) -> Effect:
    """How an open request closes when its stack rolled back and none of its messages said why."""
    if bypassed:
        return Effect(Do.BYPASS, FOREIGN_SUCCESS)
    return Effect(Do.EXPIRE) if past_deadline else Effect(Do.WITHDRAW, reason)


def _released(situation: Situation) -> list[Effect]:
    if situation.state == State.APPROVED:
        return [END_HOLD, Effect(Do.RECORD, outcome=Outcome.RELEASED)]
    return [_foreign(situation, FOREIGN_SUCCESS), END_HOLD]


def _failed(situation: Situation, reason: str) -> list[Effect]:
    if found := _FAILED_SIGNAL.match(reason):
        return [END_HOLD] if found[1] in situation.ours else [_foreign(situation, FOREIGN_FAILURE), END_HOLD]
    if not _TIMED_OUT.match(reason):
        return [END_HOLD]
    if situation.is_open:
        return [Effect(Do.EXPIRE), END_HOLD]
    if situation.state == State.APPROVED:
        return [Effect(Do.ALARM, NOT_TAKEN, alarm=AlarmCode.CONTRADICTION), END_HOLD]
    return [END_HOLD]


def _of_receipt(situation: Situation, status: str, reason: str) -> list[Effect]:
    """The receipt comes after the wait: whatever became of it, the wait was ended by a SUCCESS."""
    verb = "UPDATE" if situation.kind == Kind.PARAMETER_UPDATE else "CREATE"
    refused = status == f"{verb}_FAILED" and "cancelled" not in reason
    if not situation.under_way or (status != f"{verb}_COMPLETE" and not refused):
        return []
    if situation.is_open:
        return [_foreign(situation, FOREIGN_FAILURE if refused else FOREIGN_SUCCESS), END_HOLD]
    if situation.state != State.APPROVED:
        return []
    if refused:
        return [Effect(Do.ALARM, RECEIPT_REFUSED, alarm=AlarmCode.CONTRADICTION), END_HOLD]
    return [END_HOLD, Effect(Do.RECORD, outcome=Outcome.RELEASED)]


def _foreign(situation: Situation, text: str) -> Effect:
    if situation.is_open or situation.state == State.BYPASSED:
        return Effect(Do.BYPASS, text)
    return Effect(Do.ALARM, text, alarm=AlarmCode.BYPASS)


def _went_on(situation: Situation) -> list[Effect]:
    if situation.is_open:
        return [Effect(Do.BYPASS, FOREIGN_SUCCESS)]
    if situation.state in (State.APPROVED, State.BYPASSED):
        return []
    return [Effect(Do.ALARM, WENT_ON, alarm=AlarmCode.CONTRADICTION)]


def _withdrawn(situation: Situation, reason: str) -> list[Effect]:
    return [Effect(Do.WITHDRAW, reason)] if situation.is_open else []
