"""Whether the hub is deployed and answers: stack, signing key, queue, and the table of decisions.

The doctor's checks, by the web process on demand and by the worker whenever it looks. Of the two the newer one that
could look counts: the web process may lack rights that the worker has.
"""

from __future__ import annotations

import queue
import threading
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.urls import reverse
from django.utils.translation import gettext as _

from approvals.doctor import keeping, running
from approvals.doctor.findings import Finding, Severity
from approvals.models import LaunchRequest
from approvals.setup.steps import Standing, Step
from catalog import aws

CODES = ("hub_stack", "signing_key", "desk_queue", "decisions_table")
SECONDS = 3.0
_KEY, _KEPT_SECONDS = "setup-hub", 30 * 24 * 3600


def step(_now: datetime) -> Step:
    """From the last looks; nobody is asked now. Where they tell nothing, a launch that came through the hub does."""
    looks = sorted(_looks(), key=lambda look: look[0], reverse=True)
    found = [_last(code, looks) for code in CODES]
    standing, seen = _standing(found), _seen(found)
    if standing is Standing.UNKNOWN and LaunchRequest.objects.exists():
        standing, seen = Standing.DONE, (_("Launches have come through it."),)
    return Step(
        code="hub",
        title=_("The hub is deployed"),
        why=_("Its stack brings topic, queue, functions and the key that signs: through it launches reach the desk."),
        standing=standing,
        seen=seen,
        todo=_(
            "Have it checked. If it is not there yet, deploy it into the desk's account and region, from a checkout of "
            "Gatehouse and with the role of your worker. It prints its outputs: give them to the desk as settings, "
            "restart its processes, and have it checked again."
        ),
        commands=(_command(),),
        links=((_("What the doctor sees"), reverse("doctor")),),
        action="check",
    )


def _command() -> str:
    region = aws.own_region() or "eu-west-1"
    return (
        f'make deploy-hub PROFILE=admin REGION={region} ARGS="--parameter DeskUrl={settings.GATEHOUSE_DESK_URL} '
        '--parameter WorkerRoleArn=arn:aws:iam::111122223333:role/desk-worker"'
    )


def look_now(now: datetime) -> None:
    """Ask AWS, for `SECONDS` at most; what answers later is left behind."""
    answers: queue.SimpleQueue[running.Report] = queue.SimpleQueue()
    threading.Thread(target=_look, args=(answers, now), name="setup-hub", daemon=True).start()
    try:
        _keep(answers.get(timeout=SECONDS))
    except queue.Empty:
        late = [_late(code) for code in CODES]
        _keep(running.Report(now, SECONDS, late))


def _look(answers: queue.SimpleQueue[running.Report], now: datetime) -> None:
    try:
        answers.put(running.run(now, only=CODES, budget=SECONDS - 0.5))
    finally:
        connection.close()


def _late(code: str) -> Finding:
    return Finding(code, Severity.WARNING, "", running.LATE, "", running.LATE_REMEDY, {"seconds": int(SECONDS)})


def _keep(report: running.Report) -> None:
    findings = [one.kept() for one in report.findings]
    cache.set(_KEY, {"at": report.at, "findings": findings}, _KEPT_SECONDS)


def _last(code: str, looks: list[tuple[datetime, list[Finding]]]) -> list[Finding]:
    """What is known of one check: of the looks that could look the newest, else of those that could not. `looks`: the
    newest first."""
    mine = [[one for one in findings if one.code == code] for _at, findings in looks]
    mine = [findings for findings in mine if findings]
    told = [findings for findings in mine if not any(one.sentence in running.NOT_LOOKED for one in findings)]
    return (told or mine or [[]])[0]


def _looks() -> list[tuple[datetime, list[Finding]]]:
    kept: dict[str, Any] | None = cache.get(_KEY)
    looks = []
    if kept is not None:
        findings = [Finding.from_kept(one) for one in kept["findings"]]
        looks.append((kept["at"], findings))
    if (report := keeping.last()) is not None:
        looks.append((report.at, report.findings))
    return looks


def _standing(found: list[list[Finding]]) -> Standing:
    troubles = [one for findings in found for one in findings if one.severity.exit_code]
    if any(one.sentence not in running.NOT_LOOKED for one in troubles):
        return Standing.TODO
    return Standing.UNKNOWN if troubles or not all(found) else Standing.DONE


def _seen(found: list[list[Finding]]) -> tuple[str, ...]:
    if not any(found):
        return (_("Nobody has looked yet."),)
    return tuple(_said(one) for findings in found for one in findings if one.severity.exit_code)


def _said(finding: Finding) -> str:
    return " ".join(text for text in (finding.heading, finding.seen, finding.advice) if text)
