"""The tabs of the inbox, and the states whose requests stand in each."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from approvals.choices import OPEN_STATES, State
from approvals.models.requests import DECIDED_STATES


class Tab(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    DECIDED = "decided", _("Decided")
    EXPIRED = "expired", _("Expired")
    ALL = "all", _("All")

    @property
    def states(self) -> tuple[State, ...]:
        return {
            Tab.WAITING: OPEN_STATES,
            Tab.DECIDED: DECIDED_STATES,
            Tab.EXPIRED: (State.EXPIRED,),
        }.get(self, tuple(State))

    @property
    def has_open(self) -> bool:
        return any(state.is_open for state in self.states)

    @property
    def where(self) -> models.Q:
        """In the words of the partial indexes, so that PostgreSQL recognises them."""
        return models.Q() if self is Tab.ALL else models.Q(state__in=self.states)
