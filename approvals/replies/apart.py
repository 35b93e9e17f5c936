"""A process of its own for the body of a mail: what its writer wrote, within limits of time and memory.

Invariant: whatever a stranger's mail does to a parser, it ends after seconds, and the worker goes on.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from approvals.replies import mime, words
from catalog.reading.apart import run

SECONDS = 5.0
MEMORY = 512 << 20
_ROOT = Path(__file__).resolve().parents[2]
_MAIN = """
import sys
sys.path.insert(0, sys.argv[1])
from approvals.replies.words import main
main()
"""


def own_words(raw: bytes) -> mime.Body:
    """What its writer wrote, without what was quoted.

    Raises Broken and TooCostly; OSError where no process can be had now.
    """
    try:
        done = run(_MAIN, [str(_ROOT)], raw[: mime.LARGEST], seconds=SECONDS, memory=MEMORY)
        said = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        # It was late, or died of its limits.
        raise mime.TooCostly from None
    if said.get("trouble") == words.BROKEN:
        raise mime.Broken
    if "trouble" in said:
        raise mime.TooCostly
    return mime.Body(str(said["text"]), int(said["files"]))
