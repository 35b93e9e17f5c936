"""The way to the first run's page, while something is missing."""

from __future__ import annotations

from typing import Any

from django import template

from approvals import setup
from portal.accounts.models import User
from portal.clock import now

register = template.Library()


@register.inclusion_tag("approvals/setup/link.html")
def setup_link(person: User) -> dict[str, Any]:
    """Nothing for whoever is no administrator, and nothing once everything was done."""
    return {"shown": person.is_administrator and not setup.is_over(now())}
