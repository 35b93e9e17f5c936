"""Templates read for people: what they make, what is risky in them, what changed.

Nothing here asks AWS or the database. What anybody wrote is read in a process of its own (`read_apart`).
"""

from catalog.reading.apart import NotUnderstood, read_apart
from catalog.reading.difference import Difference, difference
from catalog.reading.digest import Digest, digest
from catalog.reading.findings import Finding, Risk, gathered
from catalog.reading.losses import losses
from catalog.reading.values import pseudo
from catalog.reading.whole import Source
from catalog.reading.wrapped import child_of, digest_with_child

__all__ = [
    "Difference",
    "Digest",
    "Finding",
    "NotUnderstood",
    "Risk",
    "Source",
    "child_of",
    "difference",
    "digest",
    "digest_with_child",
    "gathered",
    "losses",
    "pseudo",
    "read_apart",
]
