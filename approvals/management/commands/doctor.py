"""`manage.py doctor`: what is wrong, why it matters, what to do. It only reads.

The exit status is that of the gravest finding: 0 in order or to know, 1 warning, 2 critical. `--json` prints
{"at": RFC 3339, "seconds": number, "worst": severity, "findings": [{"code", "severity" (ok, info, warning or
critical), "title", "seen", "why", "remedy", "about"}]}, in English and with nothing else on standard output.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from textwrap import fill
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from approvals.doctor.findings import Finding, Severity
from approvals.doctor.registry import checks
from approvals.doctor.running import Report, run
from portal.clock import now

_WIDTH = 100
_MARKS = {Severity.OK: "ok", Severity.INFO: "INFO", Severity.WARNING: "WARNING", Severity.CRITICAL: "CRITICAL"}


class Command(BaseCommand):
    help = "Say what is wrong with the desk and its AWS side, why it matters and what to do. Reads only."
    # They are one of the checks.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="the machine form")
        parser.add_argument("--only", nargs="+", default=[], metavar="CODE", help="only these checks")
        parser.add_argument(
            "--severity", choices=Severity.values, default=Severity.OK.value, help="show findings from this one up"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if unknown := sorted(set(options["only"]) - set(checks())):
            raise CommandError(f"There is no check {', '.join(unknown)}. There are: {', '.join(sorted(checks()))}.")
        report = run(now(), only=options["only"])
        least = Severity(options["severity"]).rank
        shown = [finding for finding in report.findings if finding.severity.rank >= least]
        with translation.override("en"):
            self.stdout.write(_machine(report, shown) if options["json"] else _people(report, shown))
        if report.worst.exit_code:
            sys.exit(report.worst.exit_code)


def _machine(report: Report, shown: list[Finding]) -> str:
    return json.dumps(
        {
            "at": report.at.isoformat(),
            "seconds": round(report.seconds, 1),
            "worst": report.worst.value,
            "findings": [finding.spoken() for finding in shown],
        },
        indent=2,
        ensure_ascii=False,
    )


def _people(report: Report, shown: list[Finding]) -> str:
    lines = [text for finding in shown for text in _paragraph(finding)]
    troubles = sum(finding.is_trouble for finding in report.findings)
    looks = len(report.findings) - troubles
    return "\n".join([*lines, f"{troubles} findings, {looks} checks in order, {report.seconds:.1f} s"])


def _paragraph(finding: Finding) -> list[str]:
    about = f" ({finding.about})" if finding.about else ""
    if not finding.is_trouble:
        return [f"{_MARKS[finding.severity]:<9}{finding.heading}{about}"]
    return [
        f"{_MARKS[finding.severity]:<9}{finding.heading} [{finding.code}]",
        *(_indented(label, text) for label, text in _told(finding)),
        "",
    ]


def _told(finding: Finding) -> list[tuple[str, str]]:
    told = [("seen", finding.seen), ("about", finding.about), ("why", finding.reason), ("do", finding.advice)]
    return [(label, text) for label, text in told if text]


def _indented(label: str, text: str) -> str:
    return fill(
        text,
        _WIDTH,
        initial_indent=f"    {label:<7}",
        subsequent_indent=" " * 11,
        break_long_words=False,
        break_on_hyphens=False,
    )
