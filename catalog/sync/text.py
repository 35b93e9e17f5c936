"""Strangers' text as PostgreSQL takes it: no NUL, no half of a surrogate pair. One odd name must not end a run."""

from __future__ import annotations

import json
from typing import Any


def clean(text: str | None) -> str:
    return (text or "").replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def parsed(text: str) -> dict[str, Any]:
    """A JSON object of AWS's; empty for anything else."""
    try:
        told = json.loads(text, object_pairs_hook=lambda pairs: {clean(name): _clean(value) for name, value in pairs})
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    return [_clean(one) for one in value] if isinstance(value, list) else value
