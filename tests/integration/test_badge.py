"""The status badge: what it says, to whom, and what it never says."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client

from approvals import badges
from approvals.choices import State
from approvals.models import LaunchRequest
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch

SignIn = Callable[[User], Client]


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    return open_launch(now(), product_id="prod-secret", provisioned_product_name="secret-plans")


def path_of(launch: LaunchRequest) -> str:
    return f"/badge/{badges.token_of(launch)}.svg"


@pytest.mark.parametrize("state", State)
def test_it_says_number_and_state_and_nothing_else(launch: LaunchRequest, state: State) -> None:
    LaunchRequest.objects.update(state=state)
    answer = Client().get(path_of(launch))
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("image/svg+xml")
    drawing = answer.content.decode()
    root = ElementTree.fromstring(drawing)  # noqa: S314 - our own picture
    texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == [launch.number, str(state.label)]
    for secret in ("secret", str(launch.uuid), "Rita", launch.account, launch.stack_name, launch.fingerprint):
        assert secret not in drawing


def test_it_stands_for_itself_anywhere(launch: LaunchRequest) -> None:
    answer = Client().get(path_of(launch))
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert answer["Cache-Control"] == "no-cache"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer.cookies == {}
    drawing = answer.content.decode()
    assert "<script" not in drawing
    assert re.findall(r'(?:href|src|url)="?\(?(?!#)', drawing) == []


def test_it_costs_one_query_and_a_made_up_one_none(launch: LaunchRequest, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        Client().get(path_of(launch))
    with django_assert_num_queries(0):
        Client().get(f"/badge/{launch.pk}-{'A' * 22}.svg")


def test_it_is_asked_for_again_and_sent_only_when_it_changed(launch: LaunchRequest) -> None:
    client = Client()
    etag = client.get(path_of(launch))["ETag"]
    same = client.get(path_of(launch), headers={"If-None-Match": etag})
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", etag)
    assert same["Cache-Control"] == "no-cache"
    head = client.head(path_of(launch))
    assert (head.status_code, head.content, head["ETag"]) == (200, b"", etag)
    LaunchRequest.objects.update(state=State.APPROVED)
    assert client.get(path_of(launch), headers={"If-None-Match": etag}).status_code == 200
    assert client.post(path_of(launch)).status_code == 405


@pytest.mark.parametrize(
    ("asked", "said"),
    [("", "Approved"), ("en", "Approved"), ("zh-hans", "已批准"), ("xx", "Approved"), ("de", "Approved")],
)
def test_its_language_is_the_address_s(launch: LaunchRequest, asked: str, said: str) -> None:
    LaunchRequest.objects.update(state=State.APPROVED)
    answer = Client().get(path_of(launch), {"lang": asked} if asked else {}, headers={"Accept-Language": "zh-CN"})
    assert said in answer.content.decode()
    assert f"<title>GH-{launch.pk}{'：' if asked == 'zh-hans' else ': '}{said}</title>" in answer.content.decode()


def test_unknown_ones_are_all_the_same(launch: LaunchRequest) -> None:
    other = open_launch(now())
    mac = badges.token_of(other).partition("-")[2]
    wrong = (f"{launch.pk}-{mac}", f"{launch.pk}", str(launch.uuid), "0-x", "x" * 500, f"{launch.pk}-{'é' * 22}")
    gone = LaunchRequest(pk=launch.pk + 10_000)
    answers = [Client().get(f"/badge/{token}.svg") for token in (*wrong, badges.token_of(gone))]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert b"unknown" in answers[0].content
    assert all(answer["Content-Type"].startswith("image/svg+xml") for answer in answers)


def test_a_new_secret_key_keeps_old_badges_for_as_long_as_the_old_one_is_kept(
    launch: LaunchRequest, settings: Any
) -> None:
    path = path_of(launch)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert Client().get(path).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert Client().get(path).status_code == 404


@pytest.mark.parametrize("who", ["requester", "approver", "auditor", "administrator"])
def test_whoever_sees_the_request_is_offered_its_badge(
    cast: Cast, client_for: SignIn, launch: LaunchRequest, settings: Any, who: str
) -> None:
    page = unescape(client_for(getattr(cast, who)).get(launch.get_absolute_url()).content.decode())
    address = settings.GATEHOUSE_DESK_URL + path_of(launch) + "?lang=en"
    request = settings.GATEHOUSE_DESK_URL + launch.get_absolute_url()
    assert f"[![{launch.number}]({address})]({request})" in page
    assert f'<a href="{request}"><img src="{address}" alt="{launch.number}" height="22"></a>' in page


def test_a_badge_opens_no_request(launch: LaunchRequest) -> None:
    token = badges.token_of(launch)
    assert Client().get(f"/requests/{token}/").status_code == 404
