"""A session that ends: a sentence at the sign-in page says so, and leads back to where the person was."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client
from structlog.testing import capture_logs

from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch
from tests.support.signing_in import LOGIN, PASSWORD, signed_in

pytestmark = pytest.mark.usefixtures("fresh_limits")

HOUR = timedelta(hours=1)
ENDED = "Your session has ended"


def test_whoever_was_away_too_long_reads_it_once_and_comes_back(cast: Cast, client_for: Any, at: Any) -> None:
    client = client_for(cast.approver)
    client.get("/desk/")
    at.shift(2 * HOUR)
    answer = client.get("/desk/?tab=decided", follow=True)
    assert answer.redirect_chain == [("/accounts/login/?next=/desk/%3Ftab%3Ddecided", 302)]
    assert ENDED in answer.content.decode()
    assert ENDED not in client.get("/accounts/login/").content.decode()


def test_a_form_that_came_too_late_says_that_nothing_was_done(cast: Cast, client_for: Any, at: Any) -> None:
    client = client_for(cast.administrator)
    at.shift(2 * HOUR)
    page = "http://testserver/people/teams/"
    answer = client.post("/people/teams/add/", {"name": "Late"}, follow=True, headers={"referer": page})
    assert answer.redirect_chain == [("/accounts/login/?next=/people/teams/", 302)]
    assert "was not done" in answer.content.decode()


def test_a_form_of_a_foreign_page_leads_to_the_start(cast: Cast, client: Client) -> None:
    answer = client.post("/people/teams/add/", headers={"referer": "https://evil.example/people/"})
    assert answer.headers["Location"] == "/accounts/login/?next=/"


def test_a_poll_of_an_open_page_reloads_it_and_the_sentence_stands_there(cast: Cast, client_for: Any, at: Any) -> None:
    client = client_for(cast.approver)
    at.shift(2 * HOUR)
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
    assert "You are signed out." in answer.content.decode()


def test_an_unknown_address_offers_strangers_to_sign_in_and_tells_others_who_they_are(
    cast: Cast, client_for: Any, client: Client
) -> None:
    stranger = client.get("/nowhere/")
    assert stranger.status_code == 404
    assert 'href="/accounts/login/?next=/nowhere/"' in stranger.content.decode()
    assert "You are signed in as rita@example.com." in client_for(cast.requester).get("/nowhere/").content.decode()


def test_a_session_ends_after_two_hours_without_a_sign_of_life(cast: Cast, client_for: Any, at: Any) -> None:
    client = client_for(cast.approver)
    at.shift(2 * HOUR - timedelta(seconds=1))
    assert signed_in(client)
    at.shift(2 * HOUR)
    assert not signed_in(client)
    assert not Session.objects.exists()


def test_a_page_that_keeps_itself_fresh_is_no_sign_of_life(cast: Cast, client_for: Any, at: Any) -> None:
    launch = open_launch(now())
    client = client_for(cast.approver)
    polls = ["/desk/live/", f"{launch.get_absolute_url()}live/"]
    for _ in range(11):
        at.shift(HOUR / 6 - timedelta(seconds=1))
        assert [client.get(poll, headers={"HX-Request": "true"}).status_code for poll in polls] == [200, 200]
    at.shift(HOUR / 6 + timedelta(seconds=11))
    answer = client.get(polls[0], headers={"HX-Request": "true"})
    assert answer["HX-Refresh"] == "true"
    assert not signed_in(client)


def test_a_session_ends_after_twelve_hours_however_busy(cast: Cast, client_for: Any, at: Any) -> None:
    client = client_for(cast.approver)
    for _ in range(11):
        at.shift(HOUR)
        assert signed_in(client)
    at.shift(HOUR)
    assert not signed_in(client)


def test_signs_of_life_are_written_once_a_minute_at_most(
    cast: Cast, client_for: Any, at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_for(cast.approver)
    written: list[float] = []
    save = SessionStore.save

    def counting(self: SessionStore, must_create: bool = False) -> None:
        written.append(now().timestamp())
        save(self, must_create)

    monkeypatch.setattr(SessionStore, "save", counting)
    began = now().timestamp()
    for _ in range(13):
        assert signed_in(client)
        at.shift(10)
    assert [at - began for at in written] == [60, 120]


def test_signing_in_again_begins_a_session_anew(visitor: Client, at: Any) -> None:
    for _ in range(2):
        visitor.post(LOGIN, {"login": "rita@example.com", "password": PASSWORD})
        assert signed_in(visitor)
        at.shift(3 * HOUR)
        assert not signed_in(visitor)


def test_an_idle_session_that_ends_is_written_down(cast: Cast, client_for: Any, at: Any) -> None:
    client = client_for(cast.approver)
    at.shift(2 * HOUR)
    with capture_logs() as lines:
        assert not signed_in(client)
    ended = {"event": "session ended", "log_level": "info", "person": cast.approver.pk, "why": "idle"}
    assert lines == [ended]
