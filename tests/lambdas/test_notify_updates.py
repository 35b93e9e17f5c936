"""Updates that keep their wait: which ask nobody, which are held, and how the desk is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.fingerprint import compute
from lambdas.notify.index import handler
from lambdas.shared import Refused, sha256
from tests.lambdas.cloud import STACK_ID, TEMPLATE, Buckets, Cloud, Context, error

Event = Callable[..., dict[str, Any]]
GATE = "ApprovalRequestV1"
HOLDING = TEMPLATE.replace(
    "EmailID: !Ref Email",
    "EmailID: !Ref Email\n      ServiceTimeout: 1800\n      Parameters: {Email: !Ref Email, Size: !Ref Size}",
)
CLASSIC = {
    "Resources": {
        "ApprovalHandleV1": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        "Wait": {"Type": "AWS::CloudFormation::WaitCondition", "Properties": {"Handle": {"Ref": "ApprovalHandleV1"}}},
        GATE: {"Type": "Custom::NotificationFunction", "Properties": {"WaitUrl": {"Ref": "ApprovalHandleV1"}}},
    }
}


@pytest.fixture
def stack(cloud: Cloud) -> Cloud:
    """A stack behind a gate that holds updates, while CloudFormation updates it."""
    cloud.template = HOLDING
    cloud.parameters = {"Email": "rita@example.com", "Size": "small"}
    cloud.status = "UPDATE_IN_PROGRESS"
    cloud.resources[GATE] = ("Custom::NotificationFunction", "UPDATE_IN_PROGRESS", "gatehouse-" + "a" * 64)
    return cloud


@pytest.fixture
def update(event: Event, buckets: Buckets) -> Event:
    """An update to `parameters` of a stack that was made small, under the fingerprint `made`."""

    def make(made: str = "a" * 64, old: Any = None, physical_id: Any = None, **parameters: Any) -> dict[str, Any]:
        small = {"Email": "rita@example.com", "Size": "small"}
        common = {"WaitUrl": buckets.wait_url(), "EmailID": "rita@example.com"}
        return event(
            "Update",
            PhysicalResourceId=physical_id or f"gatehouse-{made}",
            ResourceProperties=common | {"Parameters": small | parameters},
            OldResourceProperties=common | {"Parameters": small} if old is None else old,
        )

    return make


def answered(stack: Cloud, buckets: Buckets) -> dict[str, Any]:
    """The only answer, which asked nobody."""
    assert stack.published == []
    (put,) = buckets.puts
    return put.body


def recomputed(envelope: dict[str, Any]) -> str:
    """What the desk makes of it: a held update's fingerprint is over the wait URL it was launched with."""
    return compute(
        stack_id=envelope["stack_id"],
        gate=envelope["logical_id"],
        url_sha256=envelope["hold"].get("wait_url_sha256") or sha256(envelope["hold"]["url"]),
        parameters={parameter["name"]: parameter["sha256"] for parameter in envelope["parameters"]},
        principal_arn=envelope["requester"]["principal_arn"],
        template_sha256=envelope["template"]["sha256"],
    )


# Held


def test_changed_parameters_are_told_and_left_to_the_desk(
    stack: Cloud, buckets: Buckets, update: Event, valid: Callable[[Any], None]
) -> None:
    stack.parameters["Size"] = "large"
    made = update(Size="large")
    handler(made, Context())
    envelope = stack.envelope()
    valid(envelope)
    assert (buckets.puts, stack.kind(), envelope["event"]) == ([], "launch", "Update")
    assert envelope["hold"] == {
        "kind": "response",
        "url": made["ResponseURL"],
        "handle": "",
        "wait": "",
        "timeout": 1800,
        "request_id": made["RequestId"],
        "physical_id": "gatehouse-" + "a" * 64,
        "wait_url_sha256": sha256(buckets.wait_url()),
    }
    assert envelope["gate"] == {"receipt": True, "gate_updates": True, "email_decisions": False}
    assert envelope["physical_id"] == f"gatehouse-{envelope['fingerprint']}"
    assert recomputed(envelope) == envelope["fingerprint"]


