"""What somebody may not see on the site does not reach them by mail either."""

from __future__ import annotations

from django.core import mail

from approvals import actions
from approvals.choices import DeliveryStatus, NoticeCode
from approvals.models import Delivery, Membership, Team
from approvals.notifications import deliveries
from approvals.notifications.fanout import fan_out
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch
from tests.support.telling import by, told


def test_who_asked_and_then_left_the_team_is_not_told_the_answer(cast: Cast) -> None:
    launch = open_launch(now())
    actions.ask(launch.pk, actor=by(cast.approver), now=now(), text="Why so large?")
    Membership.objects.filter(person=cast.approver).delete()
    actions.answer(launch.pk, actor=by(cast.requester), now=now(), text="For patient data")
    assert told(NoticeCode.ANSWERED) == {"Bea"}


def test_who_is_notified_and_does_not_decide_is_not_told_what_is_said(cast: Cast) -> None:
    launch = open_launch(now())
    Membership.objects.create(team=cast.team, person=cast.outsider, may_decide=False)
    Membership.objects.create(team=cast.team, person=cast.auditor, may_decide=False)
    actions.comment(launch.pk, actor=by(cast.requester), now=now(), text="Please")
    assert told(NoticeCode.COMMENTED) == {"Amir", "Bea", "Otto"}


def test_one_membership_may_tell_and_another_show(cast: Cast) -> None:
    other = Team.objects.create(name="Others")
    launch = open_launch(now())
    launch.stages.get().groups.create(team=other, team_name=other.name)
    Membership.objects.filter(person=cast.approver).update(is_notified=False)
    Membership.objects.create(team=other, person=cast.approver, may_decide=False)
    actions.comment(launch.pk, actor=by(cast.requester), now=now(), text="Please")
    assert told(NoticeCode.COMMENTED) == {"Amir", "Bea"}


def test_rights_taken_away_before_the_mail_leaves_keep_it_back(cast: Cast) -> None:
    launch = open_launch(now())
    actions.comment(launch.pk, actor=by(cast.requester), now=now(), text="Please")
    fan_out(now())
    Membership.objects.filter(person=cast.approver).delete()
    while piece := deliveries.take():
        piece()
    assert {to for one in mail.outbox for to in one.to} == {"bea@example.com"}
    kept = Delivery.objects.filter(person=cast.approver)
    assert set(kept.values_list("status", "last_result")) == {(DeliveryStatus.GIVEN_UP, "may_not_see")}


def test_so_it_is_with_what_waits_for_a_digest(cast: Cast) -> None:
    open_launch(now())
    fan_out(now())
    Delivery.objects.update(in_digest=True)
    Membership.objects.filter(person=cast.approver).delete()
    while piece := deliveries.take():
        piece()
    assert {to for one in mail.outbox for to in one.to} == {"bea@example.com"}
    assert Delivery.objects.get(person=cast.approver).last_result == "may_not_see"
