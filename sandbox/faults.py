"""Trouble a test asks for: when wait URLs expire and what the next PUTs to them are answered.

`POST /_gatehouse/faults[?account=…]` sets it for the stacks of one account (without one: for every account),
`{}` clears it. Nothing else in the sandbox behaves differently because a test runs.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

STATUS = {"ExpiredToken": 400, "AccessDenied": 403, "InternalError": 500, "SlowDown": 503}
CODE = {status: code for code, status in STATUS.items()}


@dataclass(frozen=True)
class Answer:
    """What one PUT gets: an S3 error after `delay` seconds. `stored`: it took effect although the answer hides it."""

    status: int = 200
    code: str = ""
    delay: float = 0
    stored: bool = False


@dataclass
class Faults:
    """The trouble of one account."""

    wait_url_expires: int | None = None
    puts: deque[Answer] = field(default_factory=deque)


_faults: dict[str, Faults] = {}


def configure(document: dict[str, Any], account: str = "") -> None:
    """Replace the faults of `account`. Raises ValueError for a document we do not understand."""
    if unknown := set(document) - {"wait_url_expires", "put"}:
        raise ValueError(f"unknown fault: {', '.join(sorted(unknown))}")
    answers = deque(_answer(entry) for entry in document.get("put", []))
    expires = document.get("wait_url_expires")
    _faults[account] = Faults(None if expires is None else int(expires), answers)


def _answer(entry: dict[str, Any]) -> Answer:
    code = str(entry.get("code", ""))
    status = int(entry.get("status", STATUS.get(code, 400 if code else 200)))
    stored = bool(entry.get("stored", status == 200))
    return Answer(status, code or CODE.get(status, "InternalError"), float(entry.get("delay", 0)), stored)


def next_put(account: str) -> Answer:
    """Take the answer for a PUT to a wait URL of `account`."""
    for scope in (account, ""):
        if (found := _faults.get(scope)) and found.puts:
            return found.puts.popleft()
    return Answer(stored=True)


def wait_url_expires(account: str, default: int) -> int:
    """Seconds a new wait URL of `account` lives."""
    for scope in (account, ""):
        if (found := _faults.get(scope)) and found.wait_url_expires is not None:
            return found.wait_url_expires
    return default