def test_the_same_event_again_is_published_again_and_never_answered(
    stack: Cloud, buckets: Buckets, update: Event
) -> None:
    for _ in range(2):
        handler(update(Size="large"), Context())
    first, second = stack.envelope(0), stack.envelope(1)
    assert first | {"sent_at": ""} == second | {"sent_at": ""}
    assert buckets.puts == []


def test_the_same_update_asked_again_has_the_same_fingerprint_under_another_request(
    stack: Cloud, buckets: Buckets, update: Event
) -> None:
    """So a decision that came too late lets it through."""
    handler(update(Size="large"), Context())
    again = update(Size="large") | {"RequestId": "second", "ResponseURL": buckets.response_url(GATE, "second")}
    handler(again, Context())
    first, second = stack.envelope(0), stack.envelope(1)
    assert first["fingerprint"] == second["fingerprint"]
    assert first["hold"]["request_id"] != second["hold"]["request_id"]


def test_an_update_back_and_one_forth_differ(stack: Cloud, update: Event) -> None:
    fingerprints = set()
    for size in ("small", "large"):
        handler(update(old={"WaitUrl": update()["ResourceProperties"]["WaitUrl"]}, Size=size), Context())
        fingerprints.add(stack.envelope()["fingerprint"])
    assert len(fingerprints) == 2


@pytest.mark.parametrize(
    ("written", "parameters", "seconds"),
    [
        ("ServiceTimeout: 120", {}, 120),
        ("ServiceTimeout: '120'", {}, 120),
        ("ServiceTimeout: !Ref Hold", {"Hold": "90"}, 90),
        ("ServiceTimeout: !Ref Hold", {"Hold": "0"}, 1),
        ("ServiceTimeout: 7200", {}, 3600),
        ("ServiceTimeout: !FindInMap [A, B, C]", {}, 3600),
        ("Other: 1", {}, 3600),
    ],
)
def test_an_update_is_held_for_the_gates_service_timeout(
    stack: Cloud, update: Event, written: str, parameters: dict[str, str], seconds: int
) -> None:
    stack.template = HOLDING.replace("ServiceTimeout: 1800", written)
    stack.parameters |= parameters
    handler(update(Size="large"), Context())
    assert stack.envelope()["hold"]["timeout"] == seconds


def test_words_about_an_update_say_until_when_and_name_nobody_as_its_author(stack: Cloud, update: Event) -> None:
    made = update(Size="large")
    made["ResponseURL"] += "&X-Amz-Date=20260911T101112Z&X-Amz-Expires=7200"
    handler(made, Context())
    words = json.loads(stack.published[0]["Message"])["default"]
    # 1,800 s from the URL's X-Amz-Date, less 5 % for the way.
    assert "Waits until: 2026-09-11 10:39 UTC" in words
    assert "An update waits for approval." in words
    assert "Who: unknown (first launched by assumed-role/" in words
    assert "://" not in words.replace("https://desk.example.com", "")
    assert stack.published[0]["Subject"].startswith("An update waits for approval: ")


def test_what_cannot_be_published_fails_the_update_at_once_and_keeps_the_resource(
    stack: Cloud, buckets: Buckets, update: Event
) -> None:
    stack.errors["Publish"] = [error("Publish", "NotFound", 404)]
    handler(update(Size="large"), Context())
    answer = answered(stack, buckets)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", "gatehouse-" + "a" * 64)


# Which parameters


def values(stack: Cloud) -> dict[str, str]:
    return {parameter["name"]: parameter["value"] for parameter in stack.envelope()["parameters"]}


def test_the_new_values_are_shown_whatever_describe_stacks_still_says(stack: Cloud, update: Event) -> None:
    handler(update(Size="large"), Context())
    assert values(stack)["Size"] == "large"


def test_a_list_is_shown_as_cloudformation_shows_it(stack: Cloud, update: Event) -> None:
    handler(update(Size=["a", "b"]), Context())
    assert values(stack)["Size"] == "a,b"


