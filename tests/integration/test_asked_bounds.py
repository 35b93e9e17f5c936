"""What reading a template may not do: end the drain, be given up too early, or tell what somebody may not see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.asked import estimate, reading
from approvals.choices import ReadingStatus, WhyNot
from approvals.models import LaunchRequest, TemplateReading
from approvals.review import asking
from approvals.review.seen import now_seen
from catalog import aws
from catalog.publishing import bucket
from catalog.reading import NotUnderstood
from tests.integration.test_asked import (  # noqa: F401 - cloud is a fixture
    NOW,
    CloudFormation,
    cloud,
    drained,
    launched,
    parameter,
    refusal,
    updated,
)
from tests.integration.test_views import text_of
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db
SignIn = Callable[[Any], Client]


class TestTheWorker:
    def test_waiting_for_aws_is_no_lost_worker(self, cloud: CloudFormation) -> None:  # noqa: F811
        cloud.error = refusal("Throttling")
        request, now = launched(), NOW
        for _ in range(6):
            now = drained(request, now).next_attempt_at + timedelta(seconds=1)
        assert reading.claim(now) is not None
        now += reading.TAKEOVER + timedelta(seconds=1)
        taken_over = reading.claim(now)
        assert taken_over is not None
        assert (taken_over.attempts, taken_over.failures) == (8, 1)

    def test_a_child_that_is_late_is_tried_some_times(
        self,
        cloud: CloudFormation,  # noqa: F811
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def late(*_args: Any) -> Any:
            raise NotUnderstood("too slow", passing=True)

        monkeypatch.setattr(reading, "read_apart", late)
        request, now, tries = launched(), NOW, 0
        while (found := drained(request, now)).status == ReadingStatus.QUEUED:
            now, tries = found.next_attempt_at + timedelta(seconds=1), tries + 1
            assert tries < 10
        assert (found.status, found.why_not, found.attempts) == (ReadingStatus.GIVEN_UP, WhyNot.UNREADABLE, 4)

    def test_an_estimate_that_breaks_stops_no_other(
        self,
        cloud: CloudFormation,  # noqa: F811
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def breaks(**_given: Any) -> Any:
            raise RuntimeError("hunter2")

        monkeypatch.setattr(cloud, "estimate_template_cost", breaks)
        launched()
        drained(launched())
        assert {one.status for one in TemplateReading.objects.all()} == {ReadingStatus.READ}
        estimate.ask(launched())

    def test_the_address_of_our_own_objects(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(aws, "own_region", lambda: "cn-north-1")
        settings.GATEHOUSE_TEMPLATE_BUCKET = "desk"
        digest = "a" * 64
        assert bucket.own_address(digest) == f"https://desk.s3.cn-north-1.amazonaws.com.cn/gatehouse/{digest}.yaml"
        assert bucket.named_in(f"x {bucket.own_address(digest)} y") == {digest}
        settings.GATEHOUSE_TEMPLATE_BUCKET = ""
        assert bucket.own_address(digest) == ""


class TestThePage:
    def test_an_update_tells_nothing_of_a_request_its_reader_may_not_see(
        self,
        cloud: CloudFormation,  # noqa: F811
        cast: Cast,
        client_for: SignIn,
    ) -> None:
        first = launched(email="ravi@example.com", parameters=[parameter("InstanceType", "t3.micro-of-ravi")])
        request = updated(first, parameters=[parameter("InstanceType", "t3.large")])
        LaunchRequest.objects.filter(pk=request.pk).update(requester=cast.requester)
        url = request.get_absolute_url()
        approver = text_of(client_for(cast.approver).get(url))
        assert "t3.micro-of-ravi" in approver
        assert first.number in approver
        requester = text_of(client_for(cast.requester).get(url))
        assert "t3.large" in requester
        assert "of-ravi" not in requester
        assert first.number not in requester

    def test_parameters_and_difference_are_of_the_same_request(
        self,
        cloud: CloudFormation,  # noqa: F811
        cast: Cast,
        client_for: SignIn,
    ) -> None:
        first = launched()
        drained(first)
        request = updated(first)
        drained(request)
        other = updated(first)
        TemplateReading.objects.filter(request=request).update(previous=other)
        found = TemplateReading.objects.select_related("previous").get(request=request)
        assert asking.last_of(request, cast.approver, found) == other

    def test_a_poll_loads_no_reading(self, cloud: CloudFormation, cast: Cast) -> None:  # noqa: F811
        request = launched()
        with CaptureQueriesContext(connection) as asked:
            assert now_seen(request).read == "waiting"
        assert not [one["sql"] for one in asked if '"digest"' in one["sql"]]
