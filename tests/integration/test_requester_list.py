"""My requests: what waits for me, who can decide, what I find, and what the page costs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from approvals import actions, paging
from approvals.actor import Actor
from approvals.choices import Channel, Outcome
from approvals.models import LaunchRequest, Membership
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch

SignIn = Callable[[User], Client]
PAGE = "/requests/"


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


def at_desk(person: User) -> Actor:
    return Actor(person, Channel.DESK)


def ask(cast: Cast, launch: LaunchRequest, text: str, at: datetime) -> None:
    actions.ask(launch.pk, actor=at_desk(cast.approver), now=at, text=text)


def reject(cast: Cast, launch: LaunchRequest) -> None:
    actions.reject(launch.pk, actor=at_desk(cast.approver), now=now(), reason="No.")


@pytest.fixture
def requester(cast: Cast, client_for: SignIn) -> Client:
    return client_for(cast.requester)


def test_questions_come_first_then_what_is_open_then_what_is_closed(cast: Cast, requester: Client) -> None:
    at = now()
    closed, waiting, asked = (open_launch(at, product_id=f"prod-{name}") for name in ("closed", "waiting", "asked"))
    reject(cast, closed)
    ask(cast, asked, "Who pays for it?", at)
    text = text_of(requester.get(PAGE))
    places = [
        text.index(one)
        for one in (
            "Waiting for your answer", "prod-asked", "Who pays for it?", "Waiting for a decision",
            "prod-waiting", "Decided and closed", "prod-closed",
        )
    ]  # fmt: skip
    assert places == sorted(places)
    assert f'href="{asked.get_absolute_url()}#conversation-title"' in requester.get(PAGE).content.decode()
    assert waiting.number in text


def test_each_launch_says_where_it_stands(cast: Cast, requester: Client) -> None:
    launch = open_launch(now())
    text = text_of(requester.get(PAGE))
    assert "Not seen yet (now)" in text
    assert "11 hours" in text
    reject(cast, launch)
    text = text_of(requester.get(PAGE))
    assert "Seen (done)" in text
    assert "Rejected (done)" in text
    assert "Rolling back (now)" in text


def test_who_can_decide_is_named_and_the_list_is_bounded(cast: Cast, requester: Client) -> None:
    open_launch(now())
    assert "Can decide: Platform approvers ( Amir , Bea )" in text_of(requester.get(PAGE))
    for n in range(40):
        person = User.objects.create_user(f"z{n:02}@example.com", name=f"Zoe {n:02}")
        Membership.objects.create(team=cast.team, person=person)
    text = text_of(requester.get(PAGE))
    assert "Amir , Bea , Zoe 00 , Zoe 01 and 38 more" in text
    assert "Zoe 02" not in text


def test_the_requester_is_not_named_among_those_who_decide(cast: Cast, client_for: SignIn) -> None:
    Membership.objects.create(team=cast.team, person=cast.requester)
    open_launch(now())
    text = text_of(client_for(cast.requester).get(PAGE))
    assert "( Amir , Bea )" in text


def test_a_team_without_anybody_is_said(cast: Cast, requester: Client) -> None:
    open_launch(now())
    Membership.objects.all().delete()
    assert "Nobody in this team can decide" in text_of(requester.get(PAGE))


def test_who_looks_at_it_is_told_to_nobody(cast: Cast, requester: Client, client_for: SignIn) -> None:
    launch = open_launch(now())
    LaunchRequest.objects.filter(pk=launch.pk).update(first_seen_at=now(), claimed_by=cast.auditor, claimed_at=now())
    text = text_of(requester.get(PAGE))
    assert "Seen (done)" in text
    assert "Otto" not in text


@pytest.mark.parametrize("show", ["", "open", "closed", "nonsense"])
def test_open_and_closed_are_told_apart(cast: Cast, requester: Client, show: str) -> None:
    closed = open_launch(now(), product_id="prod-closed")
    open_launch(now(), product_id="prod-open")
    reject(cast, closed)
    text = text_of(requester.get(PAGE, {"show": show}))
    assert ("prod-open" in text) == (show != "closed")
    assert ("prod-closed" in text) == (show != "open")


def test_a_word_finds_own_requests_only(cast: Cast, requester: Client) -> None:
    mine = open_launch(now(), provisioned_product_name="spring-campaign")
    open_launch(now(), provisioned_product_name="ledger")
    foreign = open_launch(now(), email="ravi@example.com", provisioned_product_name="spring-cleaning")
    text = text_of(requester.get(PAGE, {"q": "spring"}))
    assert "spring-campaign" in text
    assert "ledger" not in text
    assert "spring-cleaning" not in text
    assert mine.number in text_of(requester.get(PAGE, {"q": mine.number}))
    nothing = text_of(requester.get(PAGE, {"q": foreign.number}))
    assert "None of your requests fits" in nothing
    assert "Show all my requests" in nothing


@pytest.mark.parametrize("word", ["\0", "'); DROP TABLE", "🙂", "…", "a" * 5000, "&|!", "\\"])
def test_any_text_may_be_looked_for(requester: Client, word: str) -> None:
    open_launch(now())
    assert requester.get(PAGE, {"q": word}).status_code == 200


def test_somebody_without_launches_reads_how_one_gets_there(cast: Cast, client_for: SignIn) -> None:
    text = text_of(client_for(cast.outsider).get(PAGE))
    assert "You have launched nothing that needs an approval" in text
    assert "Launch a gated product in Service Catalog" in text
    assert "Show all my requests" not in text


def test_the_list_keeps_itself_fresh_until_all_has_ended(cast: Cast, requester: Client) -> None:
    waits = requester.get(PAGE).content.decode()
    assert 'hx-get="/requests/live/?' in waits, "the first launch appears by itself"
    launch = open_launch(now())
    url = unescape(re.findall(r'hx-get="([^"]+)"', requester.get(PAGE, {"q": "rita"}).content.decode())[0])
    assert "q=rita" in url
    assert requester.get(url).status_code == 204
    reject(cast, launch)
    LaunchRequest.objects.update(outcome=Outcome.ROLLED_BACK)
    fresh = requester.get(url)
    assert "Rejected" in text_of(fresh)
    assert b"<form" not in fresh.content
    assert b"hx-get" not in fresh.content


def test_pages_go_on_by_key_and_keep_the_filter(cast: Cast, requester: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "SIZE", 2)
    at = now()
    for n in range(5):
        open_launch(at + timedelta(minutes=n), provisioned_product_name=f"site-{n}")
    first = requester.get(PAGE, {"show": "open", "q": "site"})
    assert [f"site-{n}" in text_of(first) for n in range(5)] == [True, True, False, False, False]
    older = unescape(re.findall(r'href="\?([^"]*open=[^"]*)"', first.content.decode())[-1])
    second = requester.get(f"{PAGE}?{older}")
    assert [f"site-{n}" in text_of(second) for n in range(5)] == [False, False, True, True, False]
    assert 'href="?show=open&amp;q=site"' in second.content.decode()


def test_another_section_does_not_stand_on_a_later_page(
    cast: Cast, requester: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "SIZE", 1)
    launches = [open_launch(now(), product_id=f"prod-{n}") for n in range(3)]
    for launch in launches[:2]:
        reject(cast, launch)
    text = text_of(requester.get(PAGE, {"closed": str(launches[1].pk)}))
    assert "prod-0" in text
    assert "Waiting for a decision" not in text


def test_the_page_costs_the_same_for_one_and_for_many(
    cast: Cast, requester: Client, django_assert_num_queries: Any
) -> None:
    def more(number: int) -> None:
        for _ in range(number):
            at = now()
            one, two, three = (open_launch(at) for _ in range(3))
            ask(cast, two, "Why?", at)
            reject(cast, three)
            assert one.is_open

    more(1)
    with django_assert_num_queries(11):
        requester.get(PAGE)
    more(10)
    with django_assert_num_queries(11):
        requester.get(PAGE)
