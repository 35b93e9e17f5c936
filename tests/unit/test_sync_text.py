"""Strangers' text on its way into PostgreSQL."""

from __future__ import annotations

import pytest

from catalog.sync.text import clean, parsed


@pytest.mark.parametrize(
    ("text", "kept"), [(None, ""), ("a\0b", "a\ufffdb"), ("a\ud800b", "a\ufffdb"), ("Köln 日本 🚪", "Köln 日本 🚪")]
)
def test_text_is_what_postgresql_takes(text: str | None, kept: str) -> None:
    assert clean(text) == kept


def test_json_is_cleaned_at_every_depth() -> None:
    assert parsed(r'{"a\u0000": ["\ud800", {"b": "\u0000"}], "n": 1, "t": true}') == {
        "a\ufffd": ["\ufffd", {"b": "\ufffd"}],
        "n": 1,
        "t": True,
    }


@pytest.mark.parametrize("text", ["", "[1]", "{", '"a"', "[" * 100_000])
def test_what_is_no_object_is_empty(text: str) -> None:
    assert parsed(text) == {}
