"""The parameters of a request, as reading its template needs them."""

from __future__ import annotations

from approvals.choices import Outcome
from approvals.models import LaunchRequest
from catalog.reading import pseudo


def given(request: LaunchRequest) -> dict[str, str]:
    """Values by name, hidden ones as "****"; those too long to be carried along are missing. And what the stack's
    own ARN says of account, region and name."""
    values = {one["name"]: one["value"] for one in request.parameters if one.get("value") is not None}
    return values | dict(pseudo(request.stack_id))


def before(request: LaunchRequest) -> LaunchRequest | None:
    """What the stack was launched or last updated with, as far as the desk has seen it."""
    earlier = LaunchRequest.objects.filter(stack_id=request.stack_id, outcome=Outcome.LAUNCHED, pk__lt=request.pk)
    return earlier.order_by("-outcome_at", "-pk").first()
