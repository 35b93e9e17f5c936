"""What pages about people ask of a membership."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import datetime

from django import template

from approvals.models import Membership

register = template.Library()


@register.filter
def by_group(member: Membership, roles: Container[str]) -> bool:
    """Whether a provider's groups gave it (portal.accounts.models.GroupRole)."""
    return f"team:{member.team_id}" in roles


@register.filter
def at(moments: Mapping[int, datetime], pk: int) -> datetime | None:
    return moments.get(pk)
