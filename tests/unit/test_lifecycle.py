"""The state machine over every (state, action) pair."""

import itertools

import pytest

from approvals.choices import OPEN_STATES, TERMINAL_STATES, Outcome, State
from approvals.lifecycle import Action, diagram, next_state, outcome_moves

TALK = {Action.COMMENT, Action.NOTE}
ADOPT = {Action.ADOPT_APPROVAL: State.APPROVED, Action.ADOPT_REJECTION: State.REJECTED}
END = {
    Action.APPROVE: State.APPROVED,
    Action.REJECT: State.REJECTED,
    Action.WITHDRAW: State.WITHDRAWN,
    Action.EXPIRE: State.EXPIRED,
    Action.BYPASS: State.BYPASSED,
}


@pytest.mark.parametrize(("state", "action"), list(itertools.product(State, Action)))
def test_every_pair_has_exactly_the_answer_the_design_gives(state: State, action: Action) -> None:
    if action in ADOPT:
        expected = ADOPT[action]
    elif action in TALK:
        expected = state
    elif state in TERMINAL_STATES:
        expected = None
    elif action in END:
        expected = END[action]
    elif action is Action.LAPSE:
        expected = state
    elif action is Action.ASK:
        expected = State.NEEDS_INFO
    else:
        expected = State.PENDING if state is State.NEEDS_INFO else None
    assert next_state(state, action) == expected


def test_a_terminal_state_is_left_only_for_a_decision_that_was_recorded_earlier() -> None:
    for state, action in itertools.product(TERMINAL_STATES, set(Action) - set(ADOPT)):
        assert next_state(state, action) in (None, state)


def test_open_and_terminal_states_are_all_states() -> None:
    assert {*OPEN_STATES, *TERMINAL_STATES} == set(State)
    assert len(TERMINAL_STATES) == 5


@pytest.mark.parametrize("path", list(itertools.permutations(Outcome, 3)))
def test_outcomes_never_come_back_to_where_they_were(path: tuple[Outcome, ...]) -> None:
    current, seen = Outcome.WAITING, [Outcome.WAITING]
    for step in path * 2:
        if outcome_moves(current, step):
            assert step not in seen
            current = step
            seen.append(step)


def test_a_terminated_stack_stays_terminated() -> None:
    assert not any(outcome_moves(Outcome.TERMINATED, outcome) for outcome in Outcome)


def test_the_diagram_shows_every_state() -> None:
    text = diagram()
    assert text.startswith("stateDiagram-v2")
    assert all(state.value in text for state in State)
