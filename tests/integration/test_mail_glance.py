"""The mail to whoever decides says what the page says at a glance; once the template was read, and nothing secret."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from approvals import actions
from approvals.choices import NoticeCode, ReadingStatus
from approvals.models import Delivery, LaunchRequest, Notice, TemplateReading
from approvals.notifications.content import render
from approvals.notifications.fanout import PATIENCE, fan_out_all
from catalog.reading import digest
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch
from tests.support.reading import GIVEN, document
from tests.support.telling import by

SECRET = "correct-horse-battery"
DATABASE = {"Type": "AWS::RDS::DBInstance", "Properties": {"PubliclyAccessible": True, "MasterUserPassword": SECRET}}


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    return open_launch(now())


def read(launch: LaunchRequest, resources: dict[str, Any]) -> None:
    kept = digest(document(resources), GIVEN).kept()
    TemplateReading.objects.filter(request=launch).update(status=ReadingStatus.READ, digest=kept)


def mail(reader: Any, code: NoticeCode = NoticeCode.OPENED) -> Any:
    notice = Notice.objects.select_related("request", "event").earliest("pk")
    notice.code = code
    return render(notice, reader)


def test_it_says_the_risks_the_size_and_what_differs(cast: Cast, launch: LaunchRequest) -> None:
    read(launch, {"Database": DATABASE, "Files": {"Type": "AWS::S3::Bucket"}})
    text = mail(cast.approver).text
    told = text.partition("At a glance:")[2].partition("What you can do:")[0]
    assert "(High risk)" in told
    assert "- 2 resources\n" in told
    assert "its default" in told or "their defaults" in told or "as the template has them" in told
    assert SECRET not in text
    assert f"Stack name: {launch.stack_name}\n" in text
    html = mail(cast.approver, NoticeCode.REMINDED).html
    assert "At a glance" in html
    assert "2 resources" in html


def test_what_differs_from_the_last_time_is_counted(cast: Cast, launch: LaunchRequest) -> None:
    actions.approve(launch.pk, actor=by(cast.approver), now=now(), consent=None)
    second = open_launch(now())
    read(second, {"Files": {"Type": "AWS::S3::Bucket"}})
    notice = Notice.objects.get(request=second)
    assert "- The same parameters as the last time\n" in render(notice, cast.approver).text


def test_before_the_template_was_read_nothing_is_said_of_it(cast: Cast, launch: LaunchRequest) -> None:
    assert "At a glance" not in mail(cast.approver).text


def test_the_requester_reads_nothing_of_it(cast: Cast, launch: LaunchRequest) -> None:
    read(launch, {"Database": DATABASE})
    for code in (NoticeCode.REMINDED, NoticeCode.COMMENTED, NoticeCode.ASKED):
        assert "At a glance" not in mail(cast.requester, code).text


def test_a_new_launch_waits_a_moment_for_its_reading(cast: Cast, launch: LaunchRequest) -> None:
    fan_out_all(now(), 1)
    assert not Delivery.objects.exists()
    read(launch, {"Files": {"Type": "AWS::S3::Bucket"}})
    fan_out_all(now(), 1)
    assert Delivery.objects.exists()


def test_a_reading_that_takes_long_holds_no_mail_back(cast: Cast, launch: LaunchRequest) -> None:
    fan_out_all(now() + PATIENCE + timedelta(seconds=1), 1)
    assert Delivery.objects.exists()
