"""Parts of a template (`catalog.templates.plain`) in the shape they should have; empty where they have another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.reading.values import text_of


def mapping(value: Any) -> Mapping[str, Any]:
    """A mapping."""
    return value if isinstance(value, dict) else {}


def section(tree: Any, name: str) -> dict[str, Any]:
    """A section, or an attribute, that is a mapping."""
    found = tree.get(name) if isinstance(tree, dict) else None
    return found if isinstance(found, dict) else {}


def after(raw: Mapping[str, Any]) -> set[str]:
    """The logical ids a resource's DependsOn names."""
    named = raw.get("DependsOn") or []
    return {text_of(one) for one in (named if isinstance(named, list) else [named])}
