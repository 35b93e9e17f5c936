"""`make corpus`: gates every template of a folder of real ones, and checks each by means of its own.

GATEHOUSE_CORPUS names the folder, else it is ../shared/corpus. For each gated or wrapped template: nothing can be made
before approval (`benchmarks.leaks`), ungating gives the original back, gating twice changes nothing, notify reads the
gate, and cfn-lint finds nothing new. Milliseconds of gating stand beside cfn-lint's on the same file in the same
process. Exits 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

from django.conf import settings

from benchmarks.leaks import made_before_approval, read
from catalog.gating import Options, Verdict, gate, ungate

ROOT = Path(__file__).resolve().parents[1]
WRAP = "https://templates.s3.eu-west-1.amazonaws.com/{sha256}.template?versionId=3HL4kqtJlcpXroDTDmJ"
SUFFIXES = {".yaml", ".yml", ".json", ".template"}
_ROUNDS = 3


@dataclass
class Row:
    """What became of one template. `wrong` must be empty."""

    name: str
    verdict: str
    reason: str = ""
    gate_ms: float = 0.0
    lint_ms: float = 0.0
    wrong: list[str] = field(default_factory=list)


def folder() -> Path:
    return Path(os.environ.get("GATEHOUSE_CORPUS") or ROOT.parent / "shared" / "corpus")


def templates(where: Path) -> list[Path]:
    return sorted(path for path in where.rglob("*") if path.suffix in SUFFIXES and path.is_file())


def examined(path: Path, *, classic: bool = False, lints: bool = True, rounds: int = _ROUNDS) -> Row:
    """Gate one template and check what came out."""
    if not settings.configured:
        settings.configure(USE_I18N=False)
    data, options = path.read_bytes(), Options(classic=classic, wrap=WRAP)
    times = []
    for _round in range(rounds):
        start = time.perf_counter()
        result = gate(data, options, path.name)
        times.append((time.perf_counter() - start) * 1000)
    row = Row(path.name, result.verdict.value, result.reason, median(times))
    if result.verdict in (Verdict.GATED, Verdict.WRAPPED) and result.output:
        row.wrong = list(_wrong(data, result.output, options, is_wrapper=result.verdict is Verdict.WRAPPED))
    if lints:
        before, row.lint_ms = _linted(data)
        if result.output:
            new = _linted(result.output)[0] - before
            row.wrong += [f"cfn-lint: {rule} {text}" for rule, text in new]
    return row


def _wrong(data: bytes, output: bytes, options: Options, *, is_wrapper: bool) -> Any:
    gate_ids = {name for name in read(output)["Resources"] if name.startswith("Approval")}
    if leaks := {name for name in made_before_approval(output) if name not in gate_ids}:
        yield f"made before approval: {', '.join(sorted(leaks))}"
    if not is_wrapper and ungate(output) != (data, True):
        yield "ungating does not give the original"
    again = gate(output, options)
    if again.verdict is not Verdict.ALREADY or again.output != output:
        yield "gating twice changes something"
    if trouble := unread_by_notify(output):
        yield trouble


def unread_by_notify(output: bytes) -> str:
    """What notify's small reader makes of the gate otherwise than it is; empty if nothing."""
    from lambdas.notify.template import tree_of

    template, text = read(output), output.decode("utf-8-sig")
    is_json = text.lstrip().startswith("{")
    if is_json and "\n#" in text:
        return ""
    seen = tree_of(template if is_json else text).get("Resources", {})
    for name, body in template["Resources"].items():
        if body.get("Type") in ("Custom::NotificationFunction", "AWS::CloudFormation::WaitCondition"):
            theirs = seen.get(name, {}).get("Properties", {})
            for key in ("WaitUrl", "EmailID", "Handle", "GateUpdates", "ServiceTimeout", "Timeout", "Parameters"):
                if str(theirs.get(key)) != str(body["Properties"].get(key)):
                    return f"notify reads {key} of {name} as {theirs.get(key)!r}"
    return ""


def _linted(data: bytes) -> tuple[Counter[tuple[str, str]], float]:
    """cfn-lint's findings, counted, and milliseconds."""
    # It takes seconds to import, and has no types.
    lint: Any = import_module("cfnlint.api").lint

    text = data.decode("utf-8-sig")
    start = time.perf_counter()
    found = lint(text, regions=["us-east-1"])
    # Some findings list every resource there is.
    told = Counter((one.rule.id, one.message.partition(" is not one of ")[0]) for one in found)
    return told, (time.perf_counter() - start) * 1000


def table(rows: list[Row], *, lints: bool) -> str:
    """What `make corpus` prints."""
    lines = [f"{row.name}: {one}" for row in rows for one in row.wrong]
    lines += [f"refused: {row.reason}" for row in rows if row.verdict == Verdict.REFUSED]
    counted = Counter(row.verdict for row in rows)
    done = sum(counted[verdict] for verdict in (Verdict.GATED, Verdict.WRAPPED, Verdict.ALREADY))
    lines += ["", f"{'verdict':<10}{'templates':>10}", *(f"{v.value:<10}{counted[v]:>10}" for v in Verdict)]
    lines.append(f"{'wrong':<10}{sum(bool(row.wrong) for row in rows):>10}")
    lines.append(f"{done} of {len(rows)} gated or wrapped: {done / max(len(rows), 1):.1%}")
    lines.append(f"median of gating: {median(row.gate_ms for row in rows):.0f} ms a template")
    if lints:
        share = median(row.gate_ms / row.lint_ms for row in rows if row.lint_ms)
        lines.append(
            f"median of cfn-lint: {median(row.lint_ms for row in rows):.0f} ms; gating takes {share:.1%} of it"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classic", action="store_true", help="gates of three resources, without a receipt")
    parser.add_argument("--no-lint", action="store_true", help="without cfn-lint, which takes most of the time")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="templates with this in their name")
    asked = parser.parse_args()
    found = [path for path in templates(folder()) if asked.only in path.name]
    if not found:
        print(f"There are no templates in {folder()}.")
        return 2
    work = partial(examined, classic=asked.classic, lints=not asked.no_lint)
    with ProcessPoolExecutor(asked.jobs) as pool:
        rows = list(pool.map(work, found))
    print(table(rows, lints=not asked.no_lint))
    return int(any(row.wrong for row in rows))


if __name__ == "__main__":
    sys.exit(main())
