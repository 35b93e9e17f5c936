"""Puts the approval gate into templates, takes it out again, and reads what gates hold (design §2).

Nothing here asks AWS or the database.
"""

from catalog.gating.errors import BadOption, NotGated
from catalog.gating.gating import gate, ungate
from catalog.gating.inspecting import inspect
from catalog.gating.inspection import Child, Gate, Inspection, Leak, Opening, Part, Why
from catalog.gating.options import Options
from catalog.gating.verdict import Result, Verdict

__all__ = [
    "BadOption",
    "Child",
    "Gate",
    "Inspection",
    "Leak",
    "NotGated",
    "Opening",
    "Options",
    "Part",
    "Result",
    "Verdict",
    "Why",
    "gate",
    "inspect",
    "ungate",
]
