"""What people wish: on the preferences page, and in one click from a mail."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from approvals import actions
from approvals.models import Delivery, LaunchRequest
from approvals.notifications.stopping import person_of, stop_url
from portal.accounts.models import MailWish, User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch
from tests.support.telling import by, send_all, sent


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    return open_launch(now())


def path_in(message: Any) -> str:
    """What a mail program's own button posts to."""
    found = re.fullmatch(r"<http://localhost:8000(/.+)>", message.extra_headers["List-Unsubscribe"])
    assert found
    return found.group(1)


def wish_of(person: User) -> str:
    return User.objects.get(pk=person.pk).mail_wish


ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def test_mail_says_how_to_be_switched_off_in_one_click(cast: Cast, launch: LaunchRequest) -> None:
    message = sent()["amir@example.com"]
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert path_in(message) not in message.body + message.alternatives[0][0]


def test_scanners_that_open_the_address_change_nothing(cast: Cast, launch: LaunchRequest) -> None:
    path = path_in(sent()["amir@example.com"])
    page = Client().get(path)
    assert page.status_code == 200
    assert "Stop these mails" in page.text
    assert page["Referrer-Policy"] == "no-referrer"
    assert Client().head(path).status_code == 200
    assert Client().post(path, {}).status_code == 400
    assert Client().put(path).status_code == 405
    assert wish_of(cast.approver) == MailWish.EACH


def test_one_click_switches_the_mails_of_this_person_off(cast: Cast, launch: LaunchRequest) -> None:
    path = path_in(sent()["amir@example.com"])
    answer = Client(enforce_csrf_checks=True).post(path, ONE_CLICK)
    assert answer.status_code == 200
    assert "You get no more mails about launches." in answer.text
    assert wish_of(cast.approver) == MailWish.NONE
    assert wish_of(cast.second_approver) == MailWish.EACH
    open_launch(now())
    assert set(sent()) == {"bea@example.com"}


def test_one_click_works_while_somebody_else_is_signed_in(
    cast: Cast, launch: LaunchRequest, client_for: Callable[[User], Client]
) -> None:
    client_for(cast.outsider).post(path_in(sent()["amir@example.com"]), ONE_CLICK)
    assert (wish_of(cast.approver), wish_of(cast.outsider)) == (MailWish.NONE, MailWish.EACH)


@pytest.mark.parametrize("change", ["x", ":x"])
def test_a_token_that_was_not_signed_here_is_nobody_s(cast: Cast, change: str) -> None:
    path = stop_url(cast.approver).removeprefix("http://localhost:8000")
    assert Client().get(path).status_code == 200
    for forged in (path[:-1] + change + "/", path.replace(cast.approver.uuid.hex, cast.requester.uuid.hex)):
        assert Client().post(forged, ONE_CLICK).status_code == 404
    assert wish_of(cast.requester) == MailWish.EACH
    assert person_of("") is None


def test_what_waits_is_given_up_when_mails_are_switched_off(cast: Cast, launch: LaunchRequest) -> None:
    User.objects.filter(pk=cast.approver.pk).update(mail_wish=MailWish.DIGEST)
    send_all()
    waiting = Delivery.objects.get(person=cast.approver)
    Client().post(stop_url(cast.approver).removeprefix("http://localhost:8000"), ONE_CLICK)
    send_all()
    waiting.refresh_from_db()
    assert (waiting.status, waiting.last_result) == ("given_up", "not_wanted")


def test_questions_come_although_mails_are_switched_off_and_say_so(cast: Cast, launch: LaunchRequest) -> None:
    User.objects.update(mail_wish=MailWish.NONE)
    actions.ask(launch.pk, actor=by(cast.approver), now=now(), text="Why so large?")
    actions.answer(launch.pk, actor=by(cast.requester), now=now(), text="Load test")
    assert send_all() == []
    actions.ask(launch.pk, actor=by(cast.approver), now=now(), text="And why now?")
    (message,) = send_all()
    assert message.to == ["rita@example.com"]
    assert "Mails like this one cannot be switched off." in message.body
    assert "List-Unsubscribe" not in message.extra_headers


def test_wish_is_chosen_on_the_preferences_page(cast: Cast, client_for: Callable[[User], Client]) -> None:
    client = client_for(cast.approver)
    page = client.get("/preferences/").text
    assert "Once a day, in one mail" in page
    assert "alarms to administrators always come" in page
    assert "the last reminder to decide on it comes at once; “None” leaves that out, too." in page
    chosen = {"language": "", "time_zone": "", "mail_wish": "digest"}
    assert client.post("/preferences/", chosen).status_code == 302
    assert wish_of(cast.approver) == MailWish.DIGEST
    assert client.post("/preferences/", chosen | {"mail_wish": "never"}).status_code == 422
    assert wish_of(cast.approver) == MailWish.DIGEST
