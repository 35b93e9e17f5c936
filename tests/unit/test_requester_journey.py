"""The small step line of a launch, for every way it can go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from approvals.choices import Kind, Outcome, SignalStatus, State
from approvals.models import LaunchRequest, Pass
from approvals.requester.journey import journey
from approvals.review.steps import Mark

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def said(*, touched: bool = False, granted: timedelta | None = None, **fields: Any) -> list[str]:
    launch = LaunchRequest(opened_at=NOW - timedelta(hours=1), **fields)
    if granted is not None:
        Pass(request=launch, fingerprint="", valid_until=NOW + granted)
    return [f"{step.title}/{step.mark}" for step in journey(launch, NOW, touched=touched)]


def test_a_launch_nobody_looked_at_says_so() -> None:
    assert said() == ["Asked/done", "Not seen yet/now", "Deciding/todo", "Released/todo", "Launched/todo"]


@pytest.mark.parametrize("seen", [{"first_seen_at": NOW}, {"touched": True}])
def test_one_that_was_seen_is_being_decided(seen: dict[str, Any]) -> None:
    assert said(**seen)[1:3] == ["Seen/done", "Deciding/now"]


def test_a_question_puts_the_requester_into_the_line() -> None:
    assert said(state=State.NEEDS_INFO)[1:4] == ["Seen/done", "Your answer/now", "Released/todo"]


@pytest.mark.parametrize(
    ("signal", "outcome", "ends"),
    [
        (SignalStatus.QUEUED, Outcome.WAITING, ["Being released/now", "Launched/todo"]),
        (SignalStatus.STORED, Outcome.WAITING, ["Being released/now", "Launched/todo"]),
        (SignalStatus.GIVEN_UP, Outcome.WAITING, ["Could not be told/bad", "Launched/todo"]),
        (SignalStatus.STORED, Outcome.RELEASED, ["Released/done", "Being built/now"]),
        (SignalStatus.STORED, Outcome.LAUNCHED, ["Released/done", "Launched/done"]),
        (SignalStatus.STORED, Outcome.FAILED, ["Released/off", "Failed/bad"]),
        (SignalStatus.STORED, Outcome.ROLLED_BACK, ["Released/off", "Rolled back/bad"]),
        (SignalStatus.STORED, Outcome.TERMINATED, ["Released/off", "Terminated/off"]),
    ],
)
def test_an_approval_is_followed_to_the_stack_s_end(signal: SignalStatus, outcome: Outcome, ends: list[str]) -> None:
    line = said(state=State.APPROVED, signal=signal, outcome=outcome)
    assert line == ["Asked/done", "Seen/done", "Approved/done", *ends]


@pytest.mark.parametrize(
    ("state", "outcome", "ends"),
    [
        (State.REJECTED, Outcome.WAITING, ["Seen/done", "Rejected/no", "Rolling back/now"]),
        (State.REJECTED, Outcome.ROLLED_BACK, ["Seen/done", "Rejected/no", "Rolled back/done"]),
        (State.EXPIRED, Outcome.ROLLED_BACK, ["Not seen/off", "Expired/no", "Rolled back/done"]),
        (State.WITHDRAWN, Outcome.ROLLED_BACK, ["Not seen/off", "Withdrawn/off", "Rolled back/done"]),
        (State.WITHDRAWN, Outcome.TERMINATED, ["Not seen/off", "Withdrawn/off", "Terminated/off"]),
        (State.BYPASSED, Outcome.WAITING, ["Not seen/off", "Ended without the desk/bad"]),
        (State.BYPASSED, Outcome.LAUNCHED, ["Not seen/off", "Ended without the desk/bad", "Launched/done"]),
        (State.BYPASSED, Outcome.RELEASED, ["Not seen/off", "Ended without the desk/bad", "Being built/now"]),
        (State.REJECTED, Outcome.FAILED, ["Seen/done", "Rejected/no", "Failed/bad"]),
    ],
)
def test_every_other_end_has_its_words(state: State, outcome: Outcome, ends: list[str]) -> None:
    assert said(state=state, outcome=outcome) == ["Asked/done", *ends]


def test_an_update_ends_updated() -> None:
    assert said(kind=Kind.VERSION_UPDATE)[-1] == "Updated/todo"


def test_a_pass_that_holds_says_to_try_again() -> None:
    update: dict[str, Any] = {"kind": Kind.PARAMETER_UPDATE, "state": State.APPROVED, "outcome": Outcome.ROLLED_BACK}
    assert said(granted=timedelta(hours=1), **update)[-2:] == ["Try it again/now", "Updated/todo"]
    assert said(granted=-timedelta(hours=1), **update)[-1] == "Rolled back/bad"


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("kind", Kind)
def test_the_line_is_total_and_has_at_most_one_present(state: State, outcome: Outcome, kind: Kind) -> None:
    launch = LaunchRequest(opened_at=NOW, state=state, outcome=outcome, kind=kind)
    line = journey(launch, NOW)
    assert 3 <= len(line) <= 5
    assert [step.mark for step in line].count(Mark.NOW) <= 1
    assert all(str(step.title) for step in line)
