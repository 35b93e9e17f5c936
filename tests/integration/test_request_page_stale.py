"""A stale page never decides: it says what has changed, keeps what was typed, and decides anew."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from approvals import actions
from approvals.actor import Actor
from approvals.choices import AlarmCode, Channel, Kind, ReadingStatus, State
from approvals.errors import Refused, Why
from approvals.models import LaunchRequest, Message, Sensitivity, TemplateReading
from approvals.review import seen
from approvals.review.seen import Consent, Seen
from portal.accounts.models import User
from portal.clock import now
from tests.integration.test_views import text_of
from tests.support.cast import Cast
from tests.support.launches import ACCOUNT, open_launch, principal

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    return open_launch(now())


@pytest.fixture
def approver(cast: Cast, client_for: SignIn) -> Client:
    return client_for(cast.approver)


def desk(person: User) -> Actor:
    return Actor(person, Channel.DESK)


def carried(client: Client, launch: LaunchRequest) -> str:
    found = re.findall(r'name="seen" value="([^"]+)"', client.get(launch.get_absolute_url()).content.decode())
    assert len(found) == 2
    assert len(set(found)) == 1
    return str(found[0])


def _ask(cast: Cast, launch: LaunchRequest) -> None:
    actions.ask(launch.pk, actor=desk(cast.second_approver), now=now(), text="Who pays?")


def _answer(cast: Cast, launch: LaunchRequest) -> None:
    actions.comment(launch.pk, actor=desk(cast.requester), now=now(), text="It is for sales.")


def _edit(cast: Cast, launch: LaunchRequest) -> None:
    message = Message.objects.get(request=launch)
    actions.edit(message.pk, actor=desk(cast.requester), now=now(), text="It is for everybody.")


def _note(cast: Cast, launch: LaunchRequest) -> None:
    actions.note(launch.pk, actor=desk(cast.second_approver), now=now(), text="Careful.")


def _read(_cast: Cast, launch: LaunchRequest) -> None:
    TemplateReading.objects.filter(request=launch).update(status=ReadingStatus.READ)


def _dispute(_cast: Cast, launch: LaunchRequest) -> None:
    actions.raise_alarm(AlarmCode.FACTS_CHANGED, now=now(), request=launch, detail="Other facts.")


def _mark(cast: Cast, _launch: LaunchRequest) -> None:
    actions.mark_sensitive("account", ACCOUNT, name="Production", why="", actor=desk(cast.administrator), now=now())


@pytest.mark.parametrize(
    ("happens", "said"),
    [
        (_ask, "Bea asked for information"),
        (_answer, "Rita commented"),
        (_note, "Bea left an internal note"),
        (_read, "The template has been read meanwhile."),
        (_mark, "What is marked as sensitive has changed."),
    ],
)
def test_what_changed_since_the_page_was_shown_is_said_and_nothing_is_decided(
    cast: Cast,
    approver: Client,
    launch: LaunchRequest,
    happens: Callable[[Cast, LaunchRequest], None],
    said: str,
) -> None:
    before = carried(approver, launch)
    happens(cast, launch)
    answer = approver.post(f"{launch.get_absolute_url()}reject/", {"text": "Too large.", "seen": before})
    assert answer.status_code == 409
    assert "Something has changed since you opened this page" in text_of(answer)
    assert said in text_of(answer)
    assert ">Too large.</textarea>" in answer.content.decode()
    launch.refresh_from_db()
    assert launch.is_open
    fresh = re.findall(r'name="seen" value="([^"]+)"', answer.content.decode())
    again = approver.post(f"{launch.get_absolute_url()}reject/", {"text": "Too large.", "seen": fresh[0]})
    assert again.status_code == 302
    launch.refresh_from_db()
    assert launch.state == State.REJECTED


def test_an_edited_answer_is_one_the_page_has_not_shown(cast: Cast, approver: Client, launch: LaunchRequest) -> None:
    _answer(cast, launch)
    before = carried(approver, launch)
    _edit(cast, launch)
    assert approver.post(f"{launch.get_absolute_url()}approve/", {"seen": before}).status_code == 409


def test_a_page_that_shows_an_undisputed_launch_approves_no_disputed_one(
    cast: Cast, approver: Client, launch: LaunchRequest
) -> None:
    before = carried(approver, launch)
    _dispute(cast, launch)
    assert approver.post(f"{launch.get_absolute_url()}reject/", {"text": "No.", "seen": before}).status_code == 409
    assert "The stack was announced with different facts." in " ".join(seen.changes(launch, before))


def test_who_updates_is_part_of_what_was_seen(cast: Cast, approver: Client) -> None:
    update = open_launch(now(), kind=Kind.VERSION_UPDATE)
    before = carried(approver, update)
    actions.name_updater(update.pk, principal("ravi@example.com"), actor=Actor.system(Channel.FOLLOW), now=now())
    answer = approver.post(f"{update.get_absolute_url()}approve/", {"seen": before})
    assert answer.status_code == 409
    assert "CloudTrail names who started the update" in text_of(answer)


@pytest.mark.parametrize("token", ["", "x", "~" * 9, "9" * 400 + "~" * 9, "\u202e", "1~pending"])
def test_a_form_of_the_page_without_a_token_or_with_a_made_up_one_decides_nothing(
    approver: Client, launch: LaunchRequest, token: str
) -> None:
    answer = approver.post(f"{launch.get_absolute_url()}approve/", {"seen": token})
    assert answer.status_code == 409
    launch.refresh_from_db()
    assert launch.is_open
    if token:
        url = f"{launch.get_absolute_url()}live/"
        assert approver.get(url, {"since": token}).status_code == 200


def test_nothing_has_changed_while_nothing_has(cast: Cast, approver: Client, launch: LaunchRequest) -> None:
    before = carried(approver, launch)
    actions.claim(launch.pk, actor=desk(cast.second_approver), now=now())
    launch.refresh_from_db()
    assert seen.changes(launch, before) == []
    assert approver.post(f"{launch.get_absolute_url()}approve/", {"seen": before}).status_code == 302


def test_other_channels_bring_no_consent_and_decide_as_ever(cast: Cast, launch: LaunchRequest) -> None:
    actions.approve(launch.pk, actor=Actor(cast.approver, Channel.COMMAND), now=now())
    launch.refresh_from_db()
    assert launch.state == State.APPROVED


def test_the_verb_itself_compares_under_the_lock(cast: Cast, launch: LaunchRequest) -> None:
    before = seen.token(launch)
    _ask(cast, launch)
    with pytest.raises(Refused) as refused:
        actions.approve(launch.pk, actor=desk(cast.approver), now=now(), consent=Consent(before))
    assert refused.value.why is Why.PAGE_IS_STALE
    assert refused.value.http_status == 409


def test_a_requesters_page_hears_of_no_note(cast: Cast, client_for: SignIn, launch: LaunchRequest) -> None:
    requester = client_for(cast.requester)
    page = requester.get(launch.get_absolute_url()).content.decode()
    url = re.search(r'hx-get="([^"]+)"', page)
    assert url
    poll = url[1].replace("&amp;", "&")
    _note(cast, launch)
    _mark(cast, launch)
    _dispute(cast, launch)
    text = text_of(requester.get(poll))
    assert "has changed while you had it open" not in text


def test_a_token_holds_no_words_and_fits_into_a_url(cast: Cast, launch: LaunchRequest) -> None:
    _answer(cast, launch)
    Sensitivity.objects.create(subject="account", value=ACCOUNT, name="Production of 東京")
    token = seen.token(launch)
    assert re.fullmatch(r"[a-z0-9_~-]{20,300}", token)
    assert Seen.from_token(token) == seen.now_seen(launch)


def test_a_hold_that_lapsed_changes_what_an_approval_does(cast: Cast, approver: Client) -> None:
    launch = open_launch(now())
    before = carried(approver, launch)
    launch.holds.update(deadline=now() - timedelta(seconds=1))
    assert seen.changes(launch, before) == []
    launch.holds.update(status="lapsed")
    assert seen.changes(launch, before)
