"""Claiming a request, and the risk that lists show of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from approvals import actions
from approvals.actions.claiming import LIFE, claimant
from approvals.actor import Actor
from approvals.asked import reading
from approvals.asked.risk import gravest
from approvals.choices import Channel, ReadingStatus
from approvals.errors import Refused, Why
from approvals.models import AuditEvent, LaunchRequest, StageGroup, Team, TemplateReading
from approvals.sentences import sentence
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch


def desk(person: User) -> Actor:
    return Actor(person, Channel.DESK)


def told(launch: LaunchRequest) -> list[str]:
    events = AuditEvent.objects.filter(chain__request=launch, code__in=["claimed", "unclaimed"]).order_by("number")
    return [sentence(event) for event in events]


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    return open_launch(now())


def test_a_claim_is_seen_until_it_lapses(cast: Cast, launch: LaunchRequest) -> None:
    at = now()
    claimed = actions.claim(launch.pk, actor=desk(cast.approver), now=at)
    assert claimant(claimed, at + LIFE - timedelta(seconds=1)) == cast.approver
    assert claimant(claimed, at + LIFE) is None


def test_a_claim_blocks_nobody(cast: Cast, launch: LaunchRequest) -> None:
    actions.claim(launch.pk, actor=desk(cast.approver), now=now())
    decided = actions.approve(launch.pk, actor=desk(cast.second_approver), now=now())
    assert decided.state == "approved"
    assert claimant(decided, now()) is None


def test_claiming_again_lasts_longer_and_is_written_down_once(cast: Cast, launch: LaunchRequest) -> None:
    at = now()
    for minutes in (0, 20):
        actions.claim(launch.pk, actor=desk(cast.approver), now=at + timedelta(minutes=minutes))
    launch.refresh_from_db()
    assert claimant(launch, at + timedelta(minutes=45)) == cast.approver
    assert told(launch) == ["Amir took it"]


def test_somebody_else_takes_it_over(cast: Cast, launch: LaunchRequest) -> None:
    for person in (cast.approver, cast.second_approver):
        actions.claim(launch.pk, actor=desk(person), now=now())
    launch.refresh_from_db()
    assert launch.claimed_by == cast.second_approver
    with pytest.raises(Refused) as refused:
        actions.unclaim(launch.pk, actor=desk(cast.approver), now=now())
    assert refused.value.why is Why.NOT_ALLOWED


def test_who_takes_a_claim_back_says_so_once(cast: Cast, launch: LaunchRequest) -> None:
    actions.claim(launch.pk, actor=desk(cast.approver), now=now())
    actions.unclaim(launch.pk, actor=desk(cast.approver), now=now())
    with pytest.raises(Refused):
        actions.unclaim(launch.pk, actor=desk(cast.approver), now=now())
    assert told(launch) == ["Amir took it", "Amir gave it back"]


@pytest.mark.parametrize("role", ["requester", "auditor", "administrator", "outsider"])
def test_who_may_not_decide_may_not_claim(cast: Cast, launch: LaunchRequest, role: str) -> None:
    with pytest.raises(Refused):
        actions.claim(launch.pk, actor=desk(getattr(cast, role)), now=now())
    launch.refresh_from_db()
    assert launch.claimed_by is None


def test_a_closed_request_is_nobody_s_turn(cast: Cast, launch: LaunchRequest) -> None:
    actions.reject(launch.pk, actor=desk(cast.second_approver), now=now(), reason="No.")
    with pytest.raises(Refused) as refused:
        actions.claim(launch.pk, actor=desk(cast.approver), now=now())
    assert refused.value.why is Why.ALREADY_DECIDED


def test_a_request_names_the_teams_it_is_routed_to(cast: Cast, launch: LaunchRequest) -> None:
    def teams() -> list[int]:
        launch.refresh_from_db()
        return launch.teams

    assert teams() == [cast.team.pk]
    other = Team.objects.create(name="Others")
    group = StageGroup.objects.create(stage=launch.stages.get(), team=other, team_name="Others")
    assert teams() == sorted([cast.team.pk, other.pk])
    group.delete()
    assert teams() == [cast.team.pk]
    for person in (cast.approver, cast.outsider):
        own = [one.team_id for one in person.memberships.filter(may_decide=True)]
        assert set(LaunchRequest.objects.of_teams(own)) == set(LaunchRequest.objects.routed_to(person))


class TestRisk:
    def test_the_gravest_finding_counts(self) -> None:
        assert gravest({"findings": [{"risk": "low"}, {"risk": "high"}, {"risk": "medium"}]}) == "high"
        assert gravest({"findings": []}) == "none"

    @pytest.mark.parametrize("digest", [{}, {"findings": [{"risk": "?"}]}, {"findings": None}])
    def test_of_what_nobody_understands_nothing_is_said(self, digest: dict[str, object]) -> None:
        assert gravest(digest) == ""

    def test_it_is_written_with_the_reading_and_by_its_worker_alone(self, launch: LaunchRequest) -> None:
        mine = reading.claim(now())
        assert mine is not None
        found = {"digest": {"findings": [{"risk": "medium"}]}, "read_at": now()}
        TemplateReading.objects.update(attempts=2)
        reading._settle(mine, found=found)
        launch.refresh_from_db()
        assert launch.risk == ""
        TemplateReading.objects.update(attempts=mine.attempts)
        reading._settle(mine, found=found)
        launch.refresh_from_db()
        assert launch.risk == "medium"
        assert TemplateReading.objects.get().status == ReadingStatus.READ