def test_a_hidden_value_stays_hidden_though_the_event_has_it(stack: Cloud, update: Event) -> None:
    stack.parameters["Size"] = "****"
    handler(update(Size="s3cret"), Context())
    assert "s3cret" not in stack.published[0]["Message"].replace("X-Amz-Signature=s3cret", "")
    assert values(stack)["Size"] == "****"


@pytest.mark.parametrize(
    ("written", "given"),
    [
        ("Size: small", {"Size": "tiny"}),
        ("Size: !Ref Email", {"Size": "tiny"}),
        ("Size: !Sub '${Size}'", {"Size": "tiny"}),
        ("Other: !Ref Size", {"Other": "tiny"}),
        ("Size: !Ref Size", {"Stranger": "tiny"}),
    ],
)
def test_only_what_the_template_feeds_from_that_parameter_is_taken_from_the_event(
    stack: Cloud, update: Event, written: str, given: dict[str, str]
) -> None:
    stack.template = HOLDING.replace("Size: !Ref Size", written)
    handler(update(old={"WaitUrl": update()["ResourceProperties"]["WaitUrl"]}, **given), Context())
    assert values(stack) == {"Email": "rita@example.com", "Size": "small"}


def test_a_launch_takes_no_parameter_from_its_event(cloud: Cloud, event: Event) -> None:
    cloud.template, cloud.parameters["Size"] = HOLDING, "large"
    made = event()
    made["ResourceProperties"]["Parameters"] = {"Size": "small"}
    handler(made, Context())
    assert values(cloud)["Size"] == "large"


def test_a_new_wait_takes_no_parameter_from_its_event(stack: Cloud, buckets: Buckets, update: Event) -> None:
    """A forged event about it would carry the one wait URL there is."""
    handler(update(old={"WaitUrl": buckets.wait_url("Old")}, Size="large"), Context())
    assert stack.envelope()["hold"]["kind"] == "wait_handle"
    assert values(stack)["Size"] == "small"
    assert buckets.puts[0].body["Status"] == "SUCCESS"


# Asked of nobody


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"])
def test_a_rollback_is_answered_at_once_with_what_there_is(
    stack: Cloud, buckets: Buckets, update: Event, status: str
) -> None:
    stack.status = status
    handler(update(Size="large"), Context())
    answer = answered(stack, buckets)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", "gatehouse-" + "a" * 64)
    assert answer["Data"] == {"Fingerprint": "a" * 64, "Receipt": ""}
    assert stack.calls == ["DescribeStacks"]


@pytest.mark.parametrize("written", ["'no'", "no", "false"])
def test_a_gate_that_holds_no_updates_lets_them_through(
    stack: Cloud, buckets: Buckets, update: Event, written: str
) -> None:
    stack.template = HOLDING.replace("EmailID: !Ref Email", f"GateUpdates: {written}")
    handler(update(Size="large"), Context())
    assert answered(stack, buckets)["Data"] == {"Fingerprint": "a" * 64, "Receipt": ""}


@pytest.mark.parametrize("physical_id", ["gatehouse-" + "a" * 64, "2026/09/11/[$LATEST]0123456789abcdef"])
def test_the_classic_gate_lets_updates_through_and_keeps_its_name(
    stack: Cloud, buckets: Buckets, update: Event, physical_id: str
) -> None:
    stack.template = CLASSIC
    handler(update(physical_id=physical_id, Size="large"), Context())
    answer = answered(stack, buckets)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", physical_id)


def test_the_classic_gate_may_hold_updates_too(stack: Cloud, buckets: Buckets, update: Event) -> None:
    stack.template = deepcopy(CLASSIC)
    stack.template["Resources"][GATE]["Properties"]["GateUpdates"] = True
    handler(update(Size="large"), Context())
    assert stack.envelope()["gate"] == {"receipt": False, "gate_updates": True, "email_decisions": False}
    assert buckets.puts == []


