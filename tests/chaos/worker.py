"""A worker for the drills: sends what is due, then ends. Run as `python -m tests.chaos.worker MOMENT`.

MOMENT is where it says "here" and waits to be killed: before_put, after_put, or never.
"""

from __future__ import annotations

import sys
import time

import django

django.setup()

from approvals import receipts, waithandle  # noqa: E402 - models need the setup first
from approvals.outbox import signals  # noqa: E402
from tests.support.signalling import Key  # noqa: E402

_send = waithandle.send


def _here() -> None:
    print("here", flush=True)
    time.sleep(60)


def _until(moment: str) -> None:
    def send(*args: object, **rest: object) -> waithandle.Outcome:
        if moment == "before_put":
            _here()
        outcome = _send(*args, **rest)  # type: ignore[arg-type]
        if moment == "after_put":
            _here()
        return outcome

    # A key of its own: a second signature would show as other bytes.
    receipts._kms_sign = Key()
    waithandle.send = send
    print("ready", flush=True)
    while piece := signals.take():
        piece()


if __name__ == "__main__":
    _until(sys.argv[1])
