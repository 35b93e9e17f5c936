"""What every list says when it is empty, done, being loaded, or cannot be renewed."""

import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from approvals.choices import State
from approvals.models import LaunchRequest
from portal.accounts.models import User
from portal.clock import now
from tests.support import shelf
from tests.support.cast import Cast
from tests.support.launches import open_launch

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
STATIC = Path(__file__).resolve().parents[2] / "portal" / "static" / "desk"


def read(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return " ".join(html.unescape(answer.content.decode()).split())


class TestNotUpToDate:
    @pytest.mark.parametrize(
        ("who", "path"),
        [
            ("approver", "/desk/"),
            ("requester", "/requests/"),
            ("approver", ""),
            ("administrator", "/catalogue/places/"),
            ("administrator", "/operations/doctor/"),
            ("administrator", "/catalogue/publishing/"),
        ],
    )
    def test_every_page_that_may_renew_itself_says_it_in_one_place(
        self, cast: Cast, client_for: SignIn, who: str, path: str
    ) -> None:
        page = read(client_for(getattr(cast, who)), path or open_launch(now()).get_absolute_url())
        (bar,) = re.findall(r'<div class="fresh"[^>]*></div>', page)
        assert 'role="status"' in bar
        assert 'data-stale="Not up to date since %(time)s. Trying again…"' in bar
        assert 'data-again="Try again now"' in bar
        assert page.count("desk/fresh.js") == 1
        assert '"timeout": 20000' in page

    def test_it_tells_the_time_of_the_readers_zone(self, cast: Cast, client_for: SignIn) -> None:
        User.objects.filter(pk=cast.approver.pk).update(time_zone="Asia/Shanghai")
        assert 'data-zone="Asia/Shanghai"' in read(client_for(cast.approver), "/desk/")

    def test_whoever_is_not_signed_in_has_nothing_that_renews_itself(self) -> None:
        assert "fresh" not in read(Client(), "/accounts/login/")

    def test_one_script_alone_looks_after_it(self) -> None:
        heard = re.compile(r"htmx:(afterRequest|responseError|sendError|timeout)|aria-busy")
        assert [path.name for path in STATIC.glob("*.js") if heard.search(path.read_text("utf-8"))] == ["fresh.js"]


class TestEmpty:
    @pytest.mark.parametrize(
        ("who", "path", "said"),
        [
            ("approver", "/desk/", "This page keeps itself fresh."),
            ("approver", "/desk/?tab=decided", '<a class="button" href="/desk/">See what waits</a>'),
            ("approver", "/desk/?tab=expired", '<a class="button" href="/desk/">See what waits</a>'),
            ("approver", "/desk/?q=nothing", "Remove all filters"),
            ("requester", "/requests/", "Launch a gated product in Service Catalog"),
            ("requester", "/requests/?q=nothing", "Show all my requests"),
            ("administrator", "/catalogue/", "under “Accounts and regions”"),
            ("administrator", "/catalogue/places/", "Is it running?"),
            ("administrator", "/catalogue/publishing/", "Begin with a portfolio above"),
            ("administrator", "/people/?q=nobody", '<a class="button" href="/people/">Show everybody</a>'),
            ("administrator", "/operations/", "stands here until somebody acknowledges it"),
            ("administrator", "/operations/", "to be sent again"),
            ("administrator", "/operations/doctor/", "Have it look"),
            ("administrator", "/operations/sensitive/", "good candidates"),
            ("administrator", "/operations/reasons/", "better written once"),
        ],
    )
    def test_it_says_what_to_do_next(self, cast: Cast, client_for: SignIn, who: str, path: str, said: str) -> None:
        assert said in read(client_for(getattr(cast, who)), path)

    def test_a_product_without_a_version_says_where_one_comes_from(self, cast: Cast, client_for: SignIn) -> None:
        shelf.product("Bare", product_id="prod-bare")
        page = read(client_for(cast.administrator), "/catalogue/products/prod-bare/")
        assert "Add or activate one in Service Catalog; it appears here after the next reading." in page

    def test_what_waits_for_an_answer_is_pointed_to(self, cast: Cast, client_for: SignIn) -> None:
        LaunchRequest.objects.filter(pk=open_launch(now()).pk).update(state=State.NEEDS_INFO)
        assert "What waits for an answer stands below" in read(client_for(cast.approver), "/desk/")

    def test_a_later_page_says_nothing_of_those_before_it(self, cast: Cast, client_for: SignIn) -> None:
        LaunchRequest.objects.filter(pk=open_launch(now()).pk).update(state=State.NEEDS_INFO)
        open_launch(now())
        page = read(client_for(cast.approver), "/desk/?after=2999-01-01T00:00:00Z~9")
        assert "Nothing stands on this page any more" in page
        assert "Nothing waits for a decision" not in page

    @pytest.mark.parametrize("query", ["after=2999-01-01T00:00:00Z~9", "tab=decided&before=1"])
    def test_a_later_page_from_which_everything_has_gone_leads_to_the_first(
        self, cast: Cast, client_for: SignIn, query: str
    ) -> None:
        LaunchRequest.objects.filter(pk=open_launch(now()).pk).update(state=State.APPROVED)
        open_launch(now())
        page = read(client_for(cast.approver), f"/desk/?{query}")
        assert "Nothing stands on this page any more" in page
        assert "First page" in page
        assert "<tbody>" not in page
