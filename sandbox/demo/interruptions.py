"""Ctrl-C, SIGTERM and a closed terminal: the first ends the run, later ones do not disturb that."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Keeper:
    holding = False
    arrived = False


def listen() -> None:
    """From now on the first of the signals raises KeyboardInterrupt in the main thread."""
    for number in SIGNALS:
        signal.signal(number, _handle)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Inside, an interruption waits until the block is done: between starting a child and remembering it."""
    _Keeper.holding = True
    try:
        yield
    finally:
        _Keeper.holding = False
    if _Keeper.arrived:
        _interrupt()


def _handle(_number: int, _frame: FrameType | None) -> None:
    if _Keeper.holding:
        _Keeper.arrived = True
    else:
        _interrupt()


def ignore() -> None:
    """From now on none of the signals does anything."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)  # children would inherit SIG_IGN


def _interrupt() -> None:
    _Keeper.arrived = False
    ignore()
    raise KeyboardInterrupt
