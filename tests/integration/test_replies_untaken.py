"""A reply by e-mail that was not taken is seen on the page of its request, by its writer and by the desk."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from approvals import actions
from approvals.actor import Actor
from approvals.choices import Channel
from approvals.models import InboundMail, LaunchRequest
from approvals.replies.results import Result
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    return open_launch(now())


def came(launch: LaunchRequest, person: User, result: Result, attempts: int = 1) -> None:
    at, number = now(), InboundMail.objects.count()
    InboundMail.objects.create(
        key=f"inbound/{number}",
        result=result,
        request=launch,
        person=person,
        received_at=at,
        next_attempt_at=at,
        attempts=attempts,
    )


def shown(client: Client, launch: LaunchRequest) -> str:
    return client.get(launch.get_absolute_url()).content.decode()


def test_the_writer_and_the_desk_read_that_a_mail_is_not_here_and_why(
    cast: Cast, launch: LaunchRequest, client_for: SignIn
) -> None:
    came(launch, cast.requester, Result.SENDER)
    for person in (cast.requester, cast.approver):
        page = shown(client_for(person), launch)
        assert "An e-mail of Rita is not here." in page
        assert "It came from another address than the one the question went to." in page


def test_requesters_read_of_their_own_mails_only(cast: Cast, launch: LaunchRequest, client_for: SignIn) -> None:
    came(launch, cast.approver, Result.TOO_LARGE)
    assert "An e-mail of" not in shown(client_for(cast.requester), launch)
    assert "An e-mail of Amir is not here." in shown(client_for(cast.second_approver), launch)


@pytest.mark.parametrize(
    ("result", "attempts", "is_shown"),
    [
        (Result.TAKEN, 1, False),
        (Result.AUTOMATIC, 1, False),
        (Result.QUEUED, 1, False),
        (Result.QUEUED, 2, True),
        (Result.UNREACHABLE, 30, True),
    ],
)
def test_what_is_on_its_way_or_was_written_by_a_machine_is_not_shown(
    cast: Cast, launch: LaunchRequest, client_for: SignIn, result: Result, attempts: int, is_shown: bool
) -> None:
    came(launch, cast.requester, result, attempts)
    assert ("An e-mail of" in shown(client_for(cast.approver), launch)) is is_shown


def test_whoever_has_written_since_has_nothing_to_be_told(
    cast: Cast, launch: LaunchRequest, client_for: SignIn
) -> None:
    came(launch, cast.requester, Result.BROKEN)
    actions.comment(launch.pk, actor=Actor(cast.requester, Channel.DESK), now=now(), text="Here it is.")
    assert "An e-mail of" not in shown(client_for(cast.requester), launch)
