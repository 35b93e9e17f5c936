"""Templates read for people: what they make, what is risky in them, what changed.

Nothing here asks AWS or the database.
"""

from catalog.reading.difference import Difference, difference
from catalog.reading.digest import Digest, digest
from catalog.reading.findings import Finding, Risk, gathered
from catalog.reading.losses import losses
from catalog.reading.values import pseudo
from catalog.reading.wrapped import child_sha256, digest_with_child

__all__ = [
    "Difference",
    "Digest",
    "Finding",
    "Risk",
    "child_sha256",
    "difference",
    "digest",
    "digest_with_child",
    "gathered",
    "losses",
    "pseudo",
]
