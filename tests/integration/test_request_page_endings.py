"""A request that ends under an open page: the poll says so, and takes nothing away that somebody is typing."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from approvals import actions
from approvals.actor import Actor
from approvals.choices import Channel, State
from approvals.models import LaunchRequest
from approvals.views import request as request_view
from approvals.views import request_page
from portal.accounts.models import User
from portal.clock import now
from tests.integration.test_views import text_of
from tests.support.cast import Cast
from tests.support.launches import open_launch

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    return open_launch(now())


@pytest.fixture
def approver(cast: Cast, client_for: SignIn) -> Client:
    return client_for(cast.approver)


def opened(client: Client, launch: LaunchRequest) -> tuple[str, str]:
    """What a page asks again and again, and the token its forms carry."""
    page = client.get(launch.get_absolute_url()).content.decode()
    poll, token = re.search(r'hx-get="([^"]+)"', page), re.search(r'name="seen" value="([^"]+)"', page)
    assert poll
    return unescape(poll[1]), token[1] if token else ""


def _approved(cast: Cast, launch: LaunchRequest) -> None:
    actions.approve(launch.pk, actor=Actor(cast.second_approver, Channel.DESK), now=now())


def _rejected(cast: Cast, launch: LaunchRequest) -> None:
    actions.reject(launch.pk, actor=Actor(cast.second_approver, Channel.DESK), now=now(), reason="No.")


def _withdrawn(cast: Cast, launch: LaunchRequest) -> None:
    actions.withdraw(launch.pk, actor=Actor(cast.requester, Channel.DESK), now=now())


def _gone(_cast: Cast, launch: LaunchRequest) -> None:
    actions.withdraw(launch.pk, actor=Actor.system(Channel.FOLLOW), now=now())


def _expired(_cast: Cast, launch: LaunchRequest) -> None:
    actions.expire(launch.pk, actor=Actor.system(Channel.TIMER), now=now())


@pytest.mark.parametrize(
    ("ends", "state", "said"),
    [
        (_approved, "Approved", "Bea approved"),
        (_rejected, "Rejected", "Bea rejected"),
        (_withdrawn, "Withdrawn", "Rita withdrew the request"),
        (_gone, "Withdrawn", "its stack went away"),
        (_expired, "Expired", "Nobody decided in time"),
    ],
)
def test_every_end_is_told_alike_and_what_was_typed_stays(
    cast: Cast,
    approver: Client,
    launch: LaunchRequest,
    ends: Callable[[Cast, LaunchRequest], None],
    state: str,
    said: str,
) -> None:
    url, token = opened(approver, launch)
    ends(cast, launch)
    answer = approver.get(url)
    text = text_of(answer)
    assert f"This request has changed while you had it open. It is now: {state}." in text
    assert said in text
    assert f'<a class="button" href="{launch.get_absolute_url()}">Show it anew</a>' in answer.content.decode()
    for field in (b"<form", b"<textarea", b"<input"):
        assert field not in answer.content
    late = approver.post(f"{launch.get_absolute_url()}approve/", {"text": "Typed meanwhile.", "seen": token})
    assert late.status_code == 409
    assert "What you wrote was not sent: Typed meanwhile." in text_of(late)


class TestTimeThatRunsOut:
    """Before the timer has closed the request, or with a worker that stands still."""

    @pytest.fixture
    def later(self, launch: LaunchRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
        over = launch.holds.get().deadline + timedelta(seconds=1)

        def turn_the_clock() -> None:
            for module in (request_page, request_view):
                monkeypatch.setattr(module, "now", lambda: over)

        return turn_the_clock

    def test_whoever_could_decide_hears_that_it_is_over(
        self, approver: Client, launch: LaunchRequest, later: Callable[[], None]
    ) -> None:
        url, token = opened(approver, launch)
        assert "any more" not in text_of(approver.get(url))
        later()
        answer = approver.get(url)
        text = text_of(answer)
        assert "You cannot decide on this any more. The time to decide is over" in text
        assert "Show it anew" in text
        assert b"<form" not in answer.content
        launch.refresh_from_db()
        assert launch.state == State.PENDING
        late = approver.post(f"{launch.get_absolute_url()}approve/", {"text": "Typed.", "seen": token})
        assert late.status_code == 409
        assert "What you wrote was not sent: Typed." in text_of(late)

    def test_it_is_said_beside_what_else_has_changed(
        self, cast: Cast, approver: Client, launch: LaunchRequest, later: Callable[[], None]
    ) -> None:
        url, _token = opened(approver, launch)
        actions.comment(launch.pk, actor=Actor(cast.requester, Channel.DESK), now=now(), text="One more thing")
        later()
        text = text_of(approver.get(url))
        assert "This request has changed while you had it open. It is now: Waiting" in text
        assert "You cannot decide on this any more. The time to decide is over" in text

    def test_the_page_shown_anew_decides_nothing_and_is_quiet(
        self, approver: Client, launch: LaunchRequest, later: Callable[[], None]
    ) -> None:
        later()
        url, token = opened(approver, launch)
        assert token == ""
        assert "any more" not in text_of(approver.get(url))

    def test_whoever_could_not_decide_hears_nothing_of_it(
        self, cast: Cast, client_for: SignIn, launch: LaunchRequest, later: Callable[[], None]
    ) -> None:
        clients = [client_for(cast.requester), client_for(cast.auditor)]
        urls = [opened(client, launch)[0] for client in clients]
        later()
        for client, url in zip(clients, urls, strict=True):
            assert "any more" not in text_of(client.get(url))

    def test_a_right_that_was_taken_away_is_told_too(self, cast: Cast, approver: Client, launch: LaunchRequest) -> None:
        url, _token = opened(approver, launch)
        User.objects.filter(pk=cast.approver.pk).update(is_auditor=True)
        cast.approver.memberships.update(may_decide=False)
        assert "You may not do this with this request." in text_of(approver.get(url))


def test_a_poll_that_asks_nonsense_is_answered(approver: Client, launch: LaunchRequest) -> None:
    said: dict[str, Any] = {"since": "\u202e", "decides": "x" * 500, "seen": "-"}
    assert approver.get(f"{launch.get_absolute_url()}live/", said).status_code == 200
