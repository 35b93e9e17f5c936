"""Publishing gated versions: plan → confirmation → store → create → retire.

Invariant: what is to be done is written down before AWS is asked, and what was done after it; each step may be carried
out again. An object of S3 is named by its content, AWS makes one version for a publication's token however often it is
sent, and a version that is retired already is retired. So a worker may die anywhere, and whoever comes next goes on
at the first step that is not done. Nothing in AWS is changed before a person confirmed what they were shown, and
nothing is if that is no longer so; no version is retired before the gated one can be launched.
"""

from catalog.publishing.difference import kept_lines, lines
from catalog.publishing.engine import Happening, Told, advance, claim, work
from catalog.publishing.impact import Impact, impact_of
from catalog.publishing.launching import doubtful
from catalog.publishing.planning import Plan, options_of, plan
from catalog.publishing.publisher import Publisher, is_on
from catalog.publishing.rows import abandon, choices, confirm, newest, open_publication, proposal, refuse, resume

__all__ = [
    "Happening",
    "Impact",
    "Plan",
    "Publisher",
    "Told",
    "abandon",
    "advance",
    "choices",
    "claim",
    "confirm",
    "doubtful",
    "impact_of",
    "is_on",
    "kept_lines",
    "lines",
    "newest",
    "open_publication",
    "options_of",
    "plan",
    "proposal",
    "refuse",
    "resume",
    "work",
]
