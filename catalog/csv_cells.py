"""Cells of CSV files as spreadsheets read them."""

from __future__ import annotations

# Spreadsheets take UTF-8 for what it is only with the mark before everything.
MARK = "\ufeff"
_FORMULA = ("=", "+", "-", "@")
_BREAKS = ("\t", "\r", "\n")


def harmless(cell: str) -> str:
    """What a spreadsheet would take for a formula (OWASP, CSV injection) becomes text."""
    return f"'{cell}" if cell.lstrip().startswith(_FORMULA) or cell.startswith(_BREAKS) else cell
