"""The mirror: reads the catalogues of all places into the desk's tables (aws-facts §3.2).

Invariant: every transaction leaves rows that are true. What belongs together (a page of products, a product's
versions, what a portfolio holds, one constraint, one template) is stored in one short transaction, in which the
worker also proves that it still holds the run's claim; no lock is held while AWS is asked. "Removed" is only
written after a list was read to its end. A worker may die anywhere: the rows themselves say what a run has
still to read, so the next worker goes on there, and only the two short lists of portfolios and products begin
again. Nothing that AWS cannot change is asked for twice: a version's template is read once.
"""

from catalog.sync.engine import run, tick

__all__ = ["run", "tick"]
