"""Secrets of one installation: made once, kept one to a file, readable by their owner only."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path


def token() -> str:
    """43 characters safe in a URL, in SQL quotes and in a shell."""
    return secrets.token_urlsafe(32)


def keep(folder: Path, name: str, make: Callable[[], str] = token) -> str:
    """The secret called `name`; the first caller makes it, everyone after reads the same."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / name
    scratch = folder / f".{name}.{token()}"
    if not path.exists():
        scratch.touch(mode=0o600)
        scratch.write_text(make())
        try:
            os.link(scratch, path)  # never replaces: of two first callers one wins whole
        except FileExistsError:
            pass
        finally:
            scratch.unlink()
    return path.read_text()
