"""Where a request stands, as steps from the asking to the stack's end. The three axes stay apart: the decision, what
was told to CloudFormation, and what CloudFormation did are steps of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.audit import Event
from approvals.choices import Outcome, SignalStatus, State
from approvals.models import AuditEvent, LaunchRequest


class Mark(StrEnum):
    """How far a step is; `label` is what a screen reader hears of its picture."""

    DONE = "done"
    NOW = "now"
    TODO = "todo"
    BAD = "bad"
    OFF = "off"
    # It came out otherwise than the requester wished, as it may.
    NO = "no"

    @property
    def icon(self) -> str:
        return {"done": "check", "now": "hourglass", "bad": "cross", "off": "back", "no": "cross"}.get(
            self.value, "clock"
        )

    @property
    def label(self) -> str | Promise:
        return _LABELS[self]


_LABELS = {
    Mark.DONE: gettext_lazy("done"),
    Mark.NOW: gettext_lazy("now"),
    Mark.TODO: gettext_lazy("still to come"),
    Mark.BAD: gettext_lazy("went wrong"),
    Mark.OFF: gettext_lazy("not this time"),
    Mark.NO: gettext_lazy("done"),
}
_DECIDED = {State.APPROVED: Mark.DONE, State.REJECTED: Mark.NO, State.BYPASSED: Mark.BAD}
_TOLD = {
    SignalStatus.QUEUED: Mark.NOW,
    SignalStatus.IN_FLIGHT: Mark.NOW,
    SignalStatus.STORED: Mark.DONE,
    SignalStatus.GIVEN_UP: Mark.BAD,
}


@dataclass(frozen=True, slots=True)
class Step:
    title: str
    value: str
    mark: Mark
    at: datetime | None = None


def steps(launch: LaunchRequest, events: Iterable[AuditEvent]) -> list[Step]:
    """`events`: the request's trail, oldest first."""
    times = dict(_times(events))
    asked = Step(_("Asked"), launch.get_kind_display(), Mark.DONE, launch.opened_at)
    went_on = [_went_on(launch, times)] if launch.is_open or launch.state == State.APPROVED else []
    return [asked, _decision(launch), _told(launch, times), *went_on, _stack(launch)]


def _times(events: Iterable[AuditEvent]) -> Iterator[tuple[str, datetime]]:
    """When the last of each happened: an update that was tried again was told more than once."""
    for event in events:
        if event.code == Event.SIGNAL_STORED:
            yield SignalStatus.STORED.value, event.at
        elif event.code == Event.OUTCOME:
            yield str(event.params.get("outcome")), event.at


def _decision(launch: LaunchRequest) -> Step:
    state = State(launch.state)
    mark = Mark.NOW if state.is_open else _DECIDED.get(state, Mark.OFF)
    return Step(_("Decision"), str(state.label), mark, launch.closed_at)


def _told(launch: LaunchRequest, times: dict[str, datetime]) -> Step:
    title = _("Told to CloudFormation")
    if hasattr(launch, "link_decision"):
        return Step(title, _("By the e-mail link itself"), Mark.DONE, launch.link_decision.decided_at)
    signal = SignalStatus(launch.signal)
    if launch.is_open:
        return Step(title, str(signal.label), Mark.TODO)
    return Step(title, str(signal.label), _TOLD.get(signal, Mark.OFF), times.get(signal.value))


def _went_on(launch: LaunchRequest, times: dict[str, datetime]) -> Step:
    title, at = _("CloudFormation goes on"), times.get(Outcome.RELEASED.value)
    if launch.outcome in (Outcome.RELEASED, Outcome.LAUNCHED) or at:
        return Step(title, _("Yes"), Mark.DONE, at)
    if launch.outcome != Outcome.WAITING:
        return Step(title, _("No"), Mark.OFF)
    told = launch.signal == SignalStatus.STORED or hasattr(launch, "link_decision")
    return Step(title, _("Not yet"), Mark.NOW if told and not launch.is_open else Mark.TODO)


def _stack(launch: LaunchRequest) -> Step:
    outcome = Outcome(launch.outcome)
    value = str(outcome.label)
    if launch.is_parameter_update and launch.is_open and launch.signal != SignalStatus.NONE:
        value = _("As it was before the update")
    return Step(_("Stack"), value, _stack_mark(launch, outcome), launch.outcome_at)


def _stack_mark(launch: LaunchRequest, outcome: Outcome) -> Mark:
    if launch.is_open:
        return Mark.TODO
    if outcome is Outcome.RELEASED:
        return Mark.NOW
    if outcome is Outcome.WAITING:
        return Mark.TODO if launch.state == State.APPROVED else Mark.NOW
    if outcome is Outcome.FAILED:
        return Mark.BAD
    wished = Outcome.LAUNCHED if launch.state == State.APPROVED else Outcome.ROLLED_BACK
    if launch.state == State.APPROVED and outcome is Outcome.ROLLED_BACK and hasattr(launch, "granted_pass"):
        return Mark.OFF
    return Mark.DONE if outcome is wished else Mark.OFF if outcome is Outcome.TERMINATED else Mark.BAD
