"""The desk's database, read by the runner itself: a new `manage.py` costs a second a question."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from approvals.models import LaunchRequest


def connect(environment: Mapping[str, str]) -> None:
    """Make this process a reader of the desk's database; once, before anything else here."""
    import django

    os.environ.update({**environment, "GATEHOUSE_LOG_LEVEL": "WARNING"})
    django.setup()


def open_stacks() -> set[str]:
    """Stack ids of the launches that wait at the desk."""
    from approvals.choices import OPEN_STATES
    from approvals.models import LaunchRequest

    return set(LaunchRequest.objects.filter(state__in=OPEN_STATES).values_list("stack_id", flat=True))


def requests_of(stack_id: str) -> "list[LaunchRequest]":
    """What was asked about a stack as it is at this moment, the launch first, then its updates."""
    from approvals.models import LaunchRequest

    return list(LaunchRequest.objects.filter(stack_id=stack_id).order_by("pk"))


def was_decided() -> bool:
    """Whether anybody ever approved anything here."""
    from approvals.choices import State
    from approvals.models import LaunchRequest

    return LaunchRequest.objects.filter(state=State.APPROVED).exists()
