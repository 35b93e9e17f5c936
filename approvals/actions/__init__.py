"""The verbs: everything that may happen to a launch request, whoever asks and through whatever door.

A verb takes an `Actor` and `now`, locks the request's row, checks lifecycle, role, separation of duties and
policy, writes, audits and leaves what is owed in the outbox, in one durable transaction. No rule lives in a view,
a task or a command. A verb that does not act raises `approvals.errors.Refused` and has changed nothing.
"""

from approvals.actions.adopting import adopt_link_decision, warn_of_untold
from approvals.actions.alarms import acknowledge_alarm, raise_alarm
from approvals.actions.claiming import claim, unclaim
from approvals.actions.closing import bypass, expire, withdraw
from approvals.actions.deciding import approve, reject
from approvals.actions.marking import drop_reason, keep_reason, mark_sensitive, unmark_sensitive
from approvals.actions.observing import end_hold, record_outcome
from approvals.actions.opening import close_deleted, open_request
from approvals.actions.retrying import lapse
from approvals.actions.talking import answer, ask, comment, edit, note
from approvals.actions.updating import name_updater

__all__ = [
    "acknowledge_alarm",
    "adopt_link_decision",
    "answer",
    "approve",
    "ask",
    "bypass",
    "claim",
    "close_deleted",
    "comment",
    "drop_reason",
    "edit",
    "end_hold",
    "expire",
    "keep_reason",
    "lapse",
    "mark_sensitive",
    "name_updater",
    "note",
    "open_request",
    "raise_alarm",
    "record_outcome",
    "reject",
    "unclaim",
    "unmark_sensitive",
    "warn_of_untold",
    "withdraw",
]
