"""Who has a request open, told to those who decide on it.

Invariant: only people of the desk are noted and shown. Requesters never see who looks, and nobody sees them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from approvals import rules
from approvals.models import LaunchRequest, Presence
from portal.accounts.models import User

LOOKING = timedelta(seconds=30)
# A page asks every few seconds; one sign of life in between is enough.
_BETWEEN = timedelta(seconds=10)
_KEPT = timedelta(days=1)
_MOST_SHOWN = 10


def look(launch: LaunchRequest, person: User, now: datetime) -> list[User]:
    """This person has it before them; returns who else looks at it now, by name. Nothing of either for somebody who
    may not know."""
    if not _is_of_the_desk(launch, person):
        return []
    looking = Presence.objects.filter(request=launch, seen_at__gt=now - LOOKING).select_related("person")
    rows = list(looking.order_by("person__name", "person__email")[: _MOST_SHOWN + 1])
    if not any(row.person_id == person.pk and row.seen_at > now - _BETWEEN for row in rows):
        _note(launch, person, now)
    return [row.person for row in rows if row.person_id != person.pk][:_MOST_SHOWN]


def first_seen(launch: LaunchRequest, now: datetime) -> None:
    """Somebody who may decide has the page before them: the first time is kept, for the requester to see."""
    if launch.first_seen_at is None:
        LaunchRequest.objects.filter(pk=launch.pk, first_seen_at=None).update(first_seen_at=now)


def forget(now: datetime) -> int:
    """Delete what is long over; returns how many there were."""
    return Presence.objects.filter(seen_at__lt=now - _KEPT).delete()[0]


def _note(launch: LaunchRequest, person: User, now: datetime) -> None:
    Presence.objects.bulk_create(
        [Presence(request=launch, person=person, seen_at=now)],
        update_conflicts=True,
        unique_fields=["request", "person"],
        update_fields=["seen_at"],
    )


def _is_of_the_desk(launch: LaunchRequest, person: User) -> bool:
    if rules.is_own(person, launch):
        return False
    return person.is_administrator or LaunchRequest.objects.routed_to(person).filter(pk=launch.pk).exists()
