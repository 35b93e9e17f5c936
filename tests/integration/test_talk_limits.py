"""How much may be said about a request, and that a page stays bounded whatever was said before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals import actions, audit
from approvals.actor import Actor
from approvals.choices import Channel, MessageKind
from approvals.errors import Refused, Why
from approvals.models import Attachment, LaunchRequest, Message, Revision, StageGroup
from approvals.review.turns import turn
from approvals.talk import files, limits, thread
from approvals.views import presenting
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    return open_launch(now())


def by(person: User) -> Actor:
    return Actor(person, Channel.DESK)


def happened(launch: LaunchRequest, person: User, times: int, event: audit.Event = audit.Event.COMMENTED) -> None:
    for _ in range(times):
        audit.record(launch, event, actor=by(person), now=now(), params={"message": 0})


def refusal(say: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as refused:
        say()
    return refused.value


def test_an_hour_has_room_for_so_many_messages_and_changes(cast: Cast, launch: LaunchRequest) -> None:
    mine = actions.comment(launch.pk, actor=by(cast.requester), now=now(), text="First")
    happened(launch, cast.requester, limits.HOURLY - 2, audit.Event.EDITED)
    actions.comment(launch.pk, actor=by(cast.requester), now=now(), text="Last")
    for say in (
        lambda: actions.comment(launch.pk, actor=by(cast.requester), now=now(), text="Too much"),
        lambda: actions.edit(mine.pk, actor=by(cast.requester), now=now(), text="Too much"),
    ):
        assert refusal(say).why is Why.SAID_TOO_MUCH
    assert Message.objects.count() == 2
    actions.comment(launch.pk, actor=by(cast.approver), now=now(), text="Others go on")
    actions.comment(open_launch(now()).pk, actor=by(cast.requester), now=now(), text="Elsewhere too")
    actions.comment(launch.pk, actor=by(cast.requester), now=now() + timedelta(minutes=61), text="Later")


def test_it_is_said_on_the_page_and_the_text_stays(
    cast: Cast, launch: LaunchRequest, client_for: Callable[[User], Client]
) -> None:
    happened(launch, cast.requester, limits.HOURLY)
    answer = client_for(cast.requester).post(f"{launch.get_absolute_url()}comment/", {"text": "My long story"})
    assert answer.status_code == 429
    assert b"messages and changes here within an hour" in answer.content
    assert b"My long story" in answer.content


def test_a_message_is_changed_only_so_often(cast: Cast, launch: LaunchRequest) -> None:
    mine = actions.comment(launch.pk, actor=by(cast.approver), now=now(), text="0")
    Revision.objects.bulk_create(
        Revision(message=mine, text=str(n), written_at=now()) for n in range(limits.PER_MESSAGE - 1)
    )
    actions.edit(mine.pk, actor=by(cast.approver), now=now(), text="Once more")
    refused = refusal(lambda: actions.edit(mine.pk, actor=by(cast.approver), now=now(), text="And again"))
    assert refused.why is Why.EDITED_TOO_OFTEN
    assert "at most 20 times" in refused.sentence


def test_the_files_of_a_request_have_an_end(cast: Cast, launch: LaunchRequest) -> None:
    first = actions.comment(launch.pk, actor=by(cast.approver), now=now(), text="Logs")
    Attachment.objects.create(message=first, name="a.log", size=limits.FILES - 10, sha256="0", stored_as="a")

    def attach(size: int) -> Message:
        stored = files.Stored("b.log", "text/plain", size, "0", f"b{size}")
        return actions.comment(launch.pk, actor=by(cast.requester), now=now(), text="More", attached=[stored])

    assert refusal(lambda: attach(11)).why is Why.FILES_FULL
    attach(10)
    actions.comment(launch.pk, actor=by(cast.requester), now=now(), text="Words always find room")


def test_a_long_history_is_shown_from_its_end_and_the_turn_is_still_known(
    cast: Cast, launch: LaunchRequest, client_for: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_at = now() + timedelta(minutes=3)
    actions.ask(launch.pk, actor=by(cast.approver), now=asked_at, text="Why?")
    happened(launch, cast.second_approver, 12)
    launch.refresh_from_db()
    StageGroup.objects.filter(stage__request=launch).update(quorum=2)
    actions.approve(launch.pk, actor=by(cast.approver), now=now(), reason="Until May.")
    happened(launch, cast.second_approver, 12)
    monkeypatch.setattr(presenting, "_MOST_EVENTS", 10)
    seen: dict[str, Any] = presenting.moving(launch, cast.approver, now())
    assert len(seen["history"]) == 10
    assert seen["turn"] == turn(launch, audit_trail(launch))
    assert seen["turn"].since == asked_at
    assert [one.said for one in seen["votes"]] == ["Until May."]
    page = client_for(cast.approver).get(launch.get_absolute_url()).content
    assert b"The newest 10 entries are shown." in page


def test_the_vote_that_decided_is_told_once_however_long_the_talk_after_it(
    cast: Cast, launch: LaunchRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presenting, "_MOST_EVENTS", 10)
    actions.approve(launch.pk, actor=by(cast.approver), now=now(), reason="Fine.")
    happened(launch, cast.requester, 12)
    launch.refresh_from_db()
    assert presenting.moving(launch, cast.approver, now())["votes"] == []


def audit_trail(launch: LaunchRequest) -> list[Any]:
    return list(launch.audit_chain.events.order_by("number"))


def test_of_earlier_texts_the_newest_are_read_in_one_query(cast: Cast, launch: LaunchRequest) -> None:
    for n in range(3):
        message = Message.objects.create(
            request=launch, kind=MessageKind.COMMENT, author=cast.approver, text=f"m{n}", written_at=now()
        )
        Revision.objects.bulk_create(Revision(message=message, text=f"r{i}", written_at=now()) for i in range(30))
    with CaptureQueriesContext(connection) as queries:
        page = thread.page(launch, cast.approver, now())
    assert sum("approvals_revision" in query["sql"] for query in queries) == 1
    for said in page.said:
        assert [one.html.strip() for one in said.earlier][::19] == ["<p>r10</p>", "<p>r29</p>"]
