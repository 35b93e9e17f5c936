"""No launch is too large to be asked for: the Message has at most 200,000 bytes, whatever the stack is made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.fingerprint import compute
from lambdas.notify.index import handler
from lambdas.notify.launch import launch_of
from lambdas.notify.message import MESSAGE_BYTES, fitted
from lambdas.shared import request_of, sha256
from tests.lambdas.cloud import STACK_ID, TAGS, TEMPLATE, Buckets, Cloud, Context

Event = Callable[..., dict[str, Any]]
WORDS = "词" * 200


def envelope_with(parameters: dict[str, str], resources: int = 3, description: str = "") -> dict[str, Any]:
    """An envelope as launch_of makes it, of any size."""
    return {
        "hold": {"url": "https://example.com/" + "x" * 8000},
        "stack": {"name": "SC-x", "tags": {}},
        "parameters": [
            {"name": name, "value": value, "no_echo": False, "sha256": sha256(value), "length": len(value)}
            for name, value in parameters.items()
        ],
        "template": {
            "sha256": "0" * 64,
            "description": description,
            "resource_types": {"AWS::S3::Bucket": resources},
            "resources": [{"id": f"Bucket{i}", "type": "AWS::S3::Bucket"} for i in range(resources)],
            "cut": False,
        },
    }


def test_a_template_of_300_kb_and_200_long_chinese_parameters_fit(
    cloud: Cloud, buckets: Buckets, event: Event, valid: Callable[[Any], None]
) -> None:
    filler = "".join(f"  Bucket{i}:\n    Type: AWS::S3::Bucket\n    Metadata: {'x' * 600}\n" for i in range(490))
    cloud.template = TEMPLATE + filler
    assert len(cloud.template) > 300_000
    cloud.parameters = {f"Parameter{i:03}": "审批" * 2048 for i in range(200)}
    handler(event(), Context())
    message = cloud.published[0]["Message"]
    assert buckets.puts[0].body["Status"] == "SUCCESS"
    assert len(message.encode()) <= MESSAGE_BYTES
    envelope = cloud.envelope()
    valid(envelope)
    assert envelope["template"]["cut"] is True
    assert envelope["template"]["resources"] == []
    assert len(envelope["parameters"]) == 200
    assert all(parameter["length"] == 4096 for parameter in envelope["parameters"])
    assert any(parameter["value"] is not None for parameter in envelope["parameters"]), "no more is cut than needed"
    assert recomputed(envelope) == envelope["fingerprint"], "the desk can still check what it was told"


def recomputed(envelope: dict[str, Any]) -> str:
    return compute(
        stack_id=envelope["stack_id"],
        gate=envelope["logical_id"],
        url_sha256=sha256(envelope["hold"]["url"]),
        parameters={parameter["name"]: parameter["sha256"] for parameter in envelope["parameters"]},
        principal_arn=envelope["requester"]["principal_arn"],
        template_sha256=envelope["template"]["sha256"],
    )


def test_all_at_its_largest_still_fits(
    cloud: Cloud, event: Event, valid: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.parameters = {f"{i:03}".rjust(255, "P"): '\\"\n' * 1365 for i in range(200)}
    cloud.tags = TAGS | {f"{i:02}".rjust(128, "键"): "值" * 256 for i in range(45)}
    found: Any = boto3.client("cloudformation").describe_stacks(StackName=STACK_ID)["Stacks"][0]
    envelope = launch_of(request_of(event(), Context()), found)
    envelope["hold"]["url"] = "https://example.com/" + "x" * 8000
    monkeypatch.delenv("DEV_ORIGIN")
    message = fitted(envelope, "words")
    assert len(message.encode()) <= MESSAGE_BYTES
    valid(json.loads(json.loads(message)["sqs"]))


def test_the_template_summary_goes_before_any_value() -> None:
    envelope = envelope_with({"Long": "x" * 4096}, resources=4000)
    sent = json.loads(json.loads(fitted(envelope, "words"))["sqs"])
    assert sent["template"]["resources"] == []
    assert sent["template"]["resource_types"] == {"AWS::S3::Bucket": 4000}
    assert sent["parameters"][0]["value"] == "x" * 4096


def test_the_longest_values_go_first() -> None:
    values = {f"P{i}": "x" * (i * 1000) for i in range(60)}
    sent = json.loads(json.loads(fitted(envelope_with(values), "words"))["sqs"])
    kept = [parameter["length"] for parameter in sent["parameters"] if parameter["value"] is not None]
    gone = [parameter["length"] for parameter in sent["parameters"] if parameter["value"] is None]
    assert kept
    assert gone
    assert max(kept) < min(gone)


def test_what_fits_is_left_alone() -> None:
    envelope = envelope_with({"Purpose": WORDS}, description="as it is")
    assert json.loads(json.loads(fitted(envelope, "words"))["sqs"]) == envelope


@pytest.mark.parametrize("development", ["", "http://localhost:4566"])
@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.text(st.characters(), max_size=60).map(lambda text: text * 60), max_size=200),
    resources=st.integers(0, 500),
    description=st.text(max_size=1024),
)
def test_any_text_fits(development: str, values: list[str], resources: int, description: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEV_ORIGIN", development)
        envelope = envelope_with({f"P{i}": value for i, value in enumerate(values)}, resources, description)
        message = fitted(envelope, "words")
    assert len(message.encode()) <= MESSAGE_BYTES
    sent = json.loads(json.loads(message)["sqs"])
    assert [parameter["name"] for parameter in sent["parameters"]] == [f"P{i}" for i in range(len(values))]
