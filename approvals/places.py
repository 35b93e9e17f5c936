"""Where launches come from is watched, as far as the desk may."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max

from approvals.models import LaunchRequest
from catalog import places


def look_for_places(now: datetime) -> None:
    """Watch where launches come from, as far as the desk may, and read at once where a new one is nameless."""
    places.ensure(now, origins())
    newest = LaunchRequest.objects.nameless().aggregate(newest=Max("opened_at"))["newest"]
    if newest is not None:
        places.hurry(now, newest)


def origins() -> set[tuple[str, str]]:
    """Every (account, region) of a request: from one to the next in their index, however many requests there are."""
    in_order = LaunchRequest.objects.order_by("account", "region").values_list("account", "region")
    found: set[tuple[str, str]] = set()
    last = in_order.first()
    while last is not None:
        found.add(last)
        account, region = last
        last = in_order.filter(account=account, region__gt=region).first()
        last = last or in_order.filter(account__gt=account).first()
    return found
