"""What every verb shares: the locked row, clean text, and the way a request moves and closes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction

from approvals.actor import Actor
from approvals.choices import HoldStatus, SignalStatus, State
from approvals.errors import Refused, Why
from approvals.lifecycle import Action, next_state
from approvals.models import Hold, LaunchRequest
from approvals.rules import check, refusal

MAX_TEXT = 4000
_JOINERS = "\u200c\u200d"


@contextmanager
def locked(pk: int) -> Iterator[LaunchRequest]:
    """The request under its row lock, in one durable transaction. Lock order: request, hold, signal, chain."""
    with transaction.atomic(durable=True):
        try:
            request = LaunchRequest.objects.select_for_update(of=("self",)).get(pk=pk)
        except LaunchRequest.DoesNotExist:
            raise Refused(Why.NOT_FOUND) from None
        yield request


def clean_text(text: str, *, required: bool) -> str:
    """Text as people wrote it, without control characters PostgreSQL or a reader would choke on."""
    cleaned = "".join(_kept(char) for char in text.replace("\r\n", "\n")).strip().strip(_JOINERS)
    if required and not cleaned:
        raise Refused(Why.TEXT_MISSING)
    if len(cleaned) > MAX_TEXT:
        raise Refused(Why.TEXT_TOO_LONG, limit=MAX_TEXT)
    return cleaned


def _kept(char: str) -> str:
    """Spaces of other scripts become plain ones; joiners that emoji, Persian and Indic words need stay."""
    if unicodedata.category(char) == "Zs":
        return " "
    return char if char in "\n\t" or char in _JOINERS or char.isprintable() else ""


def permit(actor: Actor, request: LaunchRequest, action: Action, now: datetime) -> State:
    """The state the action leads to; raises `Refused` when the lifecycle or the actor's rights forbid it."""
    if actor.person is not None:
        check(actor.person, request, action, now)
    target = next_state(State(request.state), action)
    if target is None:
        raise refusal(Why.CLOSED if not request.is_open else Why.NOT_LEGAL, request)
    return target


def move(request: LaunchRequest, target: State, now: datetime) -> None:
    """Save the new state; `closed_at` is set exactly once, when it is terminal."""
    request.state = target
    if not request.is_open:
        request.closed_at = now
    request.save(update_fields=["state", "closed_at"])


def open_hold(request: LaunchRequest) -> Hold | None:
    return request.holds.select_for_update().filter(status=HoldStatus.OPEN).first()


def wipe_urls(request: LaunchRequest, now: datetime) -> None:
    """Destroy the capability once nobody will use it: the request is closed and no signal is on its way."""
    if not request.is_open and SignalStatus(request.signal).is_settled:
        request.holds.filter(url_encrypted__isnull=False).exclude(signal__status=SignalStatus.GIVEN_UP).update(
            url_encrypted=None, wiped_at=now
        )
