"""Whatever the event: nothing is sent to an unchecked URL, and CloudFormation is answered when it can be."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from lambdas import shared
from lambdas.notify import index as notify
from lambdas.shared import Refused
from lambdas.verify import index as verify
from tests.lambdas.cloud import STACK_ID, Buckets, Cloud, Context
from tests.lambdas.conftest import SCHEMA

Handler = Callable[[Any, Any], None]
HANDLERS = pytest.mark.parametrize("handler", [notify.handler, verify.handler], ids=["notify", "verify"])
SHARED_FIXTURES = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
KEYS = (
    "RequestType",
    "ResponseURL",
    "StackId",
    "RequestId",
    "LogicalResourceId",
    "PhysicalResourceId",
    "ResourceProperties",
    "OldResourceProperties",
    "ResourceType",
    "detail",
    "self_test",
)
Urls = st.sampled_from(
    [
        "https://evil.example.com/",
        "http://169.254.169.254/",
        "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/other",
        f"https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/{quote(STACK_ID)}%7CX%7CY",
        f"https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com.cn/{quote(STACK_ID)}",
    ]
)
Known = st.sampled_from([STACK_ID, "Create", "Update", "Delete", "ApprovalRequestV1", "gatehouse-" + "a" * 64])
OWN_URL = "the stack's own WaitUrl"
Properties = st.dictionaries(
    st.sampled_from(["WaitUrl", "EmailID", "Parameters", "Data", "Fingerprint", "Receipt"]),
    st.just(OWN_URL) | Json | Urls,
)


@HANDLERS
@SHARED_FIXTURES
@given(event=Json | st.dictionaries(st.sampled_from(KEYS), Json | Urls | Known, max_size=9))
def test_an_event_that_proves_nothing_is_refused_before_anything_is_done(
    handler: Handler, cloud: Cloud, buckets: Buckets, event: Any
) -> None:
    assume(event != {"self_test": True})
    with pytest.raises(Refused):
        handler(event, Context())
    assert (buckets.puts, cloud.calls) == ([], [])


@HANDLERS
@pytest.mark.parametrize(
    "event",
    [
        {"self_test": False},
        {"self_test": "true"},
        {"self_test": True, "more": 1},
        {"self_test": True, "StackId": STACK_ID},
        {"detail": None},
        {"detail": {}},
        {"detail": {"self_test": True}},
        {"keys": {}},
        ["self_test"],
        "self_test",
    ],
    ids=str,
)
def test_a_direct_invocation_of_any_other_shape_is_refused(
    handler: Handler, cloud: Cloud, buckets: Buckets, event: Any
) -> None:
    with pytest.raises(Refused):
        handler(event, Context())
    assert (buckets.puts, cloud.calls) == ([], [])


def test_only_verify_has_a_self_test(cloud: Cloud, buckets: Buckets) -> None:
    with pytest.raises(Refused):
        notify.handler({"self_test": True}, Context())
    assert (buckets.puts, cloud.calls) == ([], [])


@HANDLERS
@SHARED_FIXTURES
@given(
    type_=st.sampled_from(["Create", "Update", "Delete"]),
    changes=st.dictionaries(
        st.sampled_from(["RequestType", "PhysicalResourceId", "ResourceProperties", "OldResourceProperties"]),
        Json | Known | Properties,
    ),
    resource_type=st.sampled_from(["Custom::ApprovalReceipt", "Custom::GatehouseSelfTest"]) | Json,
    status=st.sampled_from(
        ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "DELETE_FAILED"]
    ),
)
def test_cloudformation_is_answered_once_or_by_the_desk_whatever_it_says(
    handler: Handler,
    cloud: Cloud,
    buckets: Buckets,
    event: Callable[..., dict[str, Any]],
    type_: str,
    changes: dict[str, Any],
    resource_type: Any,
    status: str,
) -> None:
    buckets.puts.clear()
    cloud.published.clear()
    cloud.status = status
    cloud.resources["ApprovalRequestV1"] = ("Custom::NotificationFunction", f"{type_.upper()}_IN_PROGRESS", "")
    made = event(type_) | deepcopy(changes) | {"ResourceType": resource_type}
    for name in ("ResourceProperties", "OldResourceProperties"):
        if isinstance(given := made.get(name), dict):
            made[name] = {k: buckets.wait_url() if v == OWN_URL else v for k, v in given.items()}
    handler(made, Context())
    if handler is notify.handler and is_held(cloud):
        assert (made["RequestType"], status, buckets.puts) == ("Update", "UPDATE_IN_PROGRESS", [])
        return
    assert len(buckets.puts) == 1
    body = buckets.puts[0].body
    assert body["Status"] in ("SUCCESS", "FAILED")
    assert 1 <= len(body["PhysicalResourceId"]) <= 1024
    assert body["Status"] == "SUCCESS" or body["Reason"].endswith(".")
    assert int(buckets.puts[0].headers["content-length"]) <= 4096


def is_held(cloud: Cloud) -> bool:
    """Whether the desk was told to answer; what it was told follows the schema."""
    if not cloud.published or cloud.envelope().get("event") not in ("Create", "Update"):
        return False
    jsonschema.validate(cloud.envelope(), SCHEMA)
    return bool(cloud.envelope()["hold"]["kind"] == "response")


@HANDLERS
@SHARED_FIXTURES
@given(
    url=Urls | st.text(max_size=60), key=st.sampled_from(["ResponseURL", "StackId", "RequestId", "LogicalResourceId"])
)
def test_nothing_is_put_anywhere_but_to_the_events_own_key(
    handler: Handler, cloud: Cloud, buckets: Buckets, event: Callable[..., dict[str, Any]], url: str, key: str
) -> None:
    made = event()
    response_url = made["ResponseURL"]
    made[key] = url
    puts: list[str] = []

    def record(target: str, body: bytes, timeout: float) -> int:
        puts.append(target)
        return 200

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared, "put", record)
        if made != event():
            with pytest.raises(Refused):
                handler(made, Context())
    assert set(puts) <= {response_url}


@HANDLERS
def test_a_recorded_event_is_answered_once_it_is_whole(
    handler: Handler, cloud: Cloud, buckets: Buckets, recorded: dict[str, dict[str, Any]]
) -> None:
    """The public recordings mask account, ids and key; only those are filled in."""
    for name, event in recorded.items():
        buckets.puts.clear()
        with pytest.raises(Refused):
            handler(event, Context())
        request_id, logical_id = "0f0f0f0f-1111-4222-8333-444444444444", "ApprovalRequestV1"
        whole = event | {
            "StackId": STACK_ID,
            "RequestId": request_id,
            "LogicalResourceId": logical_id,
            "ResponseURL": buckets.response_url(logical_id, request_id),
        }
        handler(whole, Context())
        assert [put.body["RequestId"] for put in buckets.puts] == [request_id], name
        assert buckets.puts[0].body["Status"] == ("SUCCESS" if event["RequestType"] == "Delete" else "FAILED")


@HANDLERS
def test_recorded_events_of_other_services_are_refused(
    handler: Handler, cloud: Cloud, buckets: Buckets, recorded_others: list[dict[str, Any]]
) -> None:
    for event in recorded_others:
        with pytest.raises(Refused):
            handler(event, Context())
    assert (buckets.puts, cloud.calls) == ([], [])
