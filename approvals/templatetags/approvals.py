"""How a request's axes are shown in lists."""

from __future__ import annotations

from django import template

from approvals import progress
from approvals.choices import Outcome, State
from approvals.models import LaunchRequest
from portal import clock

register = template.Library()


@register.filter
def state(launch: LaunchRequest) -> State:
    return State(launch.state)


@register.filter
def outcome(launch: LaunchRequest) -> Outcome:
    return Outcome(launch.outcome)


@register.filter
def next_step(launch: LaunchRequest) -> str:
    """For lists: the holds are prefetched."""
    holds = sorted(launch.holds.all(), key=lambda hold: hold.pk)
    return str(progress.next_step(launch, holds[-1] if holds else None, clock.now()))
