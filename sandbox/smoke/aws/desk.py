"""Deciding at the desk, in an approver's session."""

from sandbox.demo import database
from sandbox.smoke.browser import Browser

REASON = "Please use the shared study environment."
OUTCOMES = {
    "CREATE_COMPLETE": "launched",
    "UPDATE_COMPLETE": "launched",
    "ROLLBACK_COMPLETE": "rolled back",
    "UPDATE_ROLLBACK_COMPLETE": "rolled back",
}


class Desk:
    """The newest request of a stack is the one that is meant."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    def asked(self, stack_id: str, nth: int) -> str:
        requests = database.requests_of(stack_id)
        return requests[nth - 1].number if len(requests) >= nth else ""

    def decide(self, stack_id: str, verdict: str) -> None:
        path = database.requests_of(stack_id)[-1].get_absolute_url()
        if verdict == "approved":
            self._browser.decide(path, "approve")
        else:
            self._browser.decide(path, "reject", text=REASON)

    def state(self, stack_id: str) -> str:
        requests = database.requests_of(stack_id)
        return f"{requests[-1].state}, {requests[-1].outcome.replace('_', ' ')}" if requests else "unheard of"

    def known(self, verdict: str, status: str) -> str:
        """A request that is still open stays so, whatever became of the first try."""
        return f"{verdict}, {'waiting' if verdict == 'pending' else OUTCOMES[status]}"
