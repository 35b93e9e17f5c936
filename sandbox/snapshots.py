"""Keeps the sandbox's state on disk while it runs, so that SIGKILL loses seconds, not launches.

MiniStack saves only when it ends in order. Here every change asks for a snapshot; a thread writes what differs, at
most a tenth of the time until that would mean to wait longer than two seconds.
"""

import hashlib
import json
import logging
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.patches.engine import ministack

LONGEST = 2  # seconds between snapshots while there is always something new
QUIET = 0.2  # seconds to wait for more changes of the same burst
READS = ("Get", "List", "Describe", "Head", "Search", "Scan", "Query", "Validate")
TRAFFIC = ("ReceiveMessage", "SendMessage", "DeleteMessage", "ChangeMessageVisibility")
logger = logging.getLogger("sandbox.snapshots")


def changes(method: str, headers: dict[str, str], start: bytes) -> bool:
    """Whether a request may change something worth a snapshot; `start`: the first bytes of its body.

    What lies in queues is kept only at an orderly end: workers poll all the time.
    """
    named = re.match(rb"Action=(\w+)", start)
    operation = named[1].decode() if named else headers.get("x-amz-target", "").rpartition(".")[2]
    return method not in ("GET", "HEAD", "OPTIONS") and not operation.startswith((*READS, *TRAFFIC))


class Snapshots:
    """Writes MiniStack's services to `folder` and calls `also`; without a folder nothing is kept."""

    def __init__(self, folder: Path | None, also: Callable[[], None]) -> None:
        self._folder = folder
        self._also = also
        self._changed = threading.Event()
        self._saving = threading.Lock()
        self._written: dict[str, bytes] = {}

    def start(self) -> None:
        """Begin to follow changes."""
        if self._folder:
            threading.Thread(target=self._follow, daemon=True, name="snapshots").start()

    def ask(self) -> None:
        """Something changed. Returns at once."""
        self._changed.set()

    def _follow(self) -> None:
        while self._changed.wait():
            time.sleep(QUIET)
            self._changed.clear()
            started = time.monotonic()
            self.save()
            time.sleep(min(LONGEST, 10 * (time.monotonic() - started)))

    def save(self) -> None:
        """Write every service whose state differs from what was last written; stacks last, after what they made."""
        if not self._folder:
            return
        with self._saving:
            self._folder.mkdir(parents=True, exist_ok=True)
            services = ministack("app")._build_persistence_save_dict()  # noqa: SLF001
            for name in sorted(services, key=lambda name: name == "cloudformation"):
                self._save(name, services[name])
            self._also()

    def _save(self, name: str, read: Any) -> None:
        persistence = ministack("core.persistence")
        for _ in range(5):
            try:
                document = read()
                break
            except RuntimeError:  # a dictionary grew while it was copied: the next copy is as good
                continue
        else:
            return
        if document is None or self._folder is None:
            return
        version = persistence._state_format_version(name)  # noqa: SLF001
        wrapped = {"__ministack_format__": version, "payload": document}
        try:
            text = json.dumps(wrapped, default=persistence._json_default)  # noqa: SLF001
        except TypeError:
            logger.exception("the state of %s cannot be kept", name)
            return
        digest = hashlib.sha256(text.encode()).digest()
        if digest == self._written.get(name):
            return
        scratch = self._folder / f"{name}.json.new"
        scratch.write_text(text)
        scratch.replace(self._folder / f"{name}.json")
        self._written[name] = digest
