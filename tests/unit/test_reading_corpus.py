"""Real templates: read without a stumble, in milliseconds, and by rules that do not cry wolf."""

from __future__ import annotations

import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.reading import Difference, Digest, Risk, difference, digest
from catalog.templates import BadTemplate, Document, read
from tests.support.reading import GIVEN
from tests.support.run import ROOT

CORPUS = Path(os.environ.get("GATEHOUSE_CORPUS") or ROOT.parent / "shared" / "corpus")
MEDIAN_MS, LONGEST_MS = 200, 2000

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real templates is not here")


def documents() -> Iterator[Document]:
    for path in sorted(CORPUS.iterdir()):
        if path.suffix in (".json", ".template", ".yaml", ".yml"):
            try:
                yield read(path.read_bytes(), path.name)
            except BadTemplate:
                continue


@pytest.fixture(scope="module")
def corpus() -> list[Document]:
    return list(documents())


def test_every_template_is_read_and_kept(corpus: list[Document]) -> None:
    took = []
    for document in corpus:
        began = time.process_time()
        found = digest(document, GIVEN)
        took.append((time.process_time() - began) * 1000)
        assert Digest.from_kept(json.loads(json.dumps(found.kept()))) == found
        assert "unchecked" not in {one.code for one in found.findings}, document.name
        assert all("%(" not in one.said for one in found.findings), document.name
        same = difference(document, document)
        assert same.is_empty
        assert Difference.from_kept(json.loads(json.dumps(same.kept()))) == same
    assert statistics.median(took) < MEDIAN_MS
    assert max(took) < LONGEST_MS


def test_a_high_risk_is_rare(corpus: list[Document]) -> None:
    """Where everything is high, nothing is."""
    high = Counter(any(one.risk == Risk.HIGH for one in digest(document, GIVEN).findings) for document in corpus)
    assert high[True] < 0.25 * len(corpus)
