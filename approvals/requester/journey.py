"""The way of a launch in five small steps: asked, seen, deciding, released, launched; and how it ends otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from approvals.choices import Kind, Outcome, SignalStatus, State
from approvals.models import LaunchRequest, Pass
from approvals.review.steps import Mark


@dataclass(frozen=True, slots=True)
class Step:
    title: str | Promise
    mark: Mark
    at: datetime | None = None


_ENDED = {
    State.REJECTED: (_("Rejected"), Mark.NO),
    State.EXPIRED: (_("Expired"), Mark.NO),
    State.WITHDRAWN: (_("Withdrawn"), Mark.OFF),
    State.BYPASSED: (_("Ended without the desk"), Mark.BAD),
}


def journey(launch: LaunchRequest, now: datetime, *, touched: bool = False) -> list[Step]:
    """`touched`: somebody voted or asked, so it was seen even where no page was opened."""
    state = State(launch.state)
    begun = [Step(_("Asked"), Mark.DONE, launch.opened_at), _seen(launch, state, touched)]
    if state.is_open:
        return [*begun, _deciding(state, begun[1]), Step(_("Released"), Mark.TODO), Step(_goal(launch), Mark.TODO)]
    if state is State.APPROVED:
        return [*begun, Step(_("Approved"), Mark.DONE, launch.closed_at), *_after_approval(launch, now)]
    title, mark = _ENDED[state]
    return [*begun, Step(title, mark, launch.closed_at), *_after_refusal(launch, state)]


def _seen(launch: LaunchRequest, state: State, touched: bool) -> Step:
    decided = state in (State.APPROVED, State.REJECTED)
    if launch.first_seen_at or touched or decided or state is State.NEEDS_INFO:
        return Step(_("Seen"), Mark.DONE, launch.first_seen_at)
    return Step(_("Not seen yet"), Mark.NOW) if state.is_open else Step(_("Not seen"), Mark.OFF)


def _deciding(state: State, seen: Step) -> Step:
    if state is State.NEEDS_INFO:
        return Step(_("Your answer"), Mark.NOW)
    return Step(_("Deciding"), Mark.NOW if seen.mark is Mark.DONE else Mark.TODO)


def _goal(launch: LaunchRequest) -> str | Promise:
    return _("Launched") if launch.kind == Kind.LAUNCH else _("Updated")


def _after_approval(launch: LaunchRequest, now: datetime) -> list[Step]:
    outcome, goal = Outcome(launch.outcome), _goal(launch)
    granted: Pass | None = getattr(launch, "granted_pass", None)
    if outcome is Outcome.ROLLED_BACK and granted is not None and granted.holds(now):
        return [Step(_("Try it again"), Mark.NOW), Step(goal, Mark.TODO)]
    if outcome is Outcome.WAITING:
        told = launch.signal == SignalStatus.GIVEN_UP
        release = Step(_("Could not be told"), Mark.BAD) if told else Step(_("Being released"), Mark.NOW)
        return [release, Step(goal, Mark.TODO)]
    if outcome is Outcome.RELEASED:
        return [Step(_("Released"), Mark.DONE), Step(_("Being built"), Mark.NOW)]
    return [_released(outcome), _end(launch, outcome, goal)]


def _released(outcome: Outcome) -> Step:
    """Of a stack that came to a bad end nobody knows here whether it had gone on before."""
    return Step(_("Released"), Mark.DONE if outcome is Outcome.LAUNCHED else Mark.OFF)


def _end(launch: LaunchRequest, outcome: Outcome, goal: str | Promise) -> Step:
    ends = {
        Outcome.LAUNCHED: (goal, Mark.DONE),
        Outcome.TERMINATED: (_("Terminated"), Mark.OFF),
        Outcome.ROLLED_BACK: (_("Rolled back"), Mark.BAD),
    }
    title, mark = ends.get(outcome, (_("Failed"), Mark.BAD))
    return Step(title, mark, launch.outcome_at)


def _after_refusal(launch: LaunchRequest, state: State) -> list[Step]:
    """A bypass may have let the stack go on; after everything else CloudFormation rolls back."""
    outcome = Outcome(launch.outcome)
    if outcome is Outcome.ROLLED_BACK:
        return [Step(_("Rolled back"), Mark.DONE, launch.outcome_at)]
    if outcome is Outcome.WAITING:
        return [] if state is State.BYPASSED else [Step(_("Rolling back"), Mark.NOW)]
    if outcome is Outcome.RELEASED:
        return [Step(_("Being built"), Mark.NOW)]
    return [_end(launch, outcome, _goal(launch))]
