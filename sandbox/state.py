"""Small JSON documents of the sandbox's own, kept beside MiniStack's: `load(name)` and atomic `save(name, document)`.

Without a state folder they live in memory, so callers never need to ask which of the two it is.
"""

import copy
import json
import os
import tempfile
from pathlib import Path
from typing import Any

_folder: Path | None = None
_memory: dict[str, dict[str, Any]] = {}


def configure(folder: Path | None) -> None:
    """Say where documents are kept (None: in memory) and make the folder, readable by its owner only."""
    global _folder  # noqa: PLW0603
    _folder = folder
    _memory.clear()
    if folder:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def load(name: str) -> dict[str, Any]:
    """The document last saved under `name`; empty when there is none."""
    if _folder is None:
        return copy.deepcopy(_memory.get(name, {}))
    try:
        document = json.loads((_folder / f"{name}.json").read_text())
    except FileNotFoundError:
        return {}
    return document if isinstance(document, dict) else {}


def save(name: str, document: dict[str, Any]) -> None:
    """Replace the document whole: after a crash it is the old one or the new one, never a half."""
    if _folder is None:
        _memory[name] = copy.deepcopy(document)
        return
    handle, scratch = tempfile.mkstemp(dir=_folder, prefix=f".{name}-")
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(document, file)
            file.flush()
            os.fsync(file.fileno())
        Path(scratch).replace(_folder / f"{name}.json")
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise
