"""What is being asked: the worker reads the launch's own template, the page shows it, and nothing waits for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
import time_machine
from botocore.exceptions import ClientError, EndpointConnectionError
from django.test import Client

from approvals import actions, hints
from approvals.actor import Actor
from approvals.asked import estimate, linting, reading
from approvals.canonical import digest as canonical_digest
from approvals.canonical import sha256_hex
from approvals.choices import Channel, Kind, Outcome, ReadingStatus, State, WhyNot
from approvals.following import stacks
from approvals.models import LaunchRequest, TemplateReading
from catalog import aws
from catalog.models import Template
from catalog.publishing import bucket
from catalog.reading.lint import NotLinted, Remark
from catalog.templates import Document
from portal import clock
from tests.integration.test_views import _Markup, text_of
from tests.support.cast import Cast
from tests.support.launches import open_launch
from tests.support.reading import document, one
from tests.support.run import ROOT

pytestmark = pytest.mark.django_db
NOW = clock.now().replace(microsecond=0)
WORDPRESS = (ROOT / "lambdas" / "samples" / "wordpress.yaml").read_text()
TABLE = {
    "Resources": {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
                # cfn-lint: an attribute that no key uses.
                "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in "ab"],
            },
        }
    }
}
SignIn = Callable[[Any], Client]


class CloudFormation:
    """CloudFormation as far as reading asks it; counts its calls."""

    def __init__(self, body: Any = WORDPRESS, error: Exception | None = None) -> None:
        self.body, self.error = body, error
        self.asked: list[str] = []
        self.url = "http://calculator.s3.amazonaws.com/calc5.html?key=cf-1"

    def get_template(self, **_given: Any) -> dict[str, Any]:
        self.asked.append("GetTemplate")
        if self.error:
            raise self.error
        return {"TemplateBody": self.body}

    def estimate_template_cost(self, **given: Any) -> dict[str, Any]:
        self.asked.append("EstimateTemplateCost")
        self.given = given
        return {"Url": self.url}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> CloudFormation:
    cloud = CloudFormation()
    monkeypatch.setattr(stacks, "client", lambda *_where: cloud)
    monkeypatch.setattr(hints, "publish", lambda _hint: None)
    return cloud


def refusal(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetTemplate")


def parameter(name: str, value: str | None) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "no_echo": value == "****",
        "sha256": sha256_hex(value or ""),
        "length": len(value or ""),
    }


GIVEN = [
    parameter("InstanceType", "m6i.large"),
    parameter("VisitorRange", "0.0.0.0/0"),
    parameter("DBPassword", "****"),
]


def launched(now: datetime = NOW, body: str = WORDPRESS, **changes: Any) -> LaunchRequest:
    said = {"template": {"sha256": sha256_hex(body), "resource_types": {"AWS::EC2::Instance": 1}}, "parameters": GIVEN}
    return open_launch(now, **(said | changes))


def drained(request: LaunchRequest, now: datetime = NOW) -> TemplateReading:
    with time_machine.travel(now, tick=False):
        reading.drain()
    return TemplateReading.objects.get(request=request)


def updated(request: LaunchRequest, **changes: Any) -> LaunchRequest:
    """An update of a request that was launched."""
    LaunchRequest.objects.filter(pk=request.pk).update(state=State.APPROVED, outcome=Outcome.LAUNCHED, outcome_at=NOW)
    same = {"stack_id": request.stack_id, "stack_name": request.stack_name, "kind": Kind.VERSION_UPDATE}
    return launched(**(same | changes))


class TestReading:
    def test_the_template_is_read_from_the_stack(self, cloud: CloudFormation) -> None:
        found = drained(launched())
        assert (found.status, found.why_not, found.read_at) == (ReadingStatus.READ, "", NOW)
        assert found.template is not None
        assert found.template.body == WORDPRESS
        codes = {one["code"] for one in found.digest["findings"]}
        assert "open-ingress" in codes
        assert "****" not in json.dumps(found.digest)

    def test_what_the_catalogue_has_is_not_asked_for(self, cloud: CloudFormation) -> None:
        data = WORDPRESS.encode()
        Template.objects.create(sha256=sha256_hex(data), body=WORDPRESS, size=len(data), first_read_at=NOW)
        assert drained(launched()).status == ReadingStatus.READ
        assert "GetTemplate" not in cloud.asked

    def test_json_is_told_by_its_canonical_form(self, cloud: CloudFormation) -> None:
        cloud.body = {"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "Ä\0\ud800"}}}}
        cloud.body["Description"] = "with \0 and \ud800"
        request = launched(template={"sha256": canonical_digest(cloud.body)})
        found = drained(request)
        assert found.status == ReadingStatus.READ
        assert found.digest["description"] == "with \ufffd and ?"
        again = drained(launched(stack_id=request.stack_id, gate="Other", template=request.template))
        assert again.template_id == found.template_id
        assert cloud.asked.count("GetTemplate") == 1

    def test_another_template_is_not_shown(self, cloud: CloudFormation) -> None:
        found = drained(launched(body=WORDPRESS + "#"))
        assert (found.status, found.why_not, found.template) == (ReadingStatus.GIVEN_UP, WhyNot.ANOTHER, None)

    @pytest.mark.parametrize(
        ("error", "why", "status"),
        [
            (aws.NoReadingRole(account="1"), WhyNot.NO_ROLE, ReadingStatus.GIVEN_UP),
            (refusal("ValidationError", "Stack x does not exist"), WhyNot.GONE, ReadingStatus.GIVEN_UP),
            (refusal("AccessDenied"), WhyNot.REFUSED, ReadingStatus.QUEUED),
            (refusal("Throttling"), WhyNot.UNREACHABLE, ReadingStatus.QUEUED),
            (EndpointConnectionError(endpoint_url="https://x"), WhyNot.UNREACHABLE, ReadingStatus.QUEUED),
        ],
    )
    def test_why_it_is_not_read(
        self, cloud: CloudFormation, error: Exception, why: WhyNot, status: ReadingStatus
    ) -> None:
        cloud.error = error
        found = drained(launched())
        assert (found.status, found.why_not) == (status, why)

    def test_what_passes_is_tried_again_and_one_day_no_more(self, cloud: CloudFormation) -> None:
        cloud.error = refusal("Throttling")
        request = launched()
        found = drained(request)
        assert NOW <= found.next_attempt_at <= NOW + timedelta(seconds=4)
        assert drained(request, NOW + reading.LIFE).status == ReadingStatus.GIVEN_UP
        assert len(cloud.asked) == 2

    def test_a_template_nobody_can_read_is_given_up(self, cloud: CloudFormation) -> None:
        cloud.body = "Resources: ["
        assert drained(launched(body=cloud.body)).why_not == WhyNot.UNREADABLE

    def test_an_error_nobody_thought_of_stops_no_other(
        self, cloud: CloudFormation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = launched(), launched()
        whole = reading.read_for

        def breaks(request: LaunchRequest, now: datetime) -> dict[str, Any]:
            if request.pk == first.pk:
                raise RuntimeError("hunter2")
            return whole(request, now)

        monkeypatch.setattr(reading, "read_for", breaks)
        assert drained(second).status == ReadingStatus.READ
        assert TemplateReading.objects.get(request=first).status == ReadingStatus.QUEUED

    def test_a_worker_that_died_is_taken_over_a_few_times(self, cloud: CloudFormation) -> None:
        request, now = launched(), NOW
        for attempt in range(1, 5):
            claimed = reading.claim(now)
            assert claimed is not None
            assert claimed.attempts == attempt
            assert reading.claim(now + timedelta(seconds=1)) is None
            now += reading.TAKEOVER + timedelta(seconds=1)
        assert reading.claim(now) is None
        assert TemplateReading.objects.get(request=request).status == ReadingStatus.GIVEN_UP

    def test_an_update_is_compared_with_the_stack_as_it_is(self, cloud: CloudFormation) -> None:
        table = one("AWS::DynamoDB::Table", {"DeletionPolicy": "Retain"})
        cloud.body = document(table | {"Old": {"Type": "AWS::DynamoDB::Table"}}).text
        first = launched(body=cloud.body)
        assert drained(first).difference is None
        cloud.body = document(table | {"New": {"Type": "AWS::SQS::Queue"}}).text
        found = drained(updated(first, body=cloud.body))
        assert found.previous == first
        assert found.difference is not None
        assert [change["id"] for change in found.difference["added"]] == ["New"]
        assert [(one["code"], one["resources"]) for one in found.digest["findings"]] == [("data-removed", ["Old"])]

    def test_a_wrapper_shows_what_it_wraps(self, cloud: CloudFormation, settings: Any) -> None:
        settings.GATEHOUSE_TEMPLATE_BUCKET = "b"

        def wrapper(child: str) -> str:
            url = f"{bucket.own_address(sha256_hex(child))}?versionId=v1"
            nested = one("AWS::CloudFormation::Stack", TemplateURL=url)
            return document(nested, Metadata={"Gatehouse": {"Wraps": {"Sha256": sha256_hex(child)}}}).text

        children = [document(one("AWS::DynamoDB::Table", BillingMode=mode)).text for mode in ("PROVISIONED", "PAY")]
        for child in children:
            size = len(child.encode())
            Template.objects.create(sha256=sha256_hex(child), body=child, size=size, first_read_at=NOW)
        cloud.body = wrapper(children[0])
        first = launched(body=cloud.body)
        found = drained(first)
        assert [finding["code"] for finding in found.digest["findings"]] == ["data-go", "nested-template"]
        assert {service["name"] for service in found.digest["services"]} == {"CloudFormation", "DynamoDB"}
        cloud.body = wrapper(children[1])
        again = drained(updated(first, body=cloud.body))
        assert again.difference is not None
        assert again.difference["changed"][0]["paths"] == ["Properties.BillingMode"]


class TestLinting:
    def test_what_cfn_lint_says_is_kept_and_used_again(
        self, cloud: CloudFormation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said = [Remark("E1001", "Error", "Title", "Web", "Sentence")]
        calls: list[str] = []

        def speaks(_document: Document, region: str) -> list[Remark]:
            calls.append(region)
            return said

        monkeypatch.setattr(linting, "lint", speaks)
        requests = [launched(), launched()]
        for request in requests:
            drained(request)
        linting.drain()
        assert [found.lint for found in TemplateReading.objects.all()] == [[said[0].kept()]] * 2
        assert calls == ["us-east-1"]

    def test_silence_is_borne_twice(self, cloud: CloudFormation, monkeypatch: pytest.MonkeyPatch) -> None:
        def silent(*_args: Any) -> Any:
            raise NotLinted("too slow")

        monkeypatch.setattr(linting, "lint", silent)
        drained(launched())
        for minutes in (0, 10, 20):
            with time_machine.travel(NOW + timedelta(minutes=minutes), tick=False):
                linting.drain()
        found = TemplateReading.objects.get()
        assert (found.lint, found.lint_attempts) == (None, 2)


class TestEstimate:
    def test_hidden_values_are_not_sent(self, cloud: CloudFormation) -> None:
        found = drained(launched(parameters=[*GIVEN, parameter("ImageId", "ami-1")]))
        sent = [one["ParameterKey"] for one in cloud.given["Parameters"]]
        assert sent == ["InstanceType", "VisitorRange"]
        assert found.estimate_url == "https://calculator.s3.amazonaws.com/calc5.html?key=cf-1"

    @pytest.mark.parametrize(
        "url",
        [
            "https://evil.example/",
            "javascript:alert(1)",
            "https://calculator.aws.evil.example/",
            "https://u@calculator.aws/",
            "https://[",
            "",
        ],
    )
    def test_no_link_leads_elsewhere(self, url: str) -> None:
        assert estimate.trusted(url) == ""

    def test_the_calculator_is_the_calculator(self) -> None:
        assert estimate.trusted("https://calculator.aws/#/estimate?key=1") == "https://calculator.aws/#/estimate?key=1"


class TestThePage:
    def test_it_says_what_is_being_asked(self, cloud: CloudFormation, cast: Cast, client_for: SignIn) -> None:
        request = launched()
        drained(request)
        TemplateReading.objects.update(lint=[Remark("E1", "Error", "A title", "Web", "A sentence").kept()])
        page = text_of(client_for(cast.approver).get(request.get_absolute_url()))
        for part in (
            "What is being asked",
            "Open to the whole internet Low risk",
            "Every address on the internet may reach 80.",
            "1 remark of cfn-lint",
            "A sentence",
            "resources will be made",
            "Web server",
            "not the default",
            "t3.small",
            "AWS’s estimate of the costs",
        ):
            assert part in page, part

    def test_a_template_that_was_not_read_is_no_template_in_order(
        self, cloud: CloudFormation, cast: Cast, client_for: SignIn
    ) -> None:
        request, approver = launched(), client_for(cast.approver)
        url = request.get_absolute_url()
        waiting = text_of(approver.get(url))
        assert "The template is being read. You can decide without waiting for it." in waiting
        assert "AWS::EC2::Instance" in waiting
        cloud.error = refusal("AccessDenied")
        drained(request)
        assert "AWS did not allow the desk to read the stack’s template. The desk tries again." in text_of(
            approver.get(url)
        )
        drained(request, NOW + reading.LIFE)
        given_up = text_of(approver.get(url))
        assert "The template could not be read, so nothing was checked in it." in given_up
        assert "None of the risks" not in given_up

    def test_who_has_the_page_open_is_told_that_it_was_read(
        self, cloud: CloudFormation, cast: Cast, client_for: SignIn
    ) -> None:
        request, approver = launched(), client_for(cast.approver)
        url = request.get_absolute_url()
        poll = approver.get(url).content.decode().partition('hx-get="')[2].partition('"')[0].replace("&amp;", "&")
        assert "read meanwhile" not in text_of(approver.get(poll))
        drained(request)
        assert "The template has been read meanwhile." in text_of(approver.get(poll))
        assert "read meanwhile" not in text_of(approver.get(url))

    def test_a_launch_is_compared_with_the_last_approved_one_its_reader_may_see(
        self, cloud: CloudFormation, cast: Cast, client_for: SignIn
    ) -> None:
        last = launched(email="ravi@example.com", parameters=[parameter("InstanceType", "t3.micro-of-ravi")])
        LaunchRequest.objects.filter(pk=last.pk).update(state=State.APPROVED, closed_at=NOW)
        request = launched(parameters=[parameter("InstanceType", "t3.large")])
        approver = text_of(client_for(cast.approver).get(request.get_absolute_url()))
        assert "differs from the last" in approver
        assert "t3.micro-of-ravi" in approver
        requester = text_of(client_for(cast.requester).get(request.get_absolute_url()))
        assert "t3.large" in requester
        assert "of-ravi" not in requester
        assert last.number not in requester

    def test_an_update_shows_its_difference(self, cloud: CloudFormation, cast: Cast, client_for: SignIn) -> None:
        first = launched()
        drained(first)
        cloud.body = WORDPRESS.replace("Default: t3.small", "Default: m6i.large")
        request = updated(first, body=cloud.body, parameters=[parameter("InstanceType", "m6i.large")])
        drained(request)
        page = client_for(cast.approver).get(request.get_absolute_url())
        assert "Parameters defined anew InstanceType" in text_of(page)
        assert "+    Default: m6i.large" in page.content.decode()
        same = updated(request, body=cloud.body, gate="Other", parameters=[parameter("InstanceType", "t3.micro")])
        drained(same)
        assert "The template is the one the stack has now." in text_of(
            client_for(cast.approver).get(same.get_absolute_url())
        )

    def test_foreign_text_is_never_markup(self, cloud: CloudFormation, cast: Cast, client_for: SignIn) -> None:
        evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
        cloud.body = {
            "Description": evil,
            "Metadata": {
                "AWS::CloudFormation::Interface": {
                    "ParameterGroups": [{"Label": {"default": evil}, "Parameters": [evil]}],
                    "ParameterLabels": {evil: {"default": evil}},
                }
            },
            "Parameters": {evil: {"Type": evil, "Description": evil, "Default": evil}},
            "Resources": {evil: {"Type": f"AWS::{evil}::X"}, "Db": {"Type": "AWS::DynamoDB::Table"}},
        }
        first = launched(template={"sha256": canonical_digest(cloud.body)}, parameters=[parameter(evil, evil)])
        drained(first)
        cloud.body = cloud.body | {"Resources": {f"{evil}2": {"Type": evil}}}
        request = updated(first, template={"sha256": canonical_digest(cloud.body)}, parameters=[parameter(evil, "x")])
        assert drained(request).status == ReadingStatus.READ
        TemplateReading.objects.update(lint=[Remark(evil, "Error", evil, evil, evil).kept()])
        for shown in (first, request):
            page = client_for(cast.approver).get(shown.get_absolute_url())
            assert _Markup(page.content.decode()).bad == []

    def test_a_reading_of_another_release_breaks_nothing(
        self, cloud: CloudFormation, cast: Cast, client_for: SignIn
    ) -> None:
        request = launched()
        TemplateReading.objects.update(status=ReadingStatus.READ, digest={"of": "tomorrow"}, difference={"x": 1})
        page = client_for(cast.approver).get(request.get_absolute_url())
        assert page.status_code == 200
        assert "nothing was checked in it" in text_of(page)


def test_no_decision_waits_for_aws(cast: Cast, client_for: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead(*_where: Any) -> Any:
        raise AssertionError("a page asked AWS")

    monkeypatch.setattr(aws, "client", dead)
    request = launched(datetime.now(UTC))
    approver = client_for(cast.approver)
    assert approver.get(request.get_absolute_url()).status_code == 200
    actions.approve(request.pk, actor=Actor(cast.approver, Channel.DESK), now=datetime.now(UTC), reason="")
    assert approver.get(request.get_absolute_url()).status_code == 200


def test_the_whole_way_against_the_sandbox(sandbox: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack with a template of its own; GetTemplate, EstimateTemplateCost, and cfn-lint in its own process."""
    monkeypatch.setattr(hints, "publish", lambda _hint: None)
    aws.own_account.cache_clear()
    aws._client.cache_clear()
    body = json.dumps(TABLE)
    made = boto3.client("cloudformation").create_stack(StackName="SC-1-pp-asked", TemplateBody=body)["StackId"]
    request = launched(
        datetime.now(UTC), stack_id=made, template={"sha256": canonical_digest(json.loads(body))}, parameters=[]
    )
    reading.drain()
    linting.drain()
    found = TemplateReading.objects.get(request=request)
    assert (found.status, found.why_not) == (ReadingStatus.READ, "")
    assert [one["code"] for one in found.digest["findings"]] == ["data-go"]
    assert found.estimate_url.startswith("https://calculator.aws/")
    assert found.lint is not None
    assert ("E3039", "Table") in [(one["rule"], one["resource"]) for one in found.lint]
