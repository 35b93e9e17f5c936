"""What groups mean: roles. Portal knows administrators and auditors as names only; whoever handles `said` grants."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.dispatch import Signal

# person, provider: str, roles: frozenset[str] ("administrator", "auditor", "team:<name>").
said = Signal()


def roles_of(groups: Iterable[str]) -> frozenset[str]:
    known: dict[str, list[str]] = settings.GATEHOUSE_GROUPS
    return frozenset(role for group in groups for role in known.get(group, ()))
