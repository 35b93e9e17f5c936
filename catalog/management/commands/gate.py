"""`manage.py gate`: put the approval gate into templates, take it out, or check what it holds.

It needs no database and asks nobody. The exit status is 0 for in order, 1 where `--check` found something, 2 for what
could not be done: then the sentence on standard error names file and line, and nothing was written for that file.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from catalog.gating import BadOption, Options
from catalog.gating.batch import BadRequest, Outcome, Work, check_report, outcomes, works, write_report

_BAD = 2


class Command(BaseCommand):
    help = "Put the approval gate into templates, take it out, or check what it holds. Asks neither AWS nor the desk."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = (
            "Exit status: 0 in order, 1 where --check found something, 2 for what could not be done. "
            "Example: manage.py gate wordpress.yaml -o wordpress.gated.yaml"
        )
        parser.add_argument("templates", nargs="+", type=Path, metavar="TEMPLATE", help="files, or folders of them")
        doing = parser.add_mutually_exclusive_group()
        doing.add_argument("--check", action="store_true", help="write nothing; exit 1 if anything is not held")
        doing.add_argument("--ungate", action="store_true", help="take the gate out again")
        where = parser.add_mutually_exclusive_group()
        where.add_argument("-o", "--output", type=Path, metavar="OUT", help="for one template; else standard output")
        where.add_argument("--out-dir", type=Path, metavar="DIR", help="for many: the same names in this folder")
        parser.add_argument("--report", type=Path, metavar="FILE.json", help="what became of each template")
        gate = parser.add_argument_group("the gate")
        gate.add_argument("--classic", action="store_true", help="three resources, no receipt")
        gate.add_argument("--timeout", type=int, default=Options().timeout, metavar="SECONDS", help="10 to 43200")
        gate.add_argument("--no-gate-updates", action="store_true", help="updates of parameters alone ask nobody")
        gate.add_argument("--service-token", metavar="TOKEN", help="ARN, REGION=ARN,…, import:EXPORT or JSON")
        gate.add_argument("--verify-token", metavar="TOKEN", help="the same for the function that checks receipts")
        gate.add_argument("--email-parameter", default="", metavar="NAME", help="the requester's address")
        gate.add_argument("--upgrade", action="store_true", help="put ours in place of a gate written by hand")
        gate.add_argument("--wrap", metavar="URL", help="for SAM, macros, modules: where it is, with {sha256}")

    @translation.override("en")
    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            asked = _options(options)
            doing = "check" if options["check"] else "ungate" if options["ungate"] else "gate"
            todo = works(options["templates"], options["output"], options["out_dir"], is_check=options["check"])
            _check_request(options, todo)
            if options["report"]:
                check_report(options["report"], todo)
        except (BadOption, BadRequest) as error:
            raise CommandError(str(error), returncode=_BAD) from None
        report = []
        for outcome in outcomes(todo, asked, doing):
            self._tell(outcome, doing, shows=not options["output"] and not options["out_dir"])
            report.append(outcome)
        if len(report) > 1:
            self._sum_up(report, is_reported=bool(options["report"]))
        if options["report"]:
            try:
                write_report(options["report"], report)
            except OSError as error:
                raise CommandError(
                    f"The report cannot be written: {error.strerror or type(error).__name__}.", returncode=_BAD
                ) from None
        if status := max((outcome.status for outcome in report), default=0):
            sys.exit(status)

    def _tell(self, outcome: Outcome, doing: str, *, shows: bool) -> None:
        if outcome.of_many:
            # A line each: of the rest the report has everything.
            stream = self.stdout if doing == "check" and not outcome.reason else self.stderr
            stream.write(outcome.reason or _in_short(outcome))
            return
        if doing == "check":
            for line in [*outcome.found, *outcome.notes]:
                self.stdout.write(line)
        elif outcome.data is not None and shows:
            self._show(outcome.data)
        if outcome.reason:
            for line in dict.fromkeys([outcome.reason, *outcome.found]):
                self.stderr.write(line)
        elif doing != "check":
            for note in outcome.notes:
                self.stderr.write(f"{outcome.name}: {note}")

    def _sum_up(self, report: list[Outcome], *, is_reported: bool) -> None:
        counts = Counter(outcome.verdict for outcome in report)
        told = ", ".join(f"{number} {verdict}" for verdict, number in counts.most_common())
        self.stderr.write(f"{len(report)} templates: {told}")
        if not is_reported and any(outcome.found or outcome.notes for outcome in report):
            self.stderr.write("The details of one: give it alone. Of all: give --report FILE.json.")

    def _show(self, data: bytes) -> None:
        binary = getattr(self.stdout, "buffer", None)
        if binary is None:
            self.stdout.write(data.decode(), ending="")
        else:
            binary.write(data)
            binary.flush()


def _in_short(outcome: Outcome) -> str:
    number = len(outcome.found)
    more = f", {number} {'thing is' if number == 1 else 'things are'} not held" if number else ""
    return f"{outcome.name}: {outcome.verdict}{more}"


def _options(given: dict[str, Any]) -> Options:
    return Options(
        classic=given["classic"],
        timeout=given["timeout"],
        gate_updates=not given["no_gate_updates"],
        service_token=given["service_token"],
        verify_token=given["verify_token"],
        email_parameter=given["email_parameter"],
        wrap=given["wrap"],
        upgrade=given["upgrade"],
    )


def _check_request(given: dict[str, Any], todo: list[Work]) -> None:
    if given["check"] and (given["output"] or given["out_dir"]):
        raise BadRequest("--check writes no templates: leave -o and --out-dir out.")
    if len(todo) > 1 and given["output"]:
        raise BadRequest("-o is for one template. Give --out-dir DIR for many.")
    if len(todo) > 1 and not (given["out_dir"] or given["report"] or given["check"]):
        raise BadRequest("There is more than one template. Give --out-dir DIR, or --report FILE.json to only look.")
