"""No cell of a CSV file is a formula to a spreadsheet."""

from __future__ import annotations

import pytest

from catalog.csv_cells import MARK, harmless
from catalog.publishing import report


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", " =1", "\t1", "\r=1", "\n=1", "\u00a0=1"])
def test_what_may_be_a_formula_becomes_text(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "v1", "a=b", "1-2"])
def test_the_rest_stays_as_it_is(cell: str) -> None:
    assert harmless(cell) == cell


def test_the_report_of_publications_is_marked_as_utf_8() -> None:
    assert report.as_csv([]).startswith(f"{MARK}product_id")
