"""A launch: what the desk is told, what CloudFormation is answered, and in which order."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest

from lambdas.notify.index import handler
from lambdas.shared import Refused, Undelivered
from tests.lambdas.cloud import (
    PRINCIPAL,
    STACK_ID,
    STACK_NAME,
    TEMPLATE,
    TOPIC_ARN,
    Buckets,
    Clock,
    Cloud,
    Context,
    error,
)

Event = Callable[..., dict[str, Any]]


def test_a_launch_is_published_before_it_is_answered(cloud: Cloud, buckets: Buckets, event: Event) -> None:
    handler(event(), Context())
    assert cloud.order == ["published", "answered"]
    answer = buckets.puts[0].body
    fingerprint = cloud.envelope()["fingerprint"]
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == f"gatehouse-{fingerprint}"
    assert answer["Data"] == {"Fingerprint": fingerprint, "Receipt": ""}
    assert [answer[name] for name in ("StackId", "RequestId", "LogicalResourceId")] == [
        STACK_ID,
        event()["RequestId"],
        "ApprovalRequestV1",
    ]


def test_the_answer_has_an_empty_content_type_and_the_exact_url(cloud: Cloud, buckets: Buckets, event: Event) -> None:
    handler(event(), Context())
    put = buckets.puts[0]
    assert put.headers["content-type"] == ""
    assert buckets.origin + put.path == event()["ResponseURL"]


def test_the_envelope_says_what_cloudformation_says(
    cloud: Cloud, buckets: Buckets, event: Event, valid: Callable[[Any], None]
) -> None:
    handler(event(), Context())
    envelope = cloud.envelope()
    valid(envelope)
    assert cloud.kind() == "launch"
    assert cloud.published[0]["TopicArn"] == TOPIC_ARN
    assert envelope["id"] == event()["RequestId"]
    assert envelope["hold"] == {
        "kind": "wait_handle",
        "url": buckets.wait_url(),
        "handle": "ApprovalHandleV1",
        "wait": "ApprovalWaitV1",
        "timeout": 42600,
    }
    assert envelope["gate"] == {"receipt": True, "gate_updates": True, "email_decisions": False}
    assert envelope["requester"] == {"principal_arn": PRINCIPAL, "email": "rita@example.com"}
    assert envelope["product"]["product_id"] == "prod-abcdefghijklm"
    assert envelope["product"]["artifact_id"] == "pa-abcdefghijklm"
    assert envelope["stack"]["tags"]["team"] == "shop"
    assert envelope["template"]["resource_types"]["AWS::SQS::Queue"] == 1
    assert {"id": "Queue", "type": "AWS::SQS::Queue"} in envelope["template"]["resources"]


def test_the_same_event_again_gives_the_same_answer_and_id(cloud: Cloud, buckets: Buckets, event: Event) -> None:
    handler(event(), Context())
    handler(event(), Context())
    assert buckets.puts[0].body == buckets.puts[1].body
    first, second = cloud.envelope(0), cloud.envelope(1)
    assert first | {"sent_at": ""} == second | {"sent_at": ""}


def test_words_for_people_hold_no_url_but_the_desks(cloud: Cloud, event: Event) -> None:
    cloud.parameters["Email"] = "rita@example.com\nhttp://evil.example.com/approve"
    handler(event(), Context())
    message = json.loads(cloud.published[0]["Message"])
    assert set(message) == {"default", "sqs", "https", "http"}
    words = message["default"]
    assert re.findall(r"\S+://\S+", words) == [f"https://desk.example.com/f/{cloud.envelope()['fingerprint']}/"]
    assert "evil" not in words
    for fact in ("rita@example.com", "prod-abcdefghijklm", STACK_NAME, "111122223333", "us-east-1", "UTC"):
        assert fact in words
    assert "reply at the desk" in words


def test_plain_http_is_no_door_on_aws(cloud: Cloud, event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    from lambdas.shared import message_of

    monkeypatch.delenv("DEV_ORIGIN")
    assert set(json.loads(message_of({}, "words"))) == {"default", "sqs", "https"}


def test_words_name_the_earlier_end_of_wait_and_url(cloud: Cloud, event: Event) -> None:
    handler(event(), Context())
    # The URL's own 43,199 s run from its X-Amz-Date, long before now plus the condition's timeout.
    assert "Waits until: 2026-09-11 22:11 UTC" in json.loads(cloud.published[0]["Message"])["default"]


def test_without_a_desk_the_words_have_no_link(cloud: Cloud, event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_URL", "")
    handler(event(), Context())
    assert "://" not in json.loads(cloud.published[0]["Message"])["default"]


def test_the_subject_is_short_printable_ascii(cloud: Cloud, event: Event) -> None:
    handler(event(), Context())
    assert re.fullmatch("[ -~]{1,99}", cloud.published[0]["Subject"])


@pytest.mark.parametrize(
    ("written", "parameters", "seconds"),
    [
        ("'60'", {}, 60),
        ("60", {}, 60),
        ("!Ref Wait", {"Wait": "90"}, 90),
        ("{Ref: Wait}", {"Wait": "91"}, 91),
        ("!FindInMap [A, B, C]", {}, 43200),
        ("'99999'", {}, 43200),
        ("'0'", {}, 1),
        ("!Ref Wait", {"Wait": "soon"}, 43200),
    ],
)
def test_the_timeout_is_the_wait_conditions(
    cloud: Cloud, event: Event, written: str, parameters: dict[str, str], seconds: int
) -> None:
    cloud.template = TEMPLATE.replace("'42600'", written)
    cloud.parameters |= parameters
    handler(event(), Context())
    assert cloud.envelope()["hold"]["timeout"] == seconds


@pytest.mark.parametrize(("set_to", "seconds"), [("42600", 42600), ("60000", 43200), ("", 43200)])
def test_a_timeout_that_cannot_be_read_is_the_installations(
    cloud: Cloud, event: Event, monkeypatch: pytest.MonkeyPatch, set_to: str, seconds: int
) -> None:
    monkeypatch.setenv("WAIT_TIMEOUT", set_to)
    cloud.template = TEMPLATE.replace("'42600'", "!FindInMap [A, B, C]")
    handler(event(), Context())
    assert cloud.envelope()["hold"]["timeout"] == seconds


def test_a_parameter_from_the_parameter_store_is_shown_as_what_it_stands_for(cloud: Cloud, event: Event) -> None:
    cloud.parameters["Image"] = "/aws/service/ami-amazon-linux-latest/al2023"
    cloud.resolved["Image"] = "ami-0123456789abcdef0"
    handler(event(), Context())
    shown = {parameter["name"]: parameter["value"] for parameter in cloud.envelope()["parameters"]}
    assert shown == {"Email": "rita@example.com", "Image": "ami-0123456789abcdef0"}


@pytest.mark.parametrize("email", ["!Sub '${Email}.example'", "!FindInMap [A, B, C]"])
def test_what_only_cloudformation_can_resolve_is_never_taken_from_the_event(
    cloud: Cloud, event: Event, email: str
) -> None:
    cloud.template = TEMPLATE.replace("'42600'", "!FindInMap [A, B, C]").replace("!Ref Email", email)
    made = event()
    made["ResourceProperties"] |= {"Timeout": "1234", "EmailID": "mallory@evil.example"}
    handler(made, Context())
    assert cloud.envelope()["hold"]["timeout"] == 43200
    assert cloud.envelope()["requester"]["email"] == ""


def test_the_typed_address_is_read_from_the_stack_not_from_the_event(cloud: Cloud, event: Event) -> None:
    made = event()
    made["ResourceProperties"]["EmailID"] = "somebody.else@example.com"
    handler(made, Context())
    assert cloud.envelope()["requester"]["email"] == "rita@example.com"


@pytest.mark.parametrize(
    ("written", "holds"),
    [
        ("'no'", False),
        ("no", False),
        ("No", False),
        ("false", False),
        ("!Ref Hold", False),
        ("yes", True),
        ("true", True),
        ("!If [A, 'no', 'yes']", True),
    ],
)
def test_a_receipt_gate_holds_updates_unless_it_says_no(cloud: Cloud, event: Event, written: str, holds: bool) -> None:
    cloud.parameters["Hold"] = "no"
    fed = "Parameters: {Email: !Ref Email, Hold: !Ref Hold}"
    cloud.template = TEMPLATE.replace("EmailID: !Ref Email", f"GateUpdates: {written}\n      {fed}")
    handler(event(), Context())
    assert cloud.envelope()["gate"] == {"receipt": True, "gate_updates": holds, "email_decisions": False}


@pytest.mark.parametrize(
    ("fed", "holds"),
    [
        ("{Email: !Ref Email, Size: !Ref Size}", True),
        ("{Size: !Sub '${Size}'}", True),
        ("{Email: !Ref Email}", False),
        ("{Size: t3.micro}", False),
        ("{Size: !Ref Email}", False),
    ],
)
def test_a_gate_that_does_not_see_a_parameter_does_not_promise_to_hold_updates(
    cloud: Cloud, event: Event, fed: str, holds: bool
) -> None:
    """CloudFormation asks a gate only when something that feeds it changes; NoEcho values nobody promises."""
    cloud.parameters |= {"Size": "t3.micro", "Password": "****"}
    cloud.template = TEMPLATE.replace("EmailID: !Ref Email", f"EmailID: !Ref Email\n      Parameters: {fed}")
    handler(event(), Context())
    assert cloud.envelope()["gate"]["gate_updates"] is holds


def test_the_classic_gate_has_no_receipt(cloud: Cloud, event: Event, buckets: Buckets) -> None:
    cloud.template = {
        "Resources": {
            "WaitHandle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
            "WaitCondition": {
                "Type": "AWS::CloudFormation::WaitCondition",
                "Properties": {"Handle": {"Ref": "WaitHandle"}, "Timeout": "43200"},
            },
            "NotificationFunction": {
                "Type": "Custom::NotificationFunction",
                "Properties": {"WaitUrl": {"Ref": "WaitHandle"}, "EmailID": {"Ref": "Email"}},
            },
        }
    }
    url = buckets.wait_url("WaitHandle")
    cloud.resources["WaitHandle"] = ("AWS::CloudFormation::WaitConditionHandle", "CREATE_COMPLETE", url)
    cloud.resources["NotificationFunction"] = ("Custom::NotificationFunction", "CREATE_IN_PROGRESS", "")
    handler(event(LogicalResourceId="NotificationFunction", ResourceProperties={"WaitUrl": url}), Context())
    envelope = cloud.envelope()
    assert envelope["gate"] == {"receipt": False, "gate_updates": False, "email_decisions": False}
    assert (envelope["hold"]["wait"], envelope["hold"]["timeout"]) == ("WaitCondition", 43200)


def test_a_macros_resources_are_read_as_processed(cloud: Cloud, event: Event) -> None:
    cloud.template = "Transform: AWS::Serverless-2016-10-31\n" + TEMPLATE
    cloud.processed = {
        "Resources": {
            "ApprovalRequestV1": {
                "Type": "Custom::NotificationFunction",
                "Properties": {"WaitUrl": {"Ref": "ApprovalHandleV1"}},
            },
            "Role": {"Type": "AWS::IAM::Role"},
        }
    }
    handler(event(), Context())
    assert cloud.envelope()["template"]["resource_types"] == {"Custom::NotificationFunction": 1, "AWS::IAM::Role": 1}


def test_a_template_nobody_can_read_is_still_asked_for(
    cloud: Cloud, event: Event, valid: Callable[[Any], None]
) -> None:
    cloud.template = "[not, a, mapping"
    handler(event(), Context())
    envelope = cloud.envelope()
    valid(envelope)
    assert envelope["template"]["resources"] == []
    assert (envelope["hold"]["handle"], envelope["hold"]["wait"]) == ("ApprovalHandleV1", "")


# A quoted text over several lines, which only a whole YAML parser sees the end of.
DISGUISED = """\
AWSTemplateFormatVersion: '2010-09-09'
Resources:
  Admin:
    Type: AWS::IAM::Role
  ApprovalRequestV1:
    Type: Custom::NotificationFunction
