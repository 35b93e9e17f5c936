"""Claiming a request, and the risk that lists show of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from approvals import actions
from approvals.actions.claiming import LIFE, claimant
from approvals.actor import Actor
from approvals.asked import reading
from approvals.asked.risk import gravest
from approvals.choices import Channel, ReadingStatus
from approvals.errors import Refused, Why
from approvals.inbox.filters import of
from approvals.inbox.neighbours import neighbours
from approvals.models import AuditEvent, LaunchRequest, StageGroup, Team, TemplateReading
from approvals.sentences import sentence
from portal.accounts.models import User
from portal.clock import now
from tests.integration.test_inbox import numbers, page
from tests.support.cast import Cast
from tests.support.launches import open_launch

SignIn = Callable[[User], Client]


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


class TestFilter:
    @pytest.fixture
    def rows(self, cast: Cast) -> dict[str, LaunchRequest]:
        """One that each took, one whose claim has lapsed, one that nobody took, and a closed one."""
        at = now()
        rows = {name: open_launch(at) for name in ("mine", "hers", "lapsed", "free", "closed")}
        for name, person, since in (
            ("mine", cast.approver, at),
            ("hers", cast.second_approver, at),
            ("lapsed", cast.approver, at - LIFE),
            ("closed", cast.approver, at),
        ):
            actions.claim(rows[name].pk, actor=desk(person), now=since)
        actions.reject(rows["closed"].pk, actor=desk(cast.approver), now=at, reason="No.")
        return rows

    @pytest.mark.parametrize("tab", ["", "&tab=all"])
    def test_what_i_took_and_what_nobody_took(
        self, cast: Cast, client_for: SignIn, rows: dict[str, LaunchRequest], tab: str
    ) -> None:
        for person, mine in ((cast.approver, "mine"), (cast.second_approver, "hers")):
            client = client_for(person)
            assert numbers(client, f"taken=me{tab}") == [rows[mine].number]
            assert set(numbers(client, f"taken=nobody{tab}")) == {rows["lapsed"].number, rows["free"].number}

    def test_it_is_counted_offered_and_taken_away_like_the_others(
        self, cast: Cast, client_for: SignIn, rows: dict[str, LaunchRequest]
    ) -> None:
        client = client_for(cast.approver)
        shown = page(client, "taken=me&region=us-east-1")
        assert 'href="/desk/?region=us-east-1"><span class="foreign">Taken by: Me</span>' in shown
        assert '<option value="me" selected>Me</option>' in shown
        counts = re.findall(r'<span class="count">([^<]+)</span></a>', shown)
        # Nobody takes what is closed: those tabs lead on without this filter.
        assert counts == ["1", "1", "0", "1"]
        assert 'href="/desk/?tab=decided&region=us-east-1"' in shown

    def test_among_closed_ones_it_cannot_be_used(
        self, cast: Cast, client_for: SignIn, rows: dict[str, LaunchRequest]
    ) -> None:
        client = client_for(cast.approver)
        shown = page(client, "tab=decided&taken=me")
        assert "A filter was left out: “me” cannot be used for Taken by." in shown
        assert 'id="filter-taken"' not in shown
        assert numbers(client, "tab=decided&taken=me") == [rows["closed"].number]
        assert "A filter was left out" in page(client, "taken=somebody")

    def test_the_next_request_is_the_next_of_this_list(
        self, cast: Cast, client_for: SignIn, rows: dict[str, LaunchRequest]
    ) -> None:
        found = neighbours(cast.approver, of("taken=nobody"), rows["mine"], now())
        assert {found.count, found.after} == {2, rows["lapsed"]}


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
