"""Who acts. Every verb takes an Actor; none reads a request or a session."""

from __future__ import annotations

from dataclasses import dataclass

from approvals.choices import Channel
from portal.accounts.models import User


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or, where `person` is None, the system, and the door they came through."""

    person: User | None
    channel: Channel
    on_behalf_of: User | None = None

    @classmethod
    def system(cls, channel: Channel) -> Actor:
        return cls(person=None, channel=channel)
