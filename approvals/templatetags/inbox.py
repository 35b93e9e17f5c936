"""How the inbox shows a request's risk, who looks at it, and how much there is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma

from approvals.actions.claiming import claimant as claimant_of
from approvals.inbox.filters import RISKS
from approvals.inbox.narrowing import MOST_COUNTED
from approvals.models import LaunchRequest
from catalog.reading import Risk
from portal.accounts.models import User

register = template.Library()


@register.inclusion_tag("approvals/parts/inbox_risk.html")
def risk_of(launch: LaunchRequest) -> dict[str, Any]:
    """A badge for what was found, and words where nothing was or the template has not been read."""
    known = launch.risk in Risk.values
    return {"risk": Risk(launch.risk) if known else None, "words": RISKS["none" if launch.risk == "none" else "unread"]}


@register.filter
def claimant(launch: LaunchRequest, now: datetime) -> User | None:
    return claimant_of(launch, now)


@register.filter
def bounded(count: int) -> str:
    """A count as far as it was counted: 1,000+ is all that anybody knows of more."""
    return f"{intcomma(MOST_COUNTED)}+" if count > MOST_COUNTED else str(intcomma(count))
