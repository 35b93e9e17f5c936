"""Runs the checks side by side, each alone: whatever one does, the others report.

Each waits for AWS most of its time, so they share a few threads. A check that raises, lacks a right or is not
done when the time is up becomes a finding; its thread is left behind (a daemon) and closes its own database
connection. A report never holds the words of an error, which may quote a URL, only its code.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from botocore.exceptions import BotoCoreError, ClientError
from django.db import connection
from django.utils.translation import gettext_noop as _

from approvals.doctor.findings import Finding, Severity, problem
from approvals.doctor.registry import Check, checks
from approvals.doctor.visit import Denied, Place, Round, Visit, code_of
from catalog import aws
from portal.phrases import Fact, Phrase

BUDGET_SECONDS = 20.0
HANDS = 12

DENIED = _("Could not look: the right %(action)s is missing.")
DENIED_REMEDY = _("Give %(role)s the right %(action)s in %(place)s, or look with a role that has it.")
ASKED = _("Could not look: AWS answered %(error)s.")
ASKED_REMEDY = _("Try again; when it stays, look up the code in the AWS documentation of the service.")
FAILED = _("Could not look: the check itself failed (%(error)s).")
FAILED_REMEDY = _("Try again; when it stays, the worker's log has the details: please report them.")
LATE = _("Could not look: no answer within %(seconds)s seconds.")
LATE_REMEDY = _("Try again; when it stays, check the network's way from here to AWS and to the database.")

# What a finding says whose check could not look, and of these what only says that nobody answered.
NOT_LOOKED = frozenset({DENIED, ASKED, FAILED, LATE})
UNANSWERED = frozenset({ASKED, LATE})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """Findings, the gravest first. `at` is when it began, `seconds` how long it took."""

    at: datetime
    seconds: float
    findings: list[Finding]

    @property
    def worst(self) -> Severity:
        return max((finding.severity for finding in self.findings), key=lambda one: one.rank, default=Severity.OK)


def run(
    now: datetime, *, only: Collection[str] = (), by_worker: bool = False, budget: float = BUDGET_SECONDS
) -> Report:
    """Look at everything, or at the codes in `only`. Never raises."""
    began, round_ = time.monotonic(), Round(now, by_worker=by_worker)
    chosen = [check for code, check in checks().items() if not only or code in only]
    work: queue.SimpleQueue[tuple[Check, Place | None]] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Check, Place | None, list[Finding]]] = queue.SimpleQueue()
    others = _others(round_) if any(check.everywhere for check in chosen) else []
    waiting = {(check.code, place): check for check in chosen for place in _places(check, others)}
    for (_code, place), check in waiting.items():
        work.put((check, place))
    for number in range(min(HANDS, len(waiting))):
        threading.Thread(target=_work, args=(work, done, round_), name=f"doctor-{number}", daemon=True).start()
    found: list[Finding] = []
    while waiting:
        try:
            check, place, findings = done.get(timeout=max(0.0, began + budget - time.monotonic()))
        except queue.Empty:
            break
        found += findings
        del waiting[check.code, place]
    found += [_unseen(check, place, LATE, LATE_REMEDY, seconds=round(budget)) for (_c, place), check in waiting.items()]
    order = list(checks())
    found.sort(key=lambda one: (-one.severity.rank, order.index(one.code), one.about))
    return Report(now, time.monotonic() - began, found)


def _places(check: Check, others: list[Place]) -> Iterable[Place | None]:
    return [None, *others] if check.everywhere else [None]


def _others(round_: Round) -> list[Place]:
    """Beside the hub's place, which a check finds by itself so that it can say what is in its way."""
    try:
        return round_.readable()[1:]
    except Exception:  # noqa: BLE001 - each check says so for itself
        return []


def _work(work: queue.SimpleQueue[Any], done: queue.SimpleQueue[Any], round_: Round) -> None:
    try:
        while True:
            check, place = work.get_nowait()
            done.put((check, place, _look(check, Visit(round_, place))))
    except queue.Empty:
        pass
    finally:
        connection.close()


def _look(check: Check, visit: Visit) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(check.finding(one) for one in check.look(visit))
    except Denied as denied:
        light = Severity.INFO if denied.place.account != visit.round.home.account else None
        place, role = denied.place, _role(denied.place)
        facts: dict[str, Fact] = {"action": denied.action, "role": role, "place": str(place)}
        found.append(_unseen(check, place, DENIED, DENIED_REMEDY, severity=light, **facts))
    except ClientError as error:
        found.append(_unseen(check, visit.place, ASKED, ASKED_REMEDY, error=code_of(error)))
    except BotoCoreError as error:
        found.append(_unseen(check, visit.place, ASKED, ASKED_REMEDY, error=type(error).__name__))
    except Exception as error:  # noqa: BLE001 - one check must not end the others
        log.warning("a check of the doctor failed", check=check.code, error=type(error).__name__)
        found.append(_unseen(check, visit.place, FAILED, FAILED_REMEDY, error=type(error).__name__))
    return found or [check.in_order(str(visit.place or ""))]


def _unseen(
    check: Check,
    place: Place | None,
    seen: str,
    remedy: str,
    /,
    *,
    severity: Severity | None = None,
    **facts: Fact,
) -> Finding:
    about = str(place or "")
    return check.finding(problem(seen, about=about, remedy=remedy, severity=severity or Severity.WARNING, **facts))


def _role(place: Place) -> str | Phrase:
    """Who the right has to be given to: the role this process acts as there."""
    try:
        arn = str(place.client("sts").get_caller_identity()["Arn"])
    except (ClientError, BotoCoreError):
        is_own = place.account == aws.own_account()
        return Phrase("the desk's role") if is_own else aws.reader_role(place.account, place.region)
    head, _slash, session = arn.partition(":assumed-role/")
    if not session:
        return arn
    return f"{head.replace(':sts:', ':iam:')}:role/{session.partition('/')[0]}"
