"""Prepared reasons for a rejection."""

from __future__ import annotations

from approvals.models import CannedReason


def text_of(key: str) -> str:
    """The words of the one that was chosen in a form; the empty string for one that is not there (any more)."""
    if not (key.isascii() and key.isdigit() and len(key) < 10):
        return ""
    return CannedReason.objects.filter(pk=int(key)).values_list("text", flat=True).first() or ""
