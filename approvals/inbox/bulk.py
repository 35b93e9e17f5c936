"""Deciding on many: the same verb for each, one transaction each, and a sentence for each that was refused.

Invariant: each is decided as the confirmation page showed it. The page carries a token of every row
(`approvals.review.seen`); a row that has changed since, or that came without one, is refused and leaves the others
alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import OperationalError
from django.utils.translation import gettext as _

from approvals import actions
from approvals.actions.deciding import is_repeated
from approvals.actor import Actor
from approvals.errors import Refused, Why
from approvals.lifecycle import Action
from approvals.models import LaunchRequest
from approvals.review.seen import Consent

MOST = 50
VERBS: dict[str, Callable[..., LaunchRequest]] = {Action.APPROVE: actions.approve, Action.REJECT: actions.reject}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one request. `sentence` says why nothing was done, and is empty where it was."""

    pk: int
    sentence: str = ""


def picked(numbers: Iterable[str]) -> list[int]:
    """The requests that were selected, each once; what is no number is none."""
    return list(dict.fromkeys(int(one) for one in numbers if one.isascii() and one.isdigit() and len(one) < 19))


def written(tokens: Mapping[int, str]) -> str:
    """The tokens of all rows in one field, as the confirmation page carries them: "17:token 18:token"."""
    return " ".join(f"{pk}:{token}" for pk, token in tokens.items())


def tokens(said: str) -> dict[int, str]:
    """What `written` wrote; what is none of it is left out."""
    parts = (one.partition(":") for one in said.split(" "))
    return {int(pk): token for pk, _colon, token in parts if pk.isascii() and pk.isdigit() and len(pk) < 19}


def decide(
    pks: Iterable[int],
    verdict: str,
    *,
    seen: Mapping[int, str],
    actor: Actor,
    clock: Callable[[], datetime],
    reason: str,
) -> list[Result]:
    """Decide on each by itself: one that is refused, or that somebody else is at, leaves the others as they are."""
    said = {"actor": actor, "reason": reason}
    return [_one(pk, verdict, {**said, "now": clock(), "consent": Consent(seen.get(pk, ""))}) for pk in pks]


def _one(pk: int, verdict: str, said: dict[str, Any]) -> Result:
    try:
        VERBS[verdict](pk, **said)
    except Refused as refused:
        if refused.why is Why.ALREADY_DECIDED and is_repeated(pk, verdict, said["actor"].person):
            return Result(pk)
        return Result(pk, refused.sentence)
    except OperationalError as error:
        log.warning("not decided", request=pk, error=type(error).__name__)
        return Result(pk, _("Something else was at work on it. Nothing was changed; try again."))
    return Result(pk)
