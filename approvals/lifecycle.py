"""What may happen to a launch request: the state machine, pure and total.

Every (state, action) pair has an answer: the next state, or None for "not legal here". There is one table;
terminal states take no decision, so the first decision is final (a failed wait condition cannot be revived,
aws-facts §1.3). What an e-mail link decided was first wherever the shared table says so, so the desk adopts it in
every state. `python -m approvals.lifecycle` prints the table as a diagram.
"""

from __future__ import annotations

from enum import StrEnum

from approvals.choices import OPEN_STATES, Outcome, State


class Action(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    ASK = "ask"
    ANSWER = "answer"
    COMMENT = "comment"
    NOTE = "note"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    BYPASS = "bypass"
    LAPSE = "lapse"
    ADOPT_APPROVAL = "adopt_approval"
    ADOPT_REJECTION = "adopt_rejection"


_FROM_OPEN = {
    Action.APPROVE: State.APPROVED,
    Action.REJECT: State.REJECTED,
    Action.ASK: State.NEEDS_INFO,
    Action.WITHDRAW: State.WITHDRAWN,
    Action.EXPIRE: State.EXPIRED,
    Action.BYPASS: State.BYPASSED,
}
_TABLE: dict[tuple[State, Action], State] = {
    **{(state, action): target for state in OPEN_STATES for action, target in _FROM_OPEN.items()},
    (State.NEEDS_INFO, Action.ANSWER): State.PENDING,
    **{(state, Action.LAPSE): state for state in OPEN_STATES},
    **{(state, Action.ADOPT_APPROVAL): State.APPROVED for state in State},
    **{(state, Action.ADOPT_REJECTION): State.REJECTED for state in State},
    **{(state, action): state for state in State for action in (Action.COMMENT, Action.NOTE)},
}

# Outcomes only move forward; a message that comes late or twice changes nothing.
_OUTCOME_RANK = {
    Outcome.WAITING: 0,
    Outcome.RELEASED: 1,
    Outcome.LAUNCHED: 2,
    Outcome.FAILED: 2,
    Outcome.ROLLED_BACK: 2,
    Outcome.TERMINATED: 3,
}


def next_state(state: State, action: Action) -> State | None:
    return _TABLE.get((state, action))


def outcome_moves(current: Outcome, to: Outcome) -> bool:
    """A stack that failed may still roll back (CREATE_FAILED comes before ROLLBACK_COMPLETE)."""
    if (current, to) == (Outcome.FAILED, Outcome.ROLLED_BACK):
        return True
    return _OUTCOME_RANK[to] > _OUTCOME_RANK[current]


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.PENDING}"]
    lines += [f"    {source} --> {target}: {action}" for (source, action), target in _TABLE.items() if source != target]
    lines += [f"    {state} --> [*]" for state in State if state not in OPEN_STATES]
    return "\n".join(lines)


if __name__ == "__main__":
    print(diagram())
