"""What the verbs of administrators ask first: that it is an active administrator, and one who has just proved it."""

from __future__ import annotations

from approvals.actor import Actor
from approvals.errors import Refused, Why


def administrators_only(actor: Actor) -> None:
    """As the actor was loaded; raises `Refused`. The system is no administrator."""
    if actor.person is None or not (actor.person.is_active and actor.person.is_administrator):
        raise Refused(Why.NOT_ALLOWED)


def must_be_fresh(is_fresh: bool) -> None:
    """`is_fresh`: the person proved a moment ago who they are (portal.accounts.stepup). Raises `Refused`."""
    if not is_fresh:
        raise Refused(Why.PROVE_AGAIN)