def the_fingerprint(stack: Cloud, update: Event) -> str:
    """Of the facts as they are."""
    handler(update(old={"WaitUrl": update()["ResourceProperties"]["WaitUrl"]}), Context())
    fingerprint: str = stack.envelope()["fingerprint"]
    stack.published.clear()
    return fingerprint


def test_an_update_of_nothing_is_answered_at_once(stack: Cloud, buckets: Buckets, update: Event) -> None:
    fingerprint = the_fingerprint(stack, update)
    handler(update(made=fingerprint), Context())
    answer = answered(stack, buckets)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", f"gatehouse-{fingerprint}")
    assert answer["Data"] == {"Fingerprint": fingerprint, "Receipt": ""}


@pytest.mark.parametrize(
    "change",
    [
        lambda old: old["Parameters"].update(Size="large"),
        lambda old: old["Parameters"].pop("Size"),
        lambda old: old.pop("Parameters"),
        lambda old: old.update(EmailID="sam@example.com"),
    ],
    ids=["another value", "a value less", "no values", "another address"],
)
def test_what_was_rolled_back_is_asked_for_again(
    stack: Cloud, buckets: Buckets, update: Event, change: Callable[[dict[str, Any]], Any]
) -> None:
    """The resource may still be called as the update that failed, whose fingerprint this one has."""
    made = update(made=the_fingerprint(stack, update))
    change(made["OldResourceProperties"])
    handler(made, Context())
    assert (len(stack.published), buckets.puts) == (1, [])


def test_facts_that_changed_without_a_property_are_asked_for(stack: Cloud, buckets: Buckets, update: Event) -> None:
    handler(update(made="b" * 64), Context())
    assert (len(stack.published), buckets.puts) == (1, [])


# Refused


def refusal(stack: Cloud, buckets: Buckets) -> str:
    answer = answered(stack, buckets)
    assert answer["Status"] == "FAILED"
    return str(answer["Reason"])


@pytest.mark.parametrize(
    "status", ["CREATE_IN_PROGRESS", "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"]
)
def test_an_update_of_a_stack_that_is_not_updated_is_refused(
    stack: Cloud, buckets: Buckets, update: Event, status: str
) -> None:
    stack.status = status
    handler(update(Size="large"), Context())
    assert "neither being created nor updated" in refusal(stack, buckets)


@pytest.mark.parametrize("status", ["UPDATE_COMPLETE", "CREATE_COMPLETE", "DELETE_IN_PROGRESS"])
def test_an_update_cloudformation_is_not_at_work_on_is_refused(
    stack: Cloud, buckets: Buckets, update: Event, status: str
) -> None:
    stack.resources[GATE] = ("Custom::NotificationFunction", status, "gatehouse-x")
    handler(update(Size="large"), Context())
    assert "waits for nothing" in refusal(stack, buckets)


def test_a_wait_url_of_another_handle_is_refused(stack: Cloud, buckets: Buckets, update: Event) -> None:
    stack.resources["ApprovalHandleV1"] = ("AWS::CloudFormation::WaitConditionHandle", "CREATE_COMPLETE", "other")
    handler(update(Size="large"), Context())
    assert "not the one of the stack's wait condition handle" in refusal(stack, buckets)


@pytest.mark.parametrize(
    "template",
    ["[not, a, mapping", HOLDING.replace(f"  {GATE}:", "  ? Something\n  :")],
    ids=["no mapping", "an odd key"],
)
def test_a_gate_that_cannot_be_read_lets_no_update_through(
    stack: Cloud, buckets: Buckets, update: Event, template: str
) -> None:
    stack.template = template
    handler(update(Size="large"), Context())
    assert "The product's template cannot be read" in refusal(stack, buckets)


def test_a_template_in_disguise_lets_no_update_through(stack: Cloud, buckets: Buckets, update: Event) -> None:
    stack.template = HOLDING.replace("EmailID: !Ref Email", "GateUpdates: 'no'")
    stack.summary = {"ResourceTypes": ["AWS::IAM::Role", "Custom::NotificationFunction", "Custom::ApprovalReceipt"]}
    handler(update(Size="large"), Context())
    assert "The product's template cannot be read" in refusal(stack, buckets)


