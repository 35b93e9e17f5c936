"""The one word that lists say of a launch's template."""

from __future__ import annotations

from typing import Any

from catalog.reading import Risk

NONE = "none"


def gravest(digest: dict[str, Any]) -> str:
    """The gravest risk of a kept digest's findings; "none" where nothing was found, "" for one nobody understands."""
    try:
        found = [Risk(one["risk"]) for one in digest["findings"]]
    except (KeyError, TypeError, ValueError):
        return ""
    return min(found, key=lambda one: one.rank).value if found else NONE
