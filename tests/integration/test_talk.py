"""The conversation: who is named and told, what may be changed afterwards, and who sees what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from approvals import actions, audit
from approvals.actor import Actor
from approvals.choices import Channel, MessageKind, NoticeCode, State
from approvals.errors import Refused, Why
from approvals.models import LaunchRequest, Message, Notice
from approvals.sentences import sentence
from approvals.talk import mentions, thread
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch

SignIn = Callable[[User], Client]


def by(person: User) -> Actor:
    return Actor(person, Channel.DESK)


def says(person: User, launch: LaunchRequest, text: str, verb: str = "comment") -> Message:
    say: Callable[..., Message] = getattr(actions, verb)
    return say(launch.pk, actor=by(person), now=now(), text=text)


def named(message: Message) -> set[str]:
    return {person.name for person in message.mentioned.all()}


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    return open_launch(now())


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("@Bea, please look", {"Bea"}),
        ("please look @bea@example.com.", {"Bea"}),
        ("(@BEA@EXAMPLE.COM)", {"Bea"}),
        ("@Bea and @Otto and @Ada and @Rita", {"Bea", "Otto", "Ada", "Rita"}),
        ("@Olga and @Ravi may not see it", set()),
        ("@Nobody", set()),
        ("mail bea@example.com", set()),
        ("@Beatrix @bea@example.com.au @Bea@elsewhere.example x@Bea", set()),
        ("@Amir himself", set()),
        ("@", set()),
    ],
)
def test_who_is_named_by_an_approver(cast: Cast, launch: LaunchRequest, text: str, who: set[str]) -> None:
    message = says(cast.approver, launch, text)
    assert named(message) == who
    assert Notice.objects.filter(code=NoticeCode.MENTIONED, event__params__message=message.pk).count() == bool(who)


def test_a_requester_names_who_decides_and_who_talks_and_learns_of_nobody_else(
    cast: Cast, launch: LaunchRequest
) -> None:
    assert named(says(cast.requester, launch, "@Amir @Bea @Otto @Ada")) == {"Amir", "Bea"}
    says(cast.administrator, launch, "I am here as well")
    assert named(says(cast.requester, launch, "@Ada @Otto")) == {"Ada"}


def test_a_note_never_names_the_requester(cast: Cast, launch: LaunchRequest) -> None:
    message = says(cast.approver, launch, "@Rita is new, @Bea", "note")
    assert named(message) == {"Bea"}
    assert cast.requester not in mentions.nameable(launch, cast.approver, note=True)


def test_names_that_several_have_name_them_all(cast: Cast, launch: LaunchRequest) -> None:
    User.objects.create_user("bea2@example.com", name="Bea", is_auditor=True)
    assert says(cast.approver, launch, "@Bea").mentioned.count() == 2


def test_whoever_left_is_not_named(cast: Cast, launch: LaunchRequest) -> None:
    User.objects.filter(pk=cast.second_approver.pk).update(is_active=False)
    assert named(says(cast.approver, launch, "@Bea")) == set()


def test_a_question_starts_the_requesters_turn_and_an_answer_ends_it(
    cast: Cast, launch: LaunchRequest, client_for: SignIn
) -> None:
    client_for(cast.approver).post(f"{launch.get_absolute_url()}ask/", {"text": "Why **this** size?"})
    launch.refresh_from_db()
    assert launch.state == State.NEEDS_INFO
    page = client_for(cast.requester).get(launch.get_absolute_url()).content.decode()
    assert "It is your turn" in page
    assert "Why <strong>this</strong> size?" in page
    client_for(cast.requester).post(f"{launch.get_absolute_url()}answer/", {"text": "Load tests"})
    launch.refresh_from_db()
    assert launch.state == State.PENDING
    codes = list(Notice.objects.filter(request=launch).order_by("pk").values_list("code", flat=True))
    assert codes == [NoticeCode.OPENED, NoticeCode.ASKED, NoticeCode.ANSWERED]


def test_the_author_changes_a_message_and_its_earlier_text_stays(cast: Cast, launch: LaunchRequest) -> None:
    at = now()
    message = actions.comment(launch.pk, actor=by(cast.approver), now=at, text="first @Bea")
    for n, text in enumerate(("second @Bea @Otto", "third"), 1):
        actions.edit(message.pk, actor=by(cast.approver), now=at + timedelta(minutes=n), text=text)
    message.refresh_from_db()
    assert (message.text, message.edited_at) == ("third", at + timedelta(minutes=2))
    assert [(one.text, one.written_at) for one in message.revisions.all()] == [
        ("first @Bea", at),
        ("second @Bea @Otto", at + timedelta(minutes=1)),
    ]
    assert named(message) == set()
    assert Notice.objects.filter(code=NoticeCode.MENTIONED).count() == 1
    [said] = thread.page(launch, cast.requester, at).said
    assert [one.until for one in said.earlier] == [at + timedelta(minutes=1), at + timedelta(minutes=2)]
    events = list(launch.audit_chain.events.filter(code=audit.Event.EDITED))
    assert [sentence(event) for event in events] == ["Amir changed a message; what it said before is kept"] * 2
    assert audit._verify().first_bad == ""


def test_saying_the_same_again_changes_nothing(cast: Cast, launch: LaunchRequest) -> None:
    message = says(cast.approver, launch, "same")
    actions.edit(message.pk, actor=by(cast.approver), now=now(), text=" same ")
    assert not message.revisions.exists()
    assert not launch.audit_chain.events.filter(code=audit.Event.EDITED).exists()


@pytest.mark.parametrize("verb", ["ask", "comment", "note"])
def test_a_message_that_is_sent_twice_is_said_once(cast: Cast, launch: LaunchRequest, verb: str) -> None:
    message = says(cast.approver, launch, "Why?", verb)
    assert says(cast.approver, launch, " Why? ", verb) == message
    assert says(cast.second_approver, launch, "Why?", verb) != message
    assert says(cast.approver, launch, "Why, please?", verb) != message
    with time_machine.travel(now() + timedelta(minutes=2), tick=False):
        assert says(cast.approver, launch, "Why, please?", verb) != message
    assert launch.messages.count() == 4


def test_an_answer_that_is_sent_twice_leads_back_to_the_page(
    cast: Cast, launch: LaunchRequest, client_for: SignIn
) -> None:
    says(cast.approver, launch, "Why?", "ask")
    page = launch.get_absolute_url()
    for _ in range(2):
        assert client_for(cast.requester).post(f"{page}answer/", {"text": "For tests."}).status_code == 302
    assert launch.messages.filter(kind="answer").count() == 1


def test_nobody_else_changes_a_message(cast: Cast, launch: LaunchRequest) -> None:
    message = says(cast.approver, launch, "mine")
    note = says(cast.approver, launch, "among us", "note")
    for person, pk, why in [
        (cast.second_approver, message.pk, Why.NOT_ALLOWED),
        (cast.administrator, message.pk, Why.NOT_ALLOWED),
        (cast.requester, message.pk, Why.NOT_ALLOWED),
        (cast.requester, note.pk, Why.NOT_FOUND),
        (cast.outsider, message.pk, Why.NOT_FOUND),
        (cast.approver, 10**15, Why.NOT_FOUND),
    ]:
        with pytest.raises(Refused) as refused:
            actions.edit(pk, actor=by(person), now=now(), text="yours")
        assert refused.value.why is why


def test_after_half_an_hour_or_a_decision_nothing_is_changed(cast: Cast, launch: LaunchRequest) -> None:
    message = says(cast.requester, launch, "mine")
    with pytest.raises(Refused) as late:
        actions.edit(message.pk, actor=by(cast.requester), now=now() + timedelta(minutes=31), text="late")
    assert late.value.why is Why.EDITING_OVER
    actions.withdraw(launch.pk, actor=by(cast.requester), now=now(), reason="no more")
    with pytest.raises(Refused) as closed:
        actions.edit(message.pk, actor=by(cast.requester), now=now(), text="late")
    assert closed.value.why is Why.EDITING_OVER
    assert "half an hour" in closed.value.sentence


def test_notes_and_their_earlier_texts_are_for_the_desk(cast: Cast, launch: LaunchRequest, client_for: SignIn) -> None:
    note = says(cast.approver, launch, "canary-one", "note")
    actions.edit(note.pk, actor=by(cast.approver), now=now(), text="canary-two")
    for person, seen in [(cast.second_approver, True), (cast.auditor, True), (cast.requester, False)]:
        page = client_for(person).get(launch.get_absolute_url()).content.decode()
        assert ("canary-one" in page, "canary-two" in page) == (seen, seen)
        assert ("internal note" in page.lower().replace("internal note, not", "")) == seen


def test_of_a_long_conversation_the_newest_are_shown(cast: Cast, launch: LaunchRequest, client_for: SignIn) -> None:
    Message.objects.bulk_create(
        Message(request=launch, kind=MessageKind.COMMENT, author=cast.approver, text=f"line {n}.", written_at=now())
        for n in range(thread.SHOWN + 20)
    )
    client = client_for(cast.approver)
    page = client.get(launch.get_absolute_url()).content.decode()
    assert "line 119." in page
    assert "line 19." not in page
    older = thread.page(launch, cast.approver, now()).before
    answer = client.get(f"{launch.get_absolute_url()}conversation/?before={older}").content.decode()
    assert "line 19." in answer
    assert "line 20." not in answer
    assert client.get(f"{launch.get_absolute_url()}conversation/?before=x").status_code == 404
