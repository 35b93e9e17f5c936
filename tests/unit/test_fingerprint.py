"""The desk's fingerprint against the vectors that `lambdas/notify` is held to as well."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.canonical import sha256_hex
from approvals.fingerprint import compute

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "fingerprint.json").read_text("utf-8")
)
BASE: dict[str, Any] = {
    "stack_id": "arn:aws:cloudformation:us-east-1:111122223333:stack/SC-1/2",
    "gate": "ApprovalRequest",
    "url_sha256": "0" * 64,
    "parameters": {"A": sha256_hex("1")},
    "principal_arn": "",
    "template_sha256": "1" * 64,
}


@given(
    st.dictionaries(
        st.text(max_size=20),
        st.text(max_size=20).map(lambda v: sha256_hex(v.encode("utf-8", "replace"))),
        max_size=5,
    )
)
def test_any_other_parameters_give_another_fingerprint(parameters: dict[str, str]) -> None:
    same = parameters == BASE["parameters"]
    assert (compute(**{**BASE, "parameters": parameters}) == compute(**BASE)) == same


@pytest.mark.parametrize("field", sorted(set(BASE) - {"parameters"}))
def test_every_fact_counts(field: str) -> None:
    assert compute(**{**BASE, field: "other"}) != compute(**BASE)


def test_the_order_of_parameters_does_not_count() -> None:
    parameters = {"b": "2", "a": "1"}
    assert compute(**{**BASE, "parameters": parameters}) == compute(
        **{**BASE, "parameters": dict(sorted(parameters.items()))}
    )
