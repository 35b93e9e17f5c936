"""The inbox: tabs, filters in the URL, search, saved views."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals import actions
from approvals.actor import Actor
from approvals.choices import Channel, State
from approvals.models import LaunchRequest, Membership, SavedView, Team
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch

SignIn = Callable[[User], Client]


@pytest.fixture
def approver(cast: Cast, client_for: SignIn) -> Client:
    return client_for(cast.approver)


def page(client: Client, query: str = "") -> str:
    answer = client.get(f"/desk/?{query}")
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def numbers(client: Client, query: str = "") -> list[str]:
    """The requests in the list, as they stand there."""
    return [f"GH-{pk}" for pk in re.findall(r'<tr id="row-(\d+)"', page(client, query))]


def shown(launch: LaunchRequest, client: Client, query: str) -> bool:
    return launch.number in numbers(client, query)


def changed(launch: LaunchRequest, **changes: Any) -> LaunchRequest:
    LaunchRequest.objects.filter(pk=launch.pk).update(**changes)
    return launch


class TestTabs:
    def test_each_request_stands_in_its_tab_and_in_all(self, approver: Client, cast: Cast) -> None:
        by_tab = {
            "waiting": [State.PENDING, State.NEEDS_INFO],
            "decided": [State.APPROVED, State.REJECTED],
            "expired": [State.EXPIRED],
            "all": list(State),
        }
        launches = {state: changed(open_launch(now()), state=state) for state in State}
        for tab, states in by_tab.items():
            assert sorted(numbers(approver, f"tab={tab}")) == sorted(launches[state].number for state in states)

    def test_the_tabs_count_what_the_filters_leave_over(self, approver: Client, cast: Cast) -> None:
        changed(open_launch(now()), region="eu-west-1", state=State.APPROVED)
        changed(open_launch(now()), region="eu-west-1")
        open_launch(now())
        counts = re.findall(r'<span class="count">([^<]+)</span></a>', page(approver, "region=eu-west-1"))
        assert counts == ["1", "1", "0", "2"]

    def test_more_than_a_thousand_are_not_counted(
        self, approver: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from approvals.inbox import narrowing
        from approvals.templatetags import inbox

        for module in (narrowing, inbox):
            monkeypatch.setattr(module, "MOST_COUNTED", 2)
        for _ in range(3):
            open_launch(now())
        assert '<span class="count">2+</span>' in page(approver)

    @pytest.mark.parametrize("tab", ["waiting", "decided", "expired", "all"])
    def test_an_empty_tab_says_what_will_stand_there(self, approver: Client, tab: str) -> None:
        assert 'class="empty"' in page(approver, f"tab={tab}")

    def test_old_requests_are_paged_with_their_filters(self, approver: Client, cast: Cast) -> None:
        for _ in range(27):
            changed(open_launch(now()), state=State.APPROVED, region="eu-west-1")
        older = re.search(
            r'href="\?(tab=decided&region=eu-west-1&before=\d+)"', page(approver, "tab=decided&region=eu-west-1")
        )
        assert older
        assert len(numbers(approver, older[1])) == 2
        assert 'href="?tab=decided&region=eu-west-1"' in page(approver, older[1])


class TestFilters:
    @pytest.mark.parametrize(
        ("query", "changes"),
        [
            ("product=prod-other", {"product_id": "prod-other"}),
            ("portfolio=port-other", {"portfolio_id": "port-other"}),
            ("account=999988887777", {"account": "999988887777"}),
            ("region=eu-central-1", {"region": "eu-central-1"}),
            ("risk=high", {"risk": "high"}),
            ("risk=none", {"risk": "none"}),
            ("state=needs_info", {"state": State.NEEDS_INFO}),
            ("kind=version_update", {"kind": "version_update"}),
            ("age=over-1d", {"opened_at": now() - timedelta(days=2)}),
            ("risk=high&region=eu-central-1", {"risk": "high", "region": "eu-central-1"}),
        ],
    )
    def test_a_filter_leaves_only_what_fits(
        self, approver: Client, cast: Cast, query: str, changes: dict[str, Any]
    ) -> None:
        open_launch(now())
        wanted = changed(open_launch(now()), **changes)
        assert numbers(approver, query) == [wanted.number]

    def test_what_was_not_read_yet_and_what_is_young_can_be_filtered_for(self, approver: Client, cast: Cast) -> None:
        old = changed(open_launch(now()), opened_at=now() - timedelta(hours=3), risk="low")
        young = open_launch(now())
        assert numbers(approver, "risk=unread") == [young.number]
        assert numbers(approver, "age=1h") == [young.number]
        assert sorted(numbers(approver, "age=1d")) == sorted([old.number, young.number])

    def test_a_person_is_filtered_for_by_an_id_that_nobody_guesses(self, approver: Client, cast: Cast) -> None:
        wanted = changed(open_launch(now()), requester=cast.requester)
        changed(open_launch(now()), requester=cast.other_requester)
        assert numbers(approver, f"requester={cast.requester.uuid}") == [wanted.number]

    @pytest.mark.parametrize(
        "query",
        [
            "product=" + "a" * 101,
            "product=%00",
            "portfolio='--",
            "account=12",
            "account=１１１１２２２２３３３３",
            "region=EU",
            "requester=nobody",
            "requester=00000000-0000-0000-0000-000000000000",
            "age=9d",
            "risk=terrible",
            "state=approved",
            "state=open",
            "kind=party",
            "tab=secret",
            "q=%00%E2%80%8B",
            "q=" + "a" * 300,
            "q=!!!",
        ],
    )
    def test_a_value_that_cannot_be_is_left_out_and_said(self, approver: Client, cast: Cast, query: str) -> None:
        launch = open_launch(now())
        assert shown(launch, approver, query)
        assert "A filter was left out" in page(approver, query)

    def test_each_filter_can_be_taken_away_alone(self, approver: Client, cast: Cast) -> None:
        answer = page(approver, "region=eu-central-1&risk=high")
        chips = re.findall(r'<a class="chip[^"]*" href="([^"]+)">', answer)
        assert chips == ["/desk/?risk=high", "/desk/?region=eu-central-1", "/desk/"]

    def test_when_nothing_fits_the_page_says_how_to_look_further(self, approver: Client, cast: Cast) -> None:
        answer = page(approver, "region=eu-central-1")
        assert "Nothing fits these filters" in answer
        assert 'href="/desk/?tab=all&region=eu-central-1"' in answer

    def test_only_so_many_values_are_offered(self, approver: Client, cast: Cast) -> None:
        for one in range(60):
            changed(open_launch(now()), region=f"moon-{one}")
        options = re.findall(r'<option value="moon-\d+"', page(approver, "region=moon-99"))
        assert len(options) == 51

    def test_nothing_is_offered_of_what_another_team_decides(
        self, approver: Client, cast: Cast, client_for: SignIn
    ) -> None:
        changed(open_launch(now()), region="secret-1", product_name="Secret product")
        team = Team.objects.create(name="Others")
        Membership.objects.create(team=team, person=cast.outsider)
        assert "secret-1" in page(approver)
        answer = page(client_for(cast.outsider), "product=prod-wordpress")
        assert "secret-1" not in answer
        assert "Secret product" not in answer


class TestTheAddress:
    def test_what_is_not_set_is_no_part_of_it(self, approver: Client) -> None:
        answer = approver.get("/desk/?tab=decided&q=&region=eu-1&risk=&age=%20")
        assert answer["Location"] == "/desk/?tab=decided&region=eu-1"
        assert approver.get("/desk/?q=&risk=")["Location"] == "/desk/"
        assert "A filter was left out" in html.unescape(approver.get("/desk/?q=&risk=x", follow=True).content.decode())

    def test_fifty_stand_on_a_page_and_all_of_them_can_be_ticked(self, approver: Client, cast: Cast) -> None:
        for _ in range(51):
            open_launch(now())
        answer = page(approver)
        assert answer.count('name="pick"') == 50
        assert answer.count('id="pick-all"') == 1
        assert "pick-all" not in page(approver, "tab=all")


class TestQueries:
    def many(self, client: Client, url: str) -> int:
        client.get(url)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    @pytest.mark.parametrize("query", ["", "tab=all", "tab=decided&q=rita", "region=us-east-1&age=over-1h"])
    def test_their_number_does_not_grow_with_the_list(self, approver: Client, cast: Cast, query: str) -> None:
        at = now() - timedelta(hours=2)
        open_launch(at)
        few = {url: self.many(approver, url) for url in (f"/desk/?{query}", f"/desk/live/?{query}")}
        for one in range(30):
            launch = open_launch(at)
            if one % 2:
                actions.claim(launch.pk, actor=Actor(cast.approver, Channel.DESK), now=at)
        assert few == {url: self.many(approver, url) for url in few}
        assert max(few.values()) <= 11


class TestSavedViews:
    def test_filters_are_kept_under_a_name_opened_and_deleted(self, approver: Client, cast: Cast) -> None:
        answer = approver.post("/desk/views/", {"name": "Risky in Frankfurt", "query": "region=eu-central-1&risk=high"})
        assert answer["Location"] == "/desk/?region=eu-central-1&risk=high"
        assert 'href="/desk/?region=eu-central-1&risk=high"' in page(approver)
        view = SavedView.objects.get(person=cast.approver)
        assert approver.post(f"/desk/views/{view.pk}/delete/").status_code == 302
        assert not SavedView.objects.exists()

    def test_views_stand_beside_the_tabs_and_the_one_that_is_shown_is_marked(
        self, approver: Client, cast: Cast
    ) -> None:
        assert "view-links" not in page(approver)
        for name, query in (("Risky <b>", "risk=high"), ("Mine", "taken=me")):
            SavedView.objects.create(person=cast.approver, name=name, query=query)
        beside = re.search(r'<nav class="view-links".*?</nav>', approver.get("/desk/?risk=high").content.decode())
        assert beside
        assert re.findall(r'href="([^"]+)"( aria-current="true")?>([^<]+)<', beside[0]) == [
            ("/desk/?taken=me", "", "Mine"),
            ("/desk/?risk=high", ' aria-current="true"', "Risky &lt;b&gt;"),
        ]

    def test_a_view_is_nobody_elses(self, approver: Client, cast: Cast, client_for: SignIn) -> None:
        approver.post("/desk/views/", {"name": "My morning", "query": "risk=high"})
        other = client_for(cast.second_approver)
        assert "My morning" not in page(other)
        assert other.post(f"/desk/views/{SavedView.objects.get().pk}/delete/").status_code == 404
        assert SavedView.objects.exists()

    def test_only_filters_that_hold_are_kept(self, approver: Client, cast: Cast) -> None:
        answer = approver.post("/desk/views/", {"name": "x", "query": "risk=terrible&region=a-1&next=//evil.example"})
        assert answer["Location"] == "/desk/?region=a-1"
        assert SavedView.objects.get().query == "region=a-1"

    def test_the_same_name_again_replaces_its_filters(self, approver: Client, cast: Cast) -> None:
        for risk in ("high", "low"):
            approver.post("/desk/views/", {"name": "Mine", "query": f"risk={risk}"})
        assert SavedView.objects.get().query == "risk=low"

    @pytest.mark.parametrize("name", ["", "   ", "a" * 61, "\x00"])
    def test_a_view_needs_a_name(self, approver: Client, cast: Cast, name: str) -> None:
        answer = approver.post("/desk/views/", {"name": name, "query": ""}, follow=True)
        assert b"A view needs a name" in answer.content
        assert not SavedView.objects.exists()

    def test_thirty_are_enough(self, approver: Client, cast: Cast) -> None:
        for one in range(30):
            SavedView.objects.create(person=cast.approver, name=f"view {one}", query="")
        answer = approver.post("/desk/views/", {"name": "one more", "query": ""}, follow=True)
        assert b"30 saved views already" in answer.content
        assert SavedView.objects.count() == 30

    def test_filters_too_long_to_keep_are_said(self, approver: Client) -> None:
        answer = approver.post("/desk/views/", {"name": "long", "query": "q=" + "𠀀" * 98}, follow=True)
        assert answer.status_code == 200
        assert b"These filters are too long to be kept" in answer.content
        assert not SavedView.objects.exists()

    @pytest.mark.parametrize(
        "cursor", ["0001-01-01T00:00:00+23:59~1", "9999-12-31T23:59:59-23:59~1", "2026-01-01T00:00:00Z~-5"]
    )
    def test_a_made_up_place_in_the_list_is_its_beginning(self, approver: Client, cursor: str) -> None:
        assert approver.get("/desk/", {"after": cursor}).status_code == 200

    def test_who_has_no_desk_has_no_views(self, cast: Cast, client_for: SignIn) -> None:
        assert client_for(cast.requester).post("/desk/views/", {"name": "x", "query": ""}).status_code == 404