Metadata:
  Note: "a note
Resources:
  ApprovalRequestV1:
    Type: Custom::NotificationFunction
  ApprovalReceiptV1:
    Type: Custom::ApprovalReceipt
    Properties:
      Fingerprint: !GetAtt ApprovalRequestV1.Fingerprint
Outputs: "
"""


def test_a_template_in_disguise_is_shown_with_the_types_cloudformation_finds(
    cloud: Cloud, event: Event, valid: Callable[[Any], None]
) -> None:
    cloud.template = DISGUISED
    handler(event(), Context())
    envelope = cloud.envelope()
    valid(envelope)
    assert envelope["template"]["resource_types"] == {"AWS::IAM::Role": 1, "Custom::NotificationFunction": 1}
    assert (envelope["template"]["resources"], envelope["template"]["cut"]) == ([], True)
    assert envelope["gate"]["receipt"] is False, "a receipt nobody asks for"


def test_a_template_that_was_read_right_is_not_called_cut(cloud: Cloud, event: Event) -> None:
    handler(event(), Context())
    assert cloud.envelope()["template"]["cut"] is False
    assert "GetTemplateSummary" in cloud.calls


def test_a_template_nested_too_deeply_to_read_is_still_asked_for(
    cloud: Cloud, event: Event, valid: Callable[[Any], None]
) -> None:
    cloud.template = TEMPLATE + "Metadata:\n" + "\n".join(" " * i + f"a{i}:" for i in range(1, 500))
    cloud.summary = {"ResourceTypes": ["AWS::SQS::Queue", "Custom::NotificationFunction"]}
    handler(event(), Context())
    envelope = cloud.envelope()
    valid(envelope)
    assert envelope["template"]["resource_types"] == {"AWS::SQS::Queue": 1, "Custom::NotificationFunction": 1}


@pytest.mark.parametrize("code", ["ValidationError", "InvalidAction"])
def test_without_cloudformations_summary_what_was_read_stands(cloud: Cloud, event: Event, code: str) -> None:
    cloud.errors["GetTemplateSummary"] = [error("GetTemplateSummary", code)]
    handler(event(), Context())
    template = cloud.envelope()["template"]
    assert (template["resource_types"]["AWS::SQS::Queue"], template["cut"]) == (1, False)


def test_a_summary_that_cannot_be_had_stops_the_launch(cloud: Cloud, buckets: Buckets, event: Event) -> None:
    cloud.errors["GetTemplateSummary"] = [error("GetTemplateSummary", "AccessDenied", 403)] * 9
    handler(event(), Context())
    assert "(AccessDenied)" in refusal(buckets, cloud)


def test_hidden_values_travel_as_stars(cloud: Cloud, event: Event) -> None:
    cloud.parameters["DBPassword"] = "****"
    handler(event(), Context())
    shown = {parameter["name"]: parameter for parameter in cloud.envelope()["parameters"]}
    assert (shown["DBPassword"]["no_echo"], shown["Email"]["no_echo"]) == (True, False)


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": {"Email": "other@example.com"}},
        {"template": TEMPLATE + "\n# another template\n"},
        {"tags": {}},
    ],
)
def test_other_facts_give_another_fingerprint(cloud: Cloud, event: Event, change: dict[str, Any]) -> None:
    handler(event(), Context())
    for name, value in change.items():
        setattr(cloud, name, value)
    handler(event(), Context())
    assert cloud.envelope(0)["fingerprint"] != cloud.envelope(1)["fingerprint"]


def test_a_json_template_is_hashed_the_same_in_any_order(cloud: Cloud, event: Event) -> None:
    request = {"Type": "Custom::NotificationFunction", "Properties": {"WaitUrl": {"Ref": "ApprovalHandleV1"}}}
    cloud.template = {"Description": "é", "Resources": {"ApprovalRequestV1": request}}
    handler(event(), Context())
    cloud.template = {"Resources": {"ApprovalRequestV1": request}, "Description": "é"}
    handler(event(), Context())
    assert cloud.envelope(0)["fingerprint"] == cloud.envelope(1)["fingerprint"]


# What must not be asked for


def refusal(buckets: Buckets, cloud: Cloud) -> str:
    """The sentence of the only answer, a refusal that published nothing."""
    assert cloud.published == []
    assert [put.body["Status"] for put in buckets.puts] == ["FAILED"]
    assert buckets.puts[0].body["PhysicalResourceId"].startswith("gatehouse-")
    return str(buckets.puts[0].body["Reason"])


def test_a_wait_url_that_is_not_the_handles_is_refused(cloud: Cloud, buckets: Buckets, event: Event) -> None:
    handler(event(ResourceProperties={"WaitUrl": buckets.wait_url() + "&x=1"}), Context())
    assert "not the one of the stack's wait condition handle" in refusal(buckets, cloud)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/",
        "http://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/x",
        f"https://cloudformation-waitcondition-eu-west-3.s3.eu-west-3.amazonaws.com/{STACK_ID}/ApprovalHandleV1",
        f"https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/{STACK_ID[:-1]}2/ApprovalHandleV1",
        f"https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/{STACK_ID}/../x/ApprovalHandleV1",
        "",
        None,
        7,
    ],
)
def test_a_wait_url_of_elsewhere_is_refused(cloud: Cloud, buckets: Buckets, event: Event, url: object) -> None:
    handler(event(ResourceProperties={"WaitUrl": url}), Context())
    assert "Approval cannot be asked for" in refusal(buckets, cloud)


@pytest.mark.parametrize(
    "type_", ["AWS::SQS::Queue", "AWS::CloudFormation::CustomResource", "Custom::ApprovalReceipt", "Custom::Other"]
)
def test_only_a_gates_own_resource_can_announce_a_wait(
    cloud: Cloud, buckets: Buckets, event: Event, type_: str
) -> None:
    """Whoever may invoke the function knows the wait URL, and could announce it again under a name of his choice."""
    cloud.resources["Queue"] = (type_, "CREATE_IN_PROGRESS", "")
    made = event(LogicalResourceId="Queue", RequestId="forged-1")
    made["ResourceProperties"]["EmailID"] = "mallory@evil.example"
    handler(made, Context())
    assert "Queue is no Custom::NotificationFunction" in refusal(buckets, cloud)


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "CREATE_FAILED", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"])
def test_a_gate_that_cloudformation_is_not_at_work_on_announces_nothing(
    cloud: Cloud, buckets: Buckets, event: Event, status: str
) -> None:
    cloud.resources["ApprovalRequestV1"] = ("Custom::NotificationFunction", status, "")
    handler(event(), Context())
    assert "waits for nothing" in refusal(buckets, cloud)


def test_a_launch_cannot_be_made_to_look_like_an_update(cloud: Cloud, buckets: Buckets, event: Event) -> None:
    """For an update nobody is known to have asked."""
    handler(event("Update", OldResourceProperties={"WaitUrl": buckets.wait_url("Old")}), Context())
    assert "neither being created nor updated" in refusal(buckets, cloud)


def test_a_resource_that_is_not_in_the_template_is_refused(cloud: Cloud, buckets: Buckets, event: Event) -> None:
    handler(event(LogicalResourceId="SomethingElse"), Context())
    assert "no resource SomethingElse" in refusal(buckets, cloud)


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS", "UPDATE_COMPLETE"])
def test_a_stack_that_is_not_in_progress_is_refused(cloud: Cloud, buckets: Buckets, event: Event, status: str) -> None:
    cloud.status = status
    handler(event(), Context())
    assert "neither being created nor updated" in refusal(buckets, cloud)


def test_an_unknown_request_type_is_answered(cloud: Cloud, buckets: Buckets, event: Event) -> None:
    handler(event("Destroy"), Context())
    assert "neither Create, Update nor Delete" in refusal(buckets, cloud)


def test_a_stack_of_another_account_is_not_even_answered(cloud: Cloud, buckets: Buckets, event: Event) -> None:
    stack_id = STACK_ID.replace("111122223333", "999999999999")
    url = buckets.response_url("ApprovalRequestV1", event()["RequestId"], stack_id)
    with pytest.raises(Refused):
        handler(event(StackId=stack_id, ResponseURL=url), Context())
    assert (buckets.puts, cloud.calls) == ([], [])


# When things break


def test_what_cannot_be_published_fails_closed(cloud: Cloud, buckets: Buckets, event: Event) -> None:
    cloud.errors["Publish"] = [error("Publish", "AuthorizationError", 403)]
    handler(event(), Context())
    sentence = refusal(buckets, cloud)
    assert "Nobody could be asked" in sentence
    assert "s3cret" not in json.dumps(buckets.puts[0].body)


def test_throttling_is_waited_out(cloud: Cloud, buckets: Buckets, event: Event, clock: Clock) -> None:
    cloud.errors["DescribeStacks"] = [error("DescribeStacks", "Throttling")] * 2
    cloud.errors["Publish"] = [botocore.exceptions.ReadTimeoutError(endpoint_url="https://sns")]
    handler(event(), Context())
    assert buckets.puts[0].body["Status"] == "SUCCESS"
    assert clock.slept == [0.5, 1, 0.5]


@pytest.mark.parametrize("seconds", [0.0, 2.0, 10.0, 14.5, 30.0])
def test_an_answer_leaves_within_any_time(
    cloud: Cloud, buckets: Buckets, event: Event, clock: Clock, seconds: float
) -> None:
    cloud.errors["DescribeStacks"] = [error("DescribeStacks", "Throttling")] * 99
    started = clock.now
    handler(event(), Context(seconds))
    assert buckets.puts[0].body["Status"] == "FAILED"
    assert clock.now - started <= max(0.0, seconds - 3)


def test_any_surprise_is_answered(
    cloud: Cloud, buckets: Buckets, event: Event, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.errors["GetTemplate"] = [RuntimeError("https://example.com/?X-Amz-Signature=s3cret")]
    handler(event(), Context())
    assert "(RuntimeError)" in refusal(buckets, cloud)
    assert "s3cret" not in capsys.readouterr().out


def test_the_answer_is_sent_again_while_s3_has_trouble(
    cloud: Cloud, buckets: Buckets, event: Event, clock: Clock
) -> None:
    buckets.statuses = [500, 503]
    handler(event(), Context())
    assert len(buckets.puts) == 3
    assert len(cloud.published) == 1


def test_lambda_tries_again_when_s3_never_takes_the_answer(cloud: Cloud, buckets: Buckets, event: Event) -> None:
    buckets.statuses = [500] * 99
    with pytest.raises(Undelivered, match="HTTP 500"):
        handler(event(), Context())


def test_an_answer_is_never_redirected(cloud: Cloud, buckets: Buckets, event: Event) -> None:
    buckets.statuses = [307]
    handler(event(), Context())
    assert [put.path.split("/")[1] for put in buckets.puts] == ["cloudformation-custom-resource-response-useast1"]


def test_logs_hold_no_url(cloud: Cloud, buckets: Buckets, event: Event, capsys: pytest.CaptureFixture[str]) -> None:
    handler(event(), Context())
    buckets.statuses = [403]
    handler(event("Delete"), Context())
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 4
    assert all("://" not in line and json.loads(line)["message"] for line in lines)