OTHER_STACK = STACK_ID.replace("000000000001", "000000000009")
RESPONSES = "cloudformation-custom-resource-response-useast1"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/",
        f"https://{RESPONSES}.s3.amazonaws.com/{quote(f'{OTHER_STACK}|{GATE}|forged')}",
        f"https://{RESPONSES}.s3.amazonaws.com/{quote(f'{STACK_ID}|Queue|forged')}",
        f"https://{RESPONSES}.s3.amazonaws.com/{quote(f'{STACK_ID}|{GATE}|another')}",
        f"https://{RESPONSES}.s3.amazonaws.com.cn/{quote(f'{STACK_ID}|{GATE}|forged')}",
        f"https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/{quote(f'{STACK_ID}|{GATE}|forged')}",
        f"http://{RESPONSES}.s3.amazonaws.com/{quote(f'{STACK_ID}|{GATE}|forged')}",
        "",
        None,
    ],
)
def test_a_forged_update_is_neither_told_nor_answered(
    stack: Cloud, buckets: Buckets, update: Event, url: str | None
) -> None:
    """Whoever may invoke the function can make the desk neither call a URL nor show parameters of his choice."""
    with pytest.raises(Refused):
        handler(update(Size="tiny") | {"RequestId": "forged", "ResponseURL": url}, Context())
    assert (stack.calls, stack.published, buckets.puts) == ([], [], [])


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "https://evil.example.com/",
        f"https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/{quote(OTHER_STACK)}/guid/ApprovalHandleV1",
    ],
)
def test_an_update_with_a_wait_url_of_elsewhere_is_refused(
    stack: Cloud, buckets: Buckets, update: Event, url: str | None
) -> None:
    made = update(Size="large")
    made["ResourceProperties"]["WaitUrl"] = made["OldResourceProperties"]["WaitUrl"] = url
    handler(made, Context())
    assert "Approval cannot be asked for. " in refusal(stack, buckets)


@pytest.mark.parametrize("physical_id", ["", " ", "é", "x" * 1025, 7 * " "])
def test_an_update_of_nothing_with_a_name_is_refused(
    stack: Cloud, buckets: Buckets, update: Event, physical_id: str
) -> None:
    handler(update(Size="large") | {"PhysicalResourceId": physical_id}, Context())
    assert "does not say which resource is updated" in refusal(stack, buckets)


@pytest.mark.parametrize("operation", ["DescribeStacks", "DescribeStackResource", "GetTemplate", "GetTemplateSummary"])
def test_facts_that_cannot_be_read_fail_the_update_at_once(
    stack: Cloud, buckets: Buckets, update: Event, operation: str
) -> None:
    stack.errors[operation] = [error(operation, "AccessDenied", 403)] * 9
    handler(update(Size="large"), Context())
    assert "(AccessDenied)" in refusal(stack, buckets)


@given(given=st.dictionaries(st.sampled_from(["Email", "Size", "x"]), st.none() | st.integers() | st.lists(st.text())))
def test_no_parameters_of_an_event_break_the_fingerprint(given: dict[str, Any]) -> None:
    from lambdas.notify.launch import updated
    from lambdas.notify.template import Template, tree_of
    from lambdas.shared import Request, Stack

    properties = {"WaitUrl": "u", "Parameters": given}
    where = Stack("id", "aws", "us-east-1", "111122223333", "SC-x")
    request = Request("Update", "1", where, GATE, "gatehouse-x", "", properties, {"WaitUrl": "u"}, 0)
    resources = tree_of(HOLDING)["Resources"]
    template = Template("0" * 64, "", resources, {"Email": "e", "Size": "s"}, {}, cut=False)
    found = updated(request, template)
    assert set(found) == {"Email", "Size"}
    assert all(isinstance(value, str) for value in found.values())
