"""Strangers' text as PostgreSQL takes it: one odd name must not end a run."""

from __future__ import annotations

import json
from typing import Any

from portal.storable import storable


def clean(text: str | None) -> str:
    told: str = storable(text or "")
    return told


def parsed(text: str) -> dict[str, Any]:
    """A JSON object of AWS's; empty for anything else."""
    try:
        told = storable(json.loads(text))
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
