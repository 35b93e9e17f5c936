"""Replies by e-mail that did not become messages, for the page of their request.

Invariant: nothing of the mail itself is shown. Its writer and the desk learn that there was one, and what to do; nobody
is told by mail.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Max
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from approvals import rules
from approvals.models import InboundMail, LaunchRequest
from approvals.replies.results import Result
from portal.accounts.models import User

_MOST = 3
_TRIED: Final = _("It cannot be read at the moment; the desk goes on trying.")
_WHY: Final[dict[str, str | Promise]] = {
    Result.SPAM: _("It was taken for spam."),
    Result.UNPROVEN: _("It could not be proven who sent it."),
    Result.SENDER: _("It came from another address than the one the question went to."),
    Result.NOT_ALLOWED: _("Nobody could write here with it when it came."),
    Result.TOO_MANY: _("Too many mails came within an hour."),
    Result.TOO_LARGE: _("It is too large."),
    Result.TOO_COSTLY: _("It could not be read."),
    Result.BROKEN: _("It could not be read."),
    Result.EMPTY: _("There was no text in it."),
    Result.UNREACHABLE: _("It was not found where mails are stored."),
}


@dataclass(frozen=True, slots=True)
class Untaken:
    """`whose`: the person its address was made for."""

    whose: User
    at: datetime
    why: str | Promise


def untaken(launch: LaunchRequest, reader: User) -> list[Untaken]:
    """The newest, oldest first; of a requester only their own. Whoever has written since has nothing to be told."""
    mails = launch.mails.filter(person__isnull=False).exclude(result__in=(Result.TAKEN, Result.AUTOMATIC))
    if rules.is_own(reader, launch):
        mails = mails.filter(person=reader)
    rows = list(mails.select_related("person").order_by("-pk")[:_MOST])[::-1]
    return list(_told(launch, rows)) if rows else []


def _told(launch: LaunchRequest, rows: list[InboundMail]) -> Iterator[Untaken]:
    written = launch.messages.filter(author__in=[row.person for row in rows]).order_by()
    since = dict(written.values("author").annotate(last=Max("written_at")).values_list("author", "last"))
    for row in rows:
        if row.person is None:
            continue
        why = _TRIED if row.result == Result.QUEUED and row.attempts > 1 else _WHY.get(row.result)
        last = since.get(row.person.pk)
        if why and (last is None or last < row.received_at):
            yield Untaken(row.person, row.received_at, why)
