"""What the gating library answers when it does not do what it was asked."""

from __future__ import annotations


class BadOption(ValueError):
    """An option nobody can follow. The text is a sentence for the person who gave it."""


class NotGated(Exception):
    """The template has no gate of ours to take out. The text says why, as "name:line: sentence"."""
