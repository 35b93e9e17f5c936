"""From one request to the next: the way back to the list one came from, and what else waits for whoever decides."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client

from approvals import actions
from approvals.actor import Actor
from approvals.choices import Channel, HoldStatus
from approvals.inbox.filters import of
from approvals.inbox.neighbours import MOST, neighbours
from approvals.models import Hold, LaunchRequest, Membership, Stage, StageGroup, Team
from portal.accounts.models import User
from portal.clock import now
from tests.integration.test_views import looked, text_of
from tests.support.cast import Cast
from tests.support.launches import open_launch, principal

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
AT = now()


def waiting(minutes: int, **changes: object) -> LaunchRequest:
    """The more minutes, the later its deadline."""
    return open_launch(AT - timedelta(hours=2) + timedelta(minutes=minutes), **changes)


@pytest.fixture
def approver(cast: Cast, client_for: SignIn) -> Client:
    return client_for(cast.approver)


def keys(page: str) -> dict[str, str]:
    """Where the keys of the page lead."""
    links = re.findall(r"<a [^>]*data-key=\"\w\"[^>]*>", page)
    found = {re.findall(r'data-key="(\w)"', link)[0]: re.findall(r'href="([^"]*)"', link)[0] for link in links}
    return {key: unescape(href) for key, href in found.items()}


class TestTheWayBack:
    def test_it_keeps_the_filters_of_the_list_one_came_from(self, cast: Cast, approver: Client) -> None:
        launch = waiting(0)
        assert keys(approver.get(launch.get_absolute_url()).content.decode())["u"] == "/desk/"
        approver.get("/desk/?region=us-east-1&age=7d")
        page = launch.get_absolute_url()
        assert keys(approver.get(page).content.decode())["u"] == "/desk/?region=us-east-1&age=7d"
        approver.post(f"{page}reject/", {"text": "No.", **looked(launch)})
        assert keys(approver.get(page).content.decode())["u"] == "/desk/?region=us-east-1&age=7d"
        approver.get("/desk/")
        assert keys(approver.get(page).content.decode())["u"] == "/desk/"

    def test_a_requester_comes_back_to_their_requests(self, cast: Cast, client_for: SignIn) -> None:
        page = client_for(cast.requester).get(waiting(0).get_absolute_url()).content.decode()
        assert keys(page) == {"u": "/requests/"}


class TestTheNextOne:
    def test_the_neighbours_stand_in_the_list_s_order(self, cast: Cast, approver: Client) -> None:
        first, second, third = (waiting(minutes) for minutes in (0, 10, 20))
        found = keys(approver.get(second.get_absolute_url()).content.decode())
        assert found == {"u": "/desk/", "k": first.get_absolute_url(), "j": third.get_absolute_url()}
        assert "k" not in keys(approver.get(first.get_absolute_url()).content.decode())
        assert "j" not in keys(approver.get(third.get_absolute_url()).content.decode())

    def test_after_a_decision_the_most_urgent_one_is_next(self, cast: Cast, approver: Client) -> None:
        first, second, _third = (waiting(minutes, product_id=f"prod-{minutes}") for minutes in (0, 10, 20))
        page = second.get_absolute_url()
        text = text_of(approver.post(f"{page}approve/", looked(second), follow=True))
        assert f"2 more wait for you. Next: prod-0 {first.number}" in text
        assert keys(approver.get(page).content.decode())["j"] == first.get_absolute_url()

    def test_the_list_s_filters_hold(self, cast: Cast, approver: Client) -> None:
        here, _other, there = (waiting(n, region=region) for n, region in enumerate(("eu-1", "us-1", "eu-1")))
        approver.get("/desk/?region=eu-1&tab=decided")
        assert keys(approver.get(here.get_absolute_url()).content.decode())["j"] == there.get_absolute_url()

    def test_only_what_the_person_may_decide_now_counts(self, cast: Cast) -> None:
        waiting(0, email="amir@example.com", principal_arn=principal("amir@example.com"))
        late, unusable, asked, voted, theirs = (waiting(n) for n in range(1, 6))
        LaunchRequest.objects.filter(pk=late.pk).update(deadline=AT - timedelta(minutes=1))
        Hold.objects.filter(request=unusable).update(status=HoldStatus.UNUSABLE)
        actions.ask(asked.pk, actor=Actor(cast.approver, Channel.DESK), now=AT, text="Why?")
        StageGroup.objects.filter(stage__request=voted).update(quorum=2)
        actions.approve(voted.pk, actor=Actor(cast.approver, Channel.DESK), now=now())
        self.first_for_others(theirs)
        mine = waiting(9)
        found = neighbours(cast.approver, of(""), mine, now())
        assert (found.count, found.before, found.after) == (0, None, None)
        for person in (cast.requester, cast.auditor, cast.administrator):
            assert neighbours(person, of(""), mine, now()).count == 0

    def first_for_others(self, launch: LaunchRequest) -> None:
        """Another team's turn comes before that of the approvers."""
        Stage.objects.filter(request=launch).update(order=2)
        team = Team.objects.create(name="Others")
        stage = Stage.objects.create(request=launch, order=1)
        StageGroup.objects.create(stage=stage, team=team, team_name=team.name)

    def test_it_is_one_query_however_much_waits(
        self, cast: Cast, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Callable[[int], object]
    ) -> None:
        monkeypatch.setattr("approvals.inbox.neighbours.MOST", 4)
        launches = [waiting(n) for n in range(6)]
        person = User.objects.prefetch_related("principals").get(pk=cast.approver.pk)
        with django_assert_num_queries(2):  # type: ignore[attr-defined]
            found = neighbours(person, of(""), launches[1], now())
        assert (found.before, found.after, found.shown) == (launches[0], launches[2], "3+")
        assert neighbours(person, of(""), launches[5], now()).after == launches[0]
        assert MOST == 100

    def test_nothing_of_another_team_is_named(self, cast: Cast, client_for: SignIn) -> None:
        launch = waiting(0)
        secret = waiting(1, product_id="prod-secret")
        Membership.objects.create(team=Team.objects.create(name="Others"), person=cast.outsider)
        own = client_for(cast.requester).get(launch.get_absolute_url()).content.decode()
        assert secret.number not in own
        assert neighbours(cast.outsider, of(""), launch, now()).after is None
