"""What somebody had before them when they decided: a stale page never decides.

Invariant: two tokens of a request are equal exactly while everything a decision rests on is the same. The page puts
the token of what it shows into its forms, the verb compares it under the row lock. A token holds numbers, codes and
digests, so that what changed since can be told from it; whoever makes one up only cheats themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields

from django.utils.translation import gettext as _

from approvals.canonical import digest
from approvals.choices import ReadingStatus
from approvals.models import LaunchRequest
from approvals.review import grounds, trail
from approvals.review.grounds import Grounds

_MOST_TOLD = 8


@dataclass(frozen=True, slots=True)
class Consent:
    """What a decision made on the request's page brings along: the token of what the page showed, the name that was
    typed, and whether the person proved a moment ago who they are."""

    seen: str
    typed_name: str = ""
    is_fresh: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything a decision rests on, in short. `events`: how many of those that are told had happened."""

    events: str
    state: str
    facts: str
    who: str
    hold: str
    disputed: str
    read: str
    said: str
    stage: str
    sensitive: str

    @property
    def token(self) -> str:
        return "~".join(astuple(self))

    @classmethod
    def from_token(cls, token: str) -> Seen | None:
        """None for what no page of this release ever carried."""
        parts = token.split("~")
        fits = len(parts) == len(fields(cls)) and re.fullmatch("[0-9]{1,6}", parts[0])
        return cls(*parts) if fits else None


def token(launch: LaunchRequest) -> str:
    """What the forms of its page carry for those who decide."""
    return now_seen(launch).token


def tokens(launches: Iterable[LaunchRequest]) -> dict[int, str]:
    """The token of each by its key, with as many queries as for one."""
    rows = list(launches)
    found = grounds.of(rows)
    return {one.pk: _seen(one, found[one.pk]).token for one in rows}


def now_seen(launch: LaunchRequest, *, inside: bool = True) -> Seen:
    """As things stand. `inside`: whether notes and alarms count, which requesters hear nothing of."""
    return _seen(launch, grounds.of([launch], inside=inside)[launch.pk])


def _seen(launch: LaunchRequest, found: Grounds) -> Seen:
    last, edited = found.said
    return Seen(
        events=str(found.events),
        state=launch.state,
        facts=_short([launch.fingerprint, launch.kind, launch.is_complete]),
        who=_short(
            [
                launch.requester_id,
                launch.requester_verified,
                launch.updater_arn,
                launch.principal_arn,
                launch.typed_email,
            ]
        ),
        hold="-".join(map(str, found.hold or ("none",))),
        disputed=str(int(found.disputed)),
        read=stage_of(found.reading),
        said=f"{last}-{int(edited.timestamp() * 1000) if edited else 0}",
        stage=str(found.stage),
        sensitive=_short([[one.subject, one.value, one.name] for one in found.marks]),
    )


def changes(launch: LaunchRequest, seen: str, *, inside: bool = True) -> list[str]:
    """What has changed since a page with this token was shown, as sentences; empty when nothing has."""
    then, today = Seen.from_token(seen), now_seen(launch, inside=inside)
    if then is None:
        return [_("The page did not say what it had shown you.")]
    if then == today:
        return []
    told = [*_happened(launch, int(then.events), inside=inside), *_compared(then, today)]
    return told or [_("What this decision rests on has changed.")]


def stage_of(status: str | None) -> str:
    if status is None or status == ReadingStatus.GIVEN_UP:
        return "not"
    return "read" if status == ReadingStatus.READ else "waiting"


def _happened(launch: LaunchRequest, before: int, *, inside: bool) -> list[str]:
    """The trail only grows, so what came after the first `before` events is what is new."""
    fresh = trail.changes([launch.pk], inside=inside).select_related("actor", "on_behalf_of").prefetch_related("texts")
    events = list(fresh.order_by("number")[before:][:_MOST_TOLD])
    return [one.sentence for one in trail.told(events, inside=inside)]


def _compared(then: Seen, today: Seen) -> Iterator[str]:
    """What no event of the request tells."""
    if then.read != today.read:
        yield {
            "read": _("The template has been read meanwhile."),
            "not": _("The template could not be read."),
        }.get(today.read, _("The template is being read once more."))
    if then.disputed < today.disputed:
        yield _("The stack was announced with different facts.")
    if then.disputed > today.disputed:
        yield _("An administrator has looked at the alarm about different facts.")
    if then.sensitive != today.sensitive:
        yield _("What is marked as sensitive has changed.")


def _short(value: object) -> str:
    return digest(value)[:12]
