"""How a request's axes are shown in lists."""

from __future__ import annotations

from django import template

from approvals import progress
from approvals.choices import Outcome, State
from approvals.models import LaunchRequest
from catalog.coverage import Risk
from catalog.models import Product
from portal import clock

register = template.Library()


@register.filter
def state(launch: LaunchRequest) -> State:
    return State(launch.state)


@register.filter
def outcome(launch: LaunchRequest) -> Outcome:
    return Outcome(launch.outcome)


@register.filter
def risk(product: Product) -> Risk:
    return Risk(product.risk)


@register.filter
def unlocalized(number: float) -> str:
    """For attributes of drawings: with a point in every language."""
    return f"{number:g}"


@register.filter
def next_step(launch: LaunchRequest) -> str:
    """For lists: the holds are prefetched."""
    holds = sorted(launch.holds.all(), key=lambda hold: hold.pk)
    return str(progress.next_step(launch, holds[-1] if holds else None, clock.now()))
