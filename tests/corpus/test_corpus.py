"""Real templates: gated or wrapped, nothing leaks, and the original comes back. `make corpus` has cfn-lint look too."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.corpus import examined, folder, templates

CORPUS = templates(folder()) if folder().is_dir() else []
pytestmark = pytest.mark.skipif(not CORPUS, reason=f"the corpus is not there: {folder().name} (GATEHOUSE_CORPUS)")
# What is wrong with the template itself.
REFUSED_FOR = ("in a circle", "a second time", "no logical id", "Hooks")
# cfn-lint takes seconds for a large one; `make corpus` takes the time.
LINTED = [path for path in CORPUS if path.stat().st_size < 5000][::10][:5]


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_a_real_template_is_gated_or_wrapped_and_nothing_is_wrong(path: Path) -> None:
    row = examined(path, lints=False, rounds=1)
    assert row.wrong == []
    assert row.verdict != "refused" or any(reason in row.reason for reason in REFUSED_FOR), row.reason


@pytest.mark.parametrize("path", LINTED, ids=lambda path: path.name)
def test_cfn_lint_finds_nothing_new(path: Path) -> None:
    assert examined(path, rounds=1).wrong == []
