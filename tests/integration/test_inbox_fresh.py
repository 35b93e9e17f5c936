"""The list that stays fresh: what is news, and what is none."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from approvals import actions
from approvals.actor import Actor
from approvals.choices import Channel, HoldStatus
from approvals.models import Hold, LaunchRequest
from approvals.views import inbox
from portal.accounts.models import User
from portal.clock import now
from tests.integration.test_inbox_bulk import text_of
from tests.support.cast import Cast
from tests.support.launches import open_launch

SignIn = Callable[[User], Client]


@pytest.fixture
def approver(cast: Cast, client_for: SignIn) -> Client:
    return client_for(cast.approver)


def poll(page: str) -> str:
    found = re.search(r'hx-get="([^"]+)"', page)
    assert found
    return html.unescape(found[1])


def test_a_poll_keeps_filters_and_place(approver: Client, cast: Cast) -> None:
    for _ in range(51):
        open_launch(now())
    first = html.unescape(approver.get("/desk/?region=us-east-1").content.decode())
    more = re.search(r'href="(\?region=us-east-1&after=[^"]+)"', first)
    assert more
    url = poll(approver.get(f"/desk/{more[1]}").content.decode())
    assert "region=us-east-1" in url
    assert "after=" in url
    assert approver.get(url).status_code == 204


def test_time_alone_is_no_news(approver: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    open_launch(now())
    url = poll(approver.get("/desk/").content.decode())
    later = now() + timedelta(minutes=90)
    monkeypatch.setattr(inbox, "now", lambda: later)
    assert approver.get(url).status_code == 204


def test_a_claim_is_news_and_its_end_as_well(approver: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    launch = open_launch(now())
    url = poll(approver.get("/desk/").content.decode())
    actions.claim(launch.pk, actor=Actor(cast.second_approver, Channel.DESK), now=now())
    answer = approver.get(url)
    assert "Taken by Bea" in text_of(answer)
    later = now() + timedelta(minutes=31)
    monkeypatch.setattr(inbox, "now", lambda: later)
    answer = approver.get(poll(answer.content.decode()))
    assert answer.status_code == 200
    assert "Taken by Bea" not in text_of(answer)


@pytest.mark.parametrize("change", ["usable", "verified"])
def test_what_a_row_says_beside_its_facts_is_news(approver: Client, cast: Cast, change: str) -> None:
    launch = open_launch(now())
    url = poll(approver.get("/desk/").content.decode())
    if change == "usable":
        Hold.objects.filter(request=launch).update(status=HoldStatus.UNUSABLE)
    else:
        LaunchRequest.objects.filter(pk=launch.pk).update(requester_verified=False)
    assert approver.get(url).status_code == 200


def test_counts_come_with_the_list(approver: Client, cast: Cast) -> None:
    url = poll(approver.get("/desk/?tab=decided").content.decode())
    open_launch(now())
    answer = approver.get(url)
    assert b'id="tabs"' in answer.content
    assert b'hx-swap-oob="true"' in answer.content
