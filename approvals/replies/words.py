"""What runs in the process of its own: a mail comes in, JSON with its writer's words goes out.

Invariant: nothing of Django, of the database or of AWS is imported, so that it starts at once and has nothing to lose.
"""

from __future__ import annotations

import json
import sys

from approvals.replies import mime
from approvals.replies.trimming import trimmed

BROKEN, TOO_COSTLY = "broken", "too costly"


def main() -> None:
    try:
        body = mime.read(sys.stdin.buffer.read())
        said: dict[str, str | int] = {"text": trimmed(body.text), "files": body.files}
    except mime.Broken:
        said = {"trouble": BROKEN}
    except (mime.TooCostly, MemoryError):
        said = {"trouble": TOO_COSTLY}
    sys.stdout.write(json.dumps(said))
