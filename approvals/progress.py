"""The three axes of a request as one sentence: where it stands, and what happens next."""

from __future__ import annotations

from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from approvals.choices import HoldStatus, Kind, Outcome, SignalStatus, State
from approvals.models import Hold, LaunchRequest, Pass

_OPEN = {
    State.PENDING: _(
        "An approver looks at it and decides. If nobody decides in time, CloudFormation rolls the stack back."
    ),
    State.NEEDS_INFO: _(
        "The requester has a question to answer, under Conversation. The time to decide keeps running "
        "meanwhile: CloudFormation's clock cannot be stopped."
    ),
}
_ENDED = {
    Outcome.LAUNCHED: _("The stack is complete; what was asked for is there."),
    Outcome.FAILED: _("CloudFormation could not complete the stack, or not clean it up; its events say why."),
    Outcome.ROLLED_BACK: _(
        "CloudFormation rolled the stack back; what it had created is gone again. To try anew, terminate the "
        "provisioned product in Service Catalog and launch it once more."
    ),
    Outcome.TERMINATED: _("The stack is gone."),
}
_AFTER_APPROVAL = {
    SignalStatus.QUEUED: _("The approval is about to be handed to CloudFormation."),
    SignalStatus.IN_FLIGHT: _("The approval is being handed to CloudFormation."),
    SignalStatus.STORED: _("AWS has stored the approval; CloudFormation goes on within moments."),
}
_AFTER_REFUSAL = {
    SignalStatus.QUEUED: _("CloudFormation is about to be told to roll the stack back."),
    SignalStatus.IN_FLIGHT: _("CloudFormation is being told to roll the stack back."),
    SignalStatus.STORED: _("AWS has stored the rejection; CloudFormation rolls the stack back."),
}
_GIVEN_UP = _(
    "The decision could not be handed to CloudFormation. The administrators know; without it the stack rolls "
    "back when its own time is over."
)
_UPDATE_HELD = {
    State.PENDING: _(
        "An approver looks at it and decides. CloudFormation waits for an hour at most; what is granted later lets "
        "the same update through when it is tried again."
    ),
    State.NEEDS_INFO: _(
        "The requester has a question to answer, under Conversation. CloudFormation waits for an hour at most; what "
        "is granted later lets the same update through when it is tried again."
    ),
}
_UPDATE_LAPSED = _(
    "CloudFormation waits no longer; everything is as it was before the update. It can still be granted: the same "
    "update then passes when it is tried again."
)
_UPDATE_PASSES = _("Granted. The same update passes when it is tried again, until the pass runs out.")
_UPDATE_EXPIRED = _("Nobody decided in time. Everything is as it was before the update.")
_UPDATE_ROLLED_BACK = _("CloudFormation rolled the update back; everything is as it was before.")
_RELEASED = _("CloudFormation has gone on and is building the stack.")
_ROLLS_BACK = _("Nobody decided in time. CloudFormation rolls the stack back when its own timer ends.")
_BY_LINK = {
    State.APPROVED: _("Decided by e-mail link, which tells CloudFormation itself: it goes on within moments."),
    State.REJECTED: _("Decided by e-mail link, which tells CloudFormation itself: it rolls back within moments."),
}
_BYPASSED = _("The wait was ended by a signal the desk did not send. The administrators have been told.")
_GOING = _("The request is closed; the stack is going away.")
_UNUSABLE = _("It cannot be decided here. CloudFormation rolls the stack back when its own timer ends.")

_HELD_UP = {
    HoldStatus.UNUSABLE: _UNUSABLE,
    HoldStatus.ENDED: _("CloudFormation no longer waits; the desk is finding out why."),
}


def next_step(request: LaunchRequest, hold: Hold | None, now: datetime) -> str | Promise:
    """One sentence for requester and approver alike."""
    state, outcome = State(request.state), Outcome(request.outcome)
    if outcome is Outcome.ROLLED_BACK and request.kind != Kind.LAUNCH:
        return _after_update(request, state, now)
    if outcome in _ENDED:
        return _ENDED[outcome]
    if request.is_parameter_update and state.is_open and hold is not None:
        held = {HoldStatus.OPEN: _UPDATE_HELD[state], HoldStatus.UNUSABLE: _UNUSABLE}
        return held.get(HoldStatus(hold.status), _UPDATE_LAPSED)
    if state.is_open:
        return _HELD_UP.get(HoldStatus(hold.status), _OPEN[state]) if hold is not None else _OPEN[state]
    if state is State.BYPASSED:
        return _BYPASSED
    if outcome is Outcome.RELEASED:
        return _RELEASED
    if hasattr(request, "link_decision"):
        return _BY_LINK.get(state, _GOING)
    return _after_closing(state, SignalStatus(request.signal))


def _after_update(request: LaunchRequest, state: State, now: datetime) -> str | Promise:
    granted: Pass | None = getattr(request, "granted_pass", None)
    if granted is not None and granted.holds(now):
        return _UPDATE_PASSES
    return _UPDATE_EXPIRED if state is State.EXPIRED else _UPDATE_ROLLED_BACK


def _after_closing(state: State, signal: SignalStatus) -> str | Promise:
    if signal is SignalStatus.GIVEN_UP:
        return _GIVEN_UP
    if state is State.EXPIRED:
        return _ROLLS_BACK
    sentences = _AFTER_APPROVAL if state is State.APPROVED else _AFTER_REFUSAL
    return sentences.get(signal, _GOING)
