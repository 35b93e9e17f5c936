"""Many templates at once, from files to files. One bad file stops nothing."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from catalog.gating.checks import found_in, notes_in
from catalog.gating.errors import NotGated
from catalog.gating.gating import gate, ungate
from catalog.gating.inspecting import inspect
from catalog.gating.options import Options
from catalog.gating.verdict import Verdict
from catalog.templates import BadTemplate
from catalog.templates.document import LARGEST

SUFFIXES = (".yaml", ".yml", ".json", ".template")
_FOUND, _BAD = 1, 2


class BadRequest(ValueError):
    """What was asked cannot be begun. The text is a sentence for the person who asked."""


@dataclass(frozen=True, slots=True)
class Work:
    """One file to read, and where its outcome goes; None for nowhere."""

    path: Path
    output: Path | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file. `status`: the exit status it asks for. `found`: what --check found, a line each."""

    name: str
    verdict: str
    output: str = ""
    reason: str = ""
    milliseconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    data: bytes | None = None
    status: int = 0
    of_many: bool = False


def works(given: list[Path], output: Path | None, out_dir: Path | None, *, is_check: bool) -> list[Work]:
    """The files to read. Raises BadRequest where there are none, two would be written to one place, or `output` is in
    no folder."""
    todo = [Work(path, _place(path, base, output, out_dir)) for one in given for path, base in _files(one)]
    if not todo:
        raise BadRequest(
            f"There is no template in {shown(given[0])}: it has no file that ends in {', '.join(SUFFIXES)}."
        )
    if output and not output.parent.is_dir():
        raise BadRequest(f"{shown(output)} cannot be written: there is no folder {shown(output.parent)}. Make it.")
    places = [work.output.resolve() for work in todo if work.output and not is_check]
    if len(set(places)) < len(places):
        raise BadRequest(
            "Two templates would be written to one file. Give them to --out-dir one folder after the other."
        )
    inputs = {work.path.resolve() for work in todo}
    if out_dir and (overwritten := inputs & set(places)):
        raise BadRequest(f"{shown(min(overwritten))} would be overwritten. Give --out-dir another folder.")
    return todo


def _files(given: Path) -> list[tuple[Path, Path]]:
    """Each file with the folder it was found under."""
    if not given.is_dir():
        return [(given, given.parent)]
    found = (path for path in sorted(given.rglob("*")) if path.suffix.lower() in SUFFIXES and path.is_file())
    return [(path, given) for path in found if not any(part.startswith(".") for part in path.relative_to(given).parts)]


def _place(path: Path, base: Path, output: Path | None, out_dir: Path | None) -> Path | None:
    return out_dir / path.relative_to(base) if out_dir else output


def outcomes(todo: list[Work], options: Options, doing: str) -> Iterator[Outcome]:
    """Do the work, file after file. `doing`: gate, ungate or check."""
    for work in todo:
        start = time.perf_counter()
        try:
            outcome = _written(work, _outcome(work, options, doing))
        except (BadTemplate, NotGated) as error:
            outcome = Outcome(shown(work.path), Verdict.REFUSED, reason=str(error), status=_BAD)
        except OSError as error:
            reason = f"{shown(work.path)}: It cannot be read: {_said(error)}."
            outcome = Outcome(shown(work.path), Verdict.REFUSED, reason=reason, status=_BAD)
        yield _timed(outcome, start, work, len(todo) > 1)


def _written(work: Work, outcome: Outcome) -> Outcome:
    """Write what there is to write."""
    if outcome.data is not None and work.output:
        try:
            write(work.output, outcome.data)
        except OSError as error:
            reason = f"{shown(work.output)}: It cannot be written: {_said(error)}."
            return Outcome(outcome.name, Verdict.REFUSED, reason=reason, status=_BAD)
    return outcome


def _said(error: OSError) -> str:
    return error.strerror or type(error).__name__


def shown(path: Path) -> str:
    """A path as text that can be printed and stored, whatever bytes its name has."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _outcome(work: Work, options: Options, doing: str) -> Outcome:
    name, data = shown(work.path), _read(work.path)
    if doing == "check":
        found = inspect(data, name)
        problems = found_in(found, name)
        verdict = "leaks" if problems else "held"
        return Outcome(name, verdict, found=problems, notes=notes_in(found, name), status=_FOUND if problems else 0)
    if doing == "ungate":
        rest, is_exact = ungate(data, name)
        note = "This is the original, to the byte." if is_exact else "The template was changed after it was gated."
        return Outcome(name, "ungated", notes=[note], data=rest)
    result = gate(data, options, name)
    notes = [str(note) for note in result.notes]
    if result.verdict is Verdict.REFUSED:
        return Outcome(name, result.verdict, reason=result.reason, notes=notes, status=_BAD)
    if result.findings:
        reason = f"{name}:1: {result.reason}"
        return Outcome(name, result.verdict, reason=reason, notes=notes, found=result.findings, status=_BAD)
    notes = [result.reason, *notes] if result.reason else notes
    return Outcome(name, result.verdict, notes=notes, data=result.output)


def _timed(outcome: Outcome, start: float, work: Work, of_many: bool) -> Outcome:
    output = shown(work.output) if work.output and outcome.data is not None else ""
    return Outcome(
        outcome.name,
        outcome.verdict,
        output,
        outcome.reason,
        round((time.perf_counter() - start) * 1000, 1),
        outcome.notes,
        outcome.found,
        outcome.data,
        outcome.status,
        of_many,
    )


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST + 1)


def check_report(path: Path, todo: list[Work]) -> None:
    """Whether the report can be written, before anything is. Raises BadRequest."""
    places = {place.resolve() for work in todo for place in (work.path, work.output) if place}
    if path.resolve() in places:
        raise BadRequest(f"The report would overwrite {shown(path)}, which is a template. Give it another name.")
    if path.is_dir():
        raise BadRequest(f"The report cannot be written: {shown(path)} is a folder.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise BadRequest(f"The report {shown(path)} cannot be written: {_said(error)}.") from None


def write_report(path: Path, report: list[Outcome]) -> None:
    """A JSON list with an object for each file."""
    rows = [
        {
            "file": one.name,
            "verdict": str(one.verdict),
            "output": one.output or None,
            "reason": one.reason,
            "milliseconds": one.milliseconds,
            "notes": one.notes,
            **({"found": one.found} if one.found else {}),
        }
        for one in report
    ]
    write(path, (json.dumps(rows, indent=2, ensure_ascii=False) + "\n").encode())


def write(path: Path, data: bytes) -> None:
    """All of it or nothing: a reader never sees half a template."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
