"""notify's fingerprint against the vectors the desk is held to as well."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from lambdas.notify.launch import fingerprint_of

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "fingerprint.json").read_text("utf-8")
)


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_notify_agrees_with_the_desk(vector: dict[str, Any]) -> None:
    assert (
        fingerprint_of(
            vector["stack_id"],
            vector["gate"],
            vector["url"],
            vector["parameters"],
            vector["principal_arn"],
            vector["template_sha256"],
        )
        == vector["fingerprint"]
    )


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_vectors_say_how_they_were_made(vector: dict[str, Any]) -> None:
    def digest(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    assert digest(vector["canonical"]) == vector["fingerprint"]
    assert digest(vector["url"]) == vector["url_sha256"]
    assert {name: digest(value) for name, value in vector["parameters"].items()} == vector["parameters_sha256"]
