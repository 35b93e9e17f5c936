"""The demo's own launches: two wait at the desk whenever it becomes ready, however often it was stopped."""

import secrets
import time

from sandbox.demo import database
from sandbox.demo.catalogue import DATA_SANDBOX, WORDPRESS, DemoProduct, start_launch
from sandbox.demo.installation import Installation
from sandbox.demo.people import RAVI, RITA, Requester
from sandbox.problems import ProblemError

PATIENCE = 30.0


class DeskBehindError(ProblemError):
    """The desk did not hear in time of launches that began, or of those that ended while it was away."""


def _wordpress() -> dict[str, str]:
    return {"UserEmail": RITA.email, "InstanceType": "t3.medium", "DBPassword": secrets.token_hex(12)}


def _data_sandbox() -> dict[str, str]:
    purpose = "Try the new churn model on the public telecom data set, about two weeks."
    return {"UserEmail": RAVI.email, "Purpose": purpose}


def keep_waiting(installation: Installation) -> None:
    """Start what is missing of the two launches and wait until the desk shows both."""
    plans: list[tuple[DemoProduct, Requester, str, dict[str, str]]] = [
        (WORDPRESS, RITA, "campaign-blog", _wordpress()),
        (DATA_SANDBOX, RAVI, "churn-study", _data_sandbox()),
    ]
    alive = database.open_stacks() & _stacks_in_progress(installation)
    for product, who, name, parameters in plans[len(alive) :]:
        unique = f"{name}-{secrets.token_hex(2)}"
        alive.add(start_launch(installation.clients, product, who, unique, parameters).stack_id)
    until = time.monotonic() + PATIENCE
    while not alive <= (shown := database.open_stacks()) <= _stacks_in_progress(installation):
        installation.check()
        if time.monotonic() > until:
            raise DeskBehindError(
                f"The desk shows {len(shown)} waiting launches, AWS has {len(alive)};"
                f" {installation.supervisor.log('intake')} may say why."
            )
        time.sleep(0.2)


def _stacks_in_progress(installation: Installation) -> set[str]:
    pages = installation.clients("cloudformation").get_paginator("list_stacks")
    found = pages.paginate(StackStatusFilter=["CREATE_IN_PROGRESS"])
    return {stack["StackId"] for page in found for stack in page["StackSummaries"]}
