"""What every verb shares: the locked row, clean text, and the way a request moves and closes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, transaction

from approvals.actor import Actor
from approvals.choices import UNSENT, HoldStatus, Outcome, State
from approvals.errors import Refused, Why
from approvals.facts import HoldFacts
from approvals.lifecycle import Action, next_state
from approvals.models import Hold, LaunchRequest
from approvals.rules import check, refusal
from approvals.sealing import seal

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


def lock_stack(stack_id: str) -> None:
    """All messages about one stack are taken one after another, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [stack_id])


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


def hold_of(request: LaunchRequest, facts: HoldFacts, now: datetime) -> Hold:
    """Keep what CloudFormation waits on. An unusable URL is not kept at all: its digest and the reason are."""
    return Hold.objects.create(
        request=request,
        kind=facts.kind,
        status=HoldStatus.UNUSABLE if facts.unusable else HoldStatus.OPEN,
        unusable_reason=facts.unusable[:300],
        dedupe_key=facts.dedupe_key,
        fingerprint=request.fingerprint,
        url_encrypted=None if facts.unusable else seal(facts.url),
        url_sha256=facts.url_sha256,
        url_expires_at=facts.expires_at,
        handle_logical_id=facts.handle,
        wait_logical_id=facts.wait,
        response_request_id=facts.request_id,
        physical_id=facts.physical_id,
        email_decisions=facts.email_decisions,
        timeout_seconds=facts.timeout,
        opened_at=now,
        deadline=facts.deadline,
    )


def open_hold(request: LaunchRequest) -> Hold | None:
    return request.holds.select_for_update().filter(status=HoldStatus.OPEN).first()


def outcome_of_nothing(request: LaunchRequest, now: datetime) -> None:
    """The update that asked is over, and everything is as it was: so says the outcome of a request closed now."""
    request.outcome, request.outcome_at = Outcome.ROLLED_BACK, now
    request.save(update_fields=["outcome", "outcome_at"])


def wipe_urls(request: LaunchRequest, now: datetime) -> None:
    """Destroy the capabilities nobody will use: the request is closed and no signal with them is on its way.

    One that was given up keeps its URL until it expires: an administrator may have it sent again.
    """
    if not request.is_open:
        urls = request.holds.filter(url_encrypted__isnull=False).exclude(signal__status__in=UNSENT)
        urls.update(url_encrypted=None, wiped_at=now)
