"""What else a desk has on an ordinary day: launched, asked about and decided once the demo is ready, in its background.

The real path: Service Catalog starts a stack, its gate calls the desk, an approver decides on the pages of the desk.
Whatever goes wrong here stands in its log, and the demo goes on without it.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sandbox.demo import database
from sandbox.demo.cast import APPROVER, cast
from sandbox.demo.catalogue import (
    DATA_SANDBOX,
    PARTNER_SITE,
    WORDPRESS,
    ClientFactory,
    DemoProduct,
    LaunchRefusedError,
    start_launch,
)
from sandbox.demo.hub import clients
from sandbox.demo.people import RAVI, RITA, Requester
from sandbox.problems import ProblemError
from sandbox.smoke.browser import Browser

PATIENCE = 60.0
QUESTION = "Who may open the site, and until when do you need it?"
NOTE = "Fine for the test data you name; please tag it with your cost centre."


@dataclass(frozen=True)
class Scene:
    """One launch, and what an approver does with it: `act` gets the approver's session and the path of the request."""

    product: DemoProduct
    who: Requester
    name: str
    given: dict[str, str] = field(default_factory=dict)
    act: Callable[[Browser, str], object] | None = None

    def parameters(self) -> dict[str, str]:
        secret = {} if self.product is DATA_SANDBOX else {"DBPassword": secrets.token_hex(12)}
        return {"UserEmail": self.who.email, **secret, **self.given}


def _ask(desk: Browser, path: str) -> object:
    return desk.decide(path, "ask", text=QUESTION)


def _approve(desk: Browser, path: str) -> object:
    return desk.decide(path, "approve", text=NOTE)


# A database on the internet; a question that waits for its answer; half an hour left.
WAITING = (
    Scene(PARTNER_SITE, RITA, "supplier-portal", {"VisitorRange": "0.0.0.0/0", "InstanceType": "m6i.large"}),
    Scene(WORDPRESS, RAVI, "team-handbook", act=_ask),
    Scene(DATA_SANDBOX, RAVI, "billing-samples", {"Purpose": "Samples for the invoices.", "ApprovalTimeout": "2100"}),
)
DECIDED = Scene(DATA_SANDBOX, RITA, "survey-answers", {"Purpose": "Made-up answers for a survey."}, _approve)


def enliven(client: ClientFactory, desk: Callable[[], Browser]) -> None:
    """Start what is missing, one after the other. Raises ProblemError, LaunchRefusedError."""
    missing = list(WAITING) if len(database.open_stacks()) <= 2 else []
    if not database.was_decided():
        missing.append(DECIDED)
    for scene in missing:
        name = f"{scene.name}-{secrets.token_hex(2)}"
        stack = start_launch(client, scene.product, scene.who, name, scene.parameters()).stack_id
        path = _path_of(stack)
        if scene.act:
            scene.act(desk(), path)


def _path_of(stack: str) -> str:
    """Where the desk shows it, as soon as it does."""
    until = time.monotonic() + PATIENCE
    while not (found := database.requests_of(stack)):
        if time.monotonic() > until:
            raise ProblemError(f"The desk did not show {stack} in time.")
        time.sleep(0.3)
    return found[0].get_absolute_url()


def _approver() -> Browser:
    """The last of those who decide: visitors come as the first."""
    person = [one for one in cast(Path(os.environ["GATEHOUSE_HOME"])) if one.part == APPROVER][-1]
    desk = Browser(os.environ["GATEHOUSE_DESK_URL"])
    desk.sign_in(person.email, person.password)
    return desk


def _examine() -> None:
    """Have the worker look at the whole installation once, so that the first run and the doctor know it."""
    from approvals import hints
    from approvals.doctor import keeping

    if keeping.ask(datetime.now(UTC)):
        hints.publish(hints.Hint.DOCTOR)


def main() -> None:
    database.connect(os.environ)
    try:
        enliven(clients(os.environ["AWS_ENDPOINT_URL"]), _approver)
    except (ProblemError, LaunchRefusedError) as problem:
        print(problem)
    _examine()


if __name__ == "__main__":
    main()
