"""What several people do on the page of one request: prepared reasons, who else looks, and who has taken it."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client

from approvals import actions, wiping
from approvals.actor import Actor
from approvals.choices import Channel
from approvals.models import AuditText, CannedReason, LaunchRequest, Presence, StageGroup
from approvals.review import presence
from portal.accounts.models import User
from portal.clock import now
from tests.integration.test_views import looked, text_of
from tests.support.cast import Cast
from tests.support.launches import open_launch

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    return open_launch(now())


@pytest.fixture
def approver(cast: Cast, client_for: SignIn) -> Client:
    return client_for(cast.approver)


class TestReasons:
    @pytest.fixture
    def prepared(self) -> CannedReason:
        return CannedReason.objects.create(label="Shared one", text="Please use the shared environment.")

    def test_one_that_is_chosen_is_the_reason_where_nothing_was_written(
        self, approver: Client, launch: LaunchRequest, prepared: CannedReason
    ) -> None:
        assert "Shared one" in text_of(approver.get(launch.get_absolute_url()))
        given = {"canned": str(prepared.pk), "text": " ", **looked(launch)}
        assert approver.post(f"{launch.get_absolute_url()}reject/", given).status_code == 302
        launch.refresh_from_db()
        assert launch.decision.reason == "Please use the shared environment."

    def test_what_was_written_goes_before_it(
        self, approver: Client, launch: LaunchRequest, prepared: CannedReason
    ) -> None:
        given = {"canned": str(prepared.pk), "text": "Mine.", **looked(launch)}
        approver.post(f"{launch.get_absolute_url()}reject/", given)
        launch.refresh_from_db()
        assert launch.decision.reason == "Mine."

    @pytest.mark.parametrize("chosen", ["", "999999", "x", "-1", "9" * 30, "²"])
    def test_one_that_is_not_there_is_no_reason(self, approver: Client, launch: LaunchRequest, chosen: str) -> None:
        answer = approver.post(f"{launch.get_absolute_url()}reject/", {"canned": chosen, **looked(launch)})
        assert answer.status_code == 422

    def test_an_administrator_prepares_changes_and_removes_them(self, cast: Cast, client_for: SignIn) -> None:
        client = client_for(cast.administrator)
        client.post("/operations/reasons/keep/", {"label": "No budget", "text": "There is no budget."})
        kept = CannedReason.objects.get()
        client.post(f"/operations/reasons/{kept.pk}/keep/", {"label": "No money", "text": "There is no money."})
        kept.refresh_from_db()
        assert (kept.label, kept.text) == ("No money", "There is no money.")
        again = client.post("/operations/reasons/keep/", {"label": "No money", "text": "Again."})
        assert again.status_code == 422
        gone = client.post(f"/operations/reasons/{kept.pk}/drop/", follow=True)
        assert "No reason is prepared yet" in text_of(gone)


class TestWhoCannotDecide:
    def test_it_says_whose_decision_it_is(self, cast: Cast, client_for: SignIn, launch: LaunchRequest) -> None:
        said = "You cannot decide on this: you are not among those who decide in Platform approvers."
        for person in (cast.administrator, cast.auditor):
            assert said in text_of(client_for(person).get(launch.get_absolute_url()))
        for person in (cast.approver, cast.requester):
            assert said not in text_of(client_for(person).get(launch.get_absolute_url()))
        actions.approve(launch.pk, actor=Actor(cast.approver, Channel.DESK), now=now())
        assert said not in text_of(client_for(cast.auditor).get(launch.get_absolute_url()))

    def test_whoever_has_voted_reads_that_others_have_to(
        self, cast: Cast, approver: Client, launch: LaunchRequest
    ) -> None:
        StageGroup.objects.filter(stage__request=launch).update(quorum=2)
        actions.approve(launch.pk, actor=Actor(cast.approver, Channel.DESK), now=now())
        assert "You have given your vote; others have to" in text_of(approver.get(launch.get_absolute_url()))


class TestVotes:
    def test_a_vote_and_its_note_stand_where_everybody_concerned_reads_them(
        self, cast: Cast, client_for: SignIn, approver: Client, launch: LaunchRequest
    ) -> None:
        StageGroup.objects.filter(stage__request=launch).update(quorum=2)
        page = launch.get_absolute_url()
        requester = client_for(cast.requester)
        poll = re.search(r'hx-get="([^"]+)"', requester.get(page).content.decode())
        assert poll
        approver.post(f"{page}approve/", {"text": "Until <b>May</b>.", **looked(launch)})
        others = [client_for(cast.second_approver), client_for(cast.auditor), requester]
        for answer in [client.get(page) for client in others] + [requester.get(unescape(poll[1]))]:
            found = re.findall(r'<blockquote class="said">([^<]*)</blockquote>', answer.content.decode())
            assert found == ["Until &lt;b&gt;May&lt;/b&gt;."] * 2  # Where it stands, and the history.
            assert "Amir voted to approve" in text_of(answer)
        others[0].post(f"{page}approve/", {"text": "Fine.", **looked(launch)})
        decided = requester.get(page).content.decode()
        assert decided.count("Until &lt;b&gt;May&lt;/b&gt;.") == 2
        assert decided.count(">Fine.<") == 2
        assert "Bea voted to approve" not in decided

    def test_a_note_that_was_redacted_is_shown_nowhere(
        self, cast: Cast, approver: Client, launch: LaunchRequest
    ) -> None:
        StageGroup.objects.filter(stage__request=launch).update(quorum=2)
        actions.approve(launch.pk, actor=Actor(cast.approver, Channel.DESK), now=now(), reason="Rita is ill.")
        AuditText.objects.update(text="", redacted_at=now())
        page = approver.get(launch.get_absolute_url())
        assert "Amir voted to approve" in text_of(page)
        assert b"Rita is ill." not in page.content
        assert b"<blockquote" not in page.content


class TestTogether:
    def test_people_of_the_desk_see_each_other_and_requesters_see_nobody(
        self, cast: Cast, client_for: SignIn, approver: Client, launch: LaunchRequest
    ) -> None:
        page = launch.get_absolute_url()
        for person in (cast.second_approver, cast.requester, cast.auditor):
            client_for(person).get(page)
        text = text_of(approver.get(page))
        assert "Bea is looking at this too." in text
        assert "Otto is looking" not in text
        assert "Rita is looking" not in text
        assert {row.person for row in Presence.objects.all()} == {cast.approver, cast.second_approver}
        for person in (cast.requester, cast.auditor):
            assert "looking at this" not in text_of(client_for(person).get(page))

    def test_who_has_gone_is_not_shown_and_forgotten_later(self, cast: Cast, launch: LaunchRequest) -> None:
        at = now()
        presence.look(launch, cast.second_approver, at)
        assert presence.look(launch, cast.approver, at + timedelta(seconds=29)) == [cast.second_approver]
        assert presence.look(launch, cast.approver, at + timedelta(seconds=31)) == []
        presence.look(launch, cast.second_approver, at + timedelta(minutes=1))
        assert presence.look(launch, cast.approver, at + timedelta(minutes=1)) == [cast.second_approver]
        wiping.tidy(at + timedelta(days=2))
        assert not Presence.objects.exists()

    def test_taking_and_giving_back(
        self, cast: Cast, client_for: SignIn, approver: Client, launch: LaunchRequest
    ) -> None:
        page = launch.get_absolute_url()
        taken = approver.post(f"{page}claim/", follow=True)
        assert "Taken by you less than a minute ago." in text_of(taken)
        other = client_for(cast.second_approver)
        assert "Taken by Amir less than a minute ago." in text_of(other.get(page))
        assert "Taken by" not in text_of(client_for(cast.requester).get(page))
        approver.post(f"{page}unclaim/")
        assert "Taken by" not in text_of(other.get(page))
        assert client_for(cast.auditor).post(f"{page}claim/").status_code == 403

    def test_the_first_look_of_somebody_who_may_decide_is_kept(
        self, cast: Cast, client_for: SignIn, approver: Client, launch: LaunchRequest
    ) -> None:
        for person in (cast.requester, cast.auditor, cast.administrator):
            client_for(person).get(launch.get_absolute_url())
        launch.refresh_from_db()
        assert launch.first_seen_at is None
        approver.get(launch.get_absolute_url())
        launch.refresh_from_db()
        first = launch.first_seen_at
        client_for(cast.second_approver).get(launch.get_absolute_url())
        launch.refresh_from_db()
        assert launch.first_seen_at == first is not None
