"""The requester's side: where a launch stands, who decides, and what to do when it ended.

Invariant: nothing here tells who looked at a request or who claimed it; that somebody looked, it tells.
"""

from __future__ import annotations

from approvals.requester.standing import standing, way

__all__ = ["standing", "way"]
