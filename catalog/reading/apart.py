"""A process of its own for what reads anybody's templates.

It gets no credentials and no configuration, and limits of memory and time: nothing a template does can hold the lock
or the memory of the process that sends signals.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from catalog.reading.whole import Source

SECONDS = 20.0
MEMORY = 1 << 30
# More than this is no page any more, and would only fill the database.
_LARGEST = 8 << 20
_ROOT = Path(__file__).resolve().parents[2]
# macOS knows no limit of address space, Windows no limits at all. That of CPU ends a child whose parent is gone.
_LIMITS = """
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CPU, ({cpu}, {cpu}))
    resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory}))
except (ImportError, OSError, ValueError):
    pass
"""
_MAIN = """
import sys
sys.path.insert(0, sys.argv[1])
from django.conf import settings
settings.configure(USE_I18N=False)
from catalog.reading.whole import main
main()
"""


class NotUnderstood(Exception):
    """Nothing came of it. `passing`: the process was late or died, and may fare better another time."""

    def __init__(self, why: str, *, passing: bool) -> None:
        super().__init__(why)
        self.passing = passing


def read_apart(new: Source, old: Source | None = None, seconds: float = SECONDS) -> dict[str, Any]:
    """What `catalog.reading.whole` says of a template, and of what it changes. Raises NotUnderstood."""
    asked = json.dumps({"new": asdict(new), "old": asdict(old) if old else None}).encode()
    try:
        done = run(_MAIN, [str(_ROOT)], asked, seconds=seconds, memory=MEMORY)
    except subprocess.TimeoutExpired:
        raise NotUnderstood("too slow", passing=True) from None
    except OSError as error:
        raise NotUnderstood(type(error).__name__, passing=True) from None
    if len(done.stdout) > _LARGEST:
        raise NotUnderstood("too large", passing=False)
    try:
        said = json.loads(done.stdout)
    except ValueError:
        raise NotUnderstood(f"exit {done.returncode}", passing=True) from None
    if not isinstance(said, dict) or "digest" not in said:
        raise NotUnderstood("bad template", passing=False)
    return said


def run(
    main: str, arguments: Sequence[str], data: bytes, *, seconds: float, memory: int
) -> subprocess.CompletedProcess[bytes]:
    """Run Python's `main` on `data`, with limits in seconds and bytes. Raises TimeoutExpired and OSError."""
    limited = _LIMITS.format(cpu=math.ceil(seconds) + 5, memory=memory) + main
    with tempfile.TemporaryDirectory(prefix="gatehouse-reading-") as nowhere:
        return subprocess.run(  # noqa: S603 - our own interpreter and our own words
            [sys.executable, "-I", "-c", limited, *arguments],
            input=data,
            capture_output=True,
            cwd=nowhere,
            env={"PATH": os.environ.get("PATH", ""), "HOME": nowhere, "LANG": "C.UTF-8"},
            timeout=seconds,
            check=False,
        )
