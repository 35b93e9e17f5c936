"""What an observation of a stack means: the whole table."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.choices import OPEN_STATES, AlarmCode, Kind, Outcome, State
from approvals.following.conclusions import (
    RECEIPT,
    WAIT_CONDITION,
    Do,
    Effect,
    Meaning,
    Situation,
    meaning,
    of_resource,
    of_stack,
    unexplained,
)

OURS = "gh-abcdefghijklmnopqrstuvwxyz"
STATUSES = [
    f"{verb}_{end}"
    for verb in ("CREATE", "ROLLBACK", "DELETE", "UPDATE", "UPDATE_ROLLBACK", "IMPORT", "IMPORT_ROLLBACK")
    for end in ("IN_PROGRESS", "FAILED", "COMPLETE", "COMPLETE_CLEANUP_IN_PROGRESS")
] + ["REVIEW_IN_PROGRESS", "", "SOMETHING_NEW"]


def situation(state: State, kind: Kind = Kind.LAUNCH, unique_id: str = OURS) -> Situation:
    return Situation(kind, state, wait="ApprovalWait", ours=frozenset({unique_id} - {""}))


def verbs(effects: list[Effect]) -> list[str]:
    return [effect.alarm or effect.outcome or effect.do for effect in effects]


def wait(state: State, status: str, reason: str = "", logical_id: str = "ApprovalWait") -> list[str]:
    return verbs(of_resource(situation(state), logical_id, WAIT_CONDITION, status, reason))


@pytest.mark.parametrize(
    ("kind", "status", "means"),
    [
        (Kind.LAUNCH, "CREATE_IN_PROGRESS", Meaning.NOTHING),
        (Kind.LAUNCH, "CREATE_COMPLETE", Meaning.DONE),
        (Kind.LAUNCH, "CREATE_FAILED", Meaning.FAILED),
        (Kind.LAUNCH, "ROLLBACK_IN_PROGRESS", Meaning.ROLLING),
        (Kind.LAUNCH, "ROLLBACK_COMPLETE", Meaning.ROLLED_BACK),
        (Kind.LAUNCH, "ROLLBACK_FAILED", Meaning.FAILED),
        (Kind.LAUNCH, "UPDATE_IN_PROGRESS", Meaning.DONE),
        (Kind.LAUNCH, "UPDATE_ROLLBACK_COMPLETE", Meaning.DONE),
        (Kind.LAUNCH, "DELETE_IN_PROGRESS", Meaning.DELETING),
        (Kind.LAUNCH, "DELETE_COMPLETE", Meaning.GONE),
        (Kind.VERSION_UPDATE, "CREATE_COMPLETE", Meaning.NOTHING),
        (Kind.VERSION_UPDATE, "UPDATE_IN_PROGRESS", Meaning.NOTHING),
        (Kind.VERSION_UPDATE, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Meaning.DONE),
        (Kind.VERSION_UPDATE, "UPDATE_ROLLBACK_IN_PROGRESS", Meaning.ROLLING),
        (Kind.VERSION_UPDATE, "UPDATE_ROLLBACK_COMPLETE", Meaning.ROLLED_BACK),
        (Kind.PARAMETER_UPDATE, "UPDATE_ROLLBACK_FAILED", Meaning.FAILED),
        (Kind.PARAMETER_UPDATE, "DELETE_FAILED", Meaning.DELETING),
    ],
)
def test_a_status_means_different_things_to_a_launch_and_an_update(kind: Kind, status: str, means: Meaning) -> None:
    assert meaning(kind, status) == means


@pytest.mark.parametrize("state", OPEN_STATES)
def test_a_wait_that_ends_while_the_request_is_open_says_how(state: State) -> None:
    foreign = "WaitCondition received failed message: 'no' for uniqueId: ID1234"
    assert wait(state, "CREATE_COMPLETE") == ["bypass", "end_hold"]
    assert wait(state, "CREATE_FAILED", foreign) == ["bypass", "end_hold"]
    assert wait(state, "CREATE_FAILED", "WaitCondition timed out. Received 0 conditions when expecting 1") == [
        "expire",
        "end_hold",
    ]
    assert wait(state, "CREATE_FAILED", "Resource creation cancelled") == ["end_hold"]
    assert wait(state, "DELETE_COMPLETE") == ["end_hold"]
    assert wait(state, "CREATE_IN_PROGRESS") == []


def test_an_approved_request_is_released_when_its_wait_ends() -> None:
    assert wait(State.APPROVED, "CREATE_COMPLETE") == ["end_hold", Outcome.RELEASED]
    assert wait(State.APPROVED, "CREATE_FAILED", "WaitCondition timed out. Received 0") == [
        AlarmCode.CONTRADICTION,
        "end_hold",
    ]


def test_our_own_failure_signal_is_known_by_its_unique_id() -> None:
    ours = f"WaitCondition received failed message: 'Rejected: no' for uniqueId: {OURS}"
    assert wait(State.REJECTED, "CREATE_FAILED", ours) == ["end_hold"]
    assert wait(State.WITHDRAWN, "CREATE_FAILED", ours) == ["end_hold"]
    forged = f"WaitCondition received failed message: 'for uniqueId: {OURS}' for uniqueId: other"
    assert wait(State.REJECTED, "CREATE_FAILED", forged) == [AlarmCode.BYPASS, "end_hold"]
    quoting = "WaitCondition received failed message: 'WaitCondition timed out' for uniqueId: other"
    assert wait(State.PENDING, "CREATE_FAILED", quoting) == ["bypass", "end_hold"]
    nobody = of_resource(
        situation(State.PENDING, unique_id=""),
        "ApprovalWait",
        WAIT_CONDITION,
        "CREATE_FAILED",
        quoting.replace("other", ""),
    )
    assert verbs(nobody) == ["end_hold"]


@pytest.mark.parametrize("state", [State.REJECTED, State.EXPIRED, State.WITHDRAWN])
def test_a_wait_that_succeeds_against_the_decision_is_an_alarm(state: State) -> None:
    assert wait(state, "CREATE_COMPLETE") == [AlarmCode.BYPASS, "end_hold"]
    assert verbs(of_stack(situation(state), "CREATE_COMPLETE")) == [
        AlarmCode.CONTRADICTION,
        "end_hold",
        Outcome.LAUNCHED,
    ]


def test_another_gates_wait_condition_says_nothing() -> None:
    assert wait(State.PENDING, "CREATE_COMPLETE", logical_id="ApprovalWait2") == []
    assert of_resource(situation(State.PENDING), "ApprovalWait", "AWS::S3::Bucket", "CREATE_COMPLETE", "") == []


def test_what_became_of_the_receipt() -> None:
    def receipt(state: State, status: str, reason: str = "") -> list[str]:
        return verbs(of_resource(situation(state), "ApprovalReceipt", RECEIPT, status, reason))

    assert receipt(State.APPROVED, "CREATE_COMPLETE") == ["end_hold", Outcome.RELEASED]
    assert receipt(State.APPROVED, "CREATE_FAILED", "No receipt") == [AlarmCode.CONTRADICTION, "end_hold"]
    assert receipt(State.PENDING, "CREATE_FAILED", "No receipt") == ["bypass", "end_hold"]
    assert receipt(State.PENDING, "CREATE_FAILED", "Resource creation cancelled") == []
    assert receipt(State.REJECTED, "CREATE_FAILED", "No receipt") == []
    assert receipt(State.PENDING, "CREATE_IN_PROGRESS") == []


@pytest.mark.parametrize("state", OPEN_STATES)
def test_a_rollback_alone_closes_nothing(state: State) -> None:
    assert verbs(of_stack(situation(state), "ROLLBACK_IN_PROGRESS")) == ["end_hold"]
    assert verbs(of_stack(situation(state), "ROLLBACK_COMPLETE", "why")) == ["end_hold", Outcome.ROLLED_BACK]
    assert unexplained(bypassed=True, past_deadline=True, reason="x").do == Do.BYPASS
    assert unexplained(bypassed=False, past_deadline=True, reason="x").do == Do.EXPIRE
    assert unexplained(bypassed=False, past_deadline=False, reason="x") == Effect(Do.WITHDRAW, "x")


def test_a_stack_that_goes_away_withdraws_what_is_open() -> None:
    assert verbs(of_stack(situation(State.PENDING), "DELETE_IN_PROGRESS")) == ["withdraw", "end_hold"]
    assert verbs(of_stack(situation(State.PENDING), "DELETE_COMPLETE")) == ["withdraw", "end_hold", Outcome.TERMINATED]
    assert verbs(of_stack(situation(State.APPROVED), "DELETE_COMPLETE")) == ["end_hold", Outcome.TERMINATED]


def test_a_stack_that_is_built_while_the_request_is_open_was_bypassed() -> None:
    assert verbs(of_stack(situation(State.PENDING), "CREATE_COMPLETE")) == ["bypass", "end_hold", Outcome.LAUNCHED]
    assert verbs(of_stack(situation(State.APPROVED), "CREATE_COMPLETE")) == ["end_hold", Outcome.LAUNCHED]
    assert verbs(of_stack(situation(State.BYPASSED), "CREATE_COMPLETE")) == ["end_hold", Outcome.LAUNCHED]


def test_an_approved_stack_that_fails_later_is_no_contradiction() -> None:
    assert verbs(of_stack(situation(State.APPROVED), "ROLLBACK_COMPLETE")) == ["end_hold", Outcome.ROLLED_BACK]
    assert verbs(of_stack(situation(State.APPROVED), "CREATE_FAILED")) == ["end_hold", Outcome.FAILED]


def test_every_status_has_an_answer_and_only_open_requests_change_state() -> None:
    for kind, state, status in itertools.product(Kind, State, STATUSES):
        effects = of_stack(situation(state, kind), status)
        closing = [effect for effect in effects if effect.do in (Do.WITHDRAW, Do.EXPIRE, Do.BYPASS)]
        assert not closing or state in OPEN_STATES
        if meaning(kind, status) is not Meaning.NOTHING:
            assert Effect(Do.END_HOLD) in effects


@given(
    st.sampled_from(State), st.sampled_from([WAIT_CONDITION, RECEIPT]), st.sampled_from(STATUSES), st.text(max_size=100)
)
def test_every_word_of_a_resource_has_an_answer(state: State, resource: str, status: str, reason: str) -> None:
    for effect in of_resource(situation(state), "ApprovalWait", resource, status, reason):
        assert effect.do not in (Do.WITHDRAW, Do.EXPIRE) or state in OPEN_STATES


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "CREATE_FAILED", "DELETE_COMPLETE"])
def test_a_late_word_of_the_launchs_wait_says_nothing_about_an_update_of_parameters(status: str) -> None:
    """An update may be asked for within the two seconds that clocks may differ."""
    held = Situation(Kind.PARAMETER_UPDATE, State.PENDING)
    assert of_resource(held, "ApprovalWait", WAIT_CONDITION, status, "WaitCondition timed out") == []
