"""A session that ends: a sentence at the sign-in page says so, and leads back to where the person was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from tests.support.cast import Cast

HOURS = timedelta(hours=2)
ENDED = "Your session has ended"


@pytest.fixture
def at(cast: Cast) -> Iterator[Any]:
    with time_machine.travel(datetime(2026, 11, 22, 8, tzinfo=UTC), tick=False) as clock:
        yield clock


def test_whoever_was_away_too_long_reads_it_once_and_comes_back(cast: Cast, client_for: Any, at: Any) -> None:
    client = client_for(cast.approver)
    client.get("/desk/")
    at.shift(HOURS)
    answer = client.get("/desk/?tab=decided", follow=True)
    assert answer.redirect_chain == [("/accounts/login/?next=/desk/%3Ftab%3Ddecided", 302)]
    assert ENDED in answer.content.decode()
    assert ENDED not in client.get("/accounts/login/").content.decode()


def test_a_form_that_came_too_late_says_that_nothing_was_done(cast: Cast, client_for: Any, at: Any) -> None:
    client = client_for(cast.administrator)
    at.shift(HOURS)
    page = "http://testserver/people/teams/"
    answer = client.post("/people/teams/add/", {"name": "Late"}, follow=True, headers={"referer": page})
    assert answer.redirect_chain == [("/accounts/login/?next=/people/teams/", 302)]
    assert "was not done" in answer.content.decode()


def test_a_form_of_a_foreign_page_leads_to_the_start(cast: Cast, client: Client) -> None:
    answer = client.post("/people/teams/add/", headers={"referer": "https://evil.example/people/"})
    assert answer.headers["Location"] == "/accounts/login/?next=/"


def test_a_poll_of_an_open_page_reloads_it_and_the_sentence_stands_there(cast: Cast, client_for: Any, at: Any) -> None:
    client = client_for(cast.approver)
    at.shift(HOURS)
    assert client.get("/desk/live/", headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    assert ENDED in client.get("/desk/", follow=True).content.decode()


def test_a_session_that_was_ended_elsewhere_says_so_too(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.approver)
    client.session.flush()
    assert ENDED in client.get("/desk/", follow=True).content.decode()


def test_who_was_never_signed_in_reads_nothing_of_it(cast: Cast, client: Client) -> None:
    assert ENDED not in client.get("/desk/", follow=True).content.decode()


def test_signing_out_says_so(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.approver)
    answer = client.post("/accounts/logout/", follow=True)
    assert "You have signed out." in answer.content.decode()


def test_an_unknown_address_offers_strangers_to_sign_in_and_tells_others_who_they_are(
    cast: Cast, client_for: Any, client: Client
) -> None:
    stranger = client.get("/nowhere/")
    assert stranger.status_code == 404
    assert 'href="/accounts/login/?next=/nowhere/"' in stranger.content.decode()
    assert "You are signed in as rita@example.com." in client_for(cast.requester).get("/nowhere/").content.decode()
