"""What the gating library answers when it does not do what it was asked."""

from __future__ import annotations

from portal.phrases import Phrase


class BadOption(ValueError):
    """An option nobody can follow. `what` is a sentence for the person who gave it."""

    def __init__(self, what: Phrase) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return str(self.what)


class NotGated(Exception):
    """The template has no gate of ours to take out. The text says why, as "name:line: sentence"."""
