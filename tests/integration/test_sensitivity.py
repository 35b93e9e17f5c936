"""What is sensitive is approved by whoever types its name and has just proved who they are; rejecting stays easy."""

from collections.abc import Callable
from urllib.parse import unquote

import pytest
from django.test import Client

from approvals import actions
from approvals.actor import Actor
from approvals.audit import Event
from approvals.choices import Channel, State
from approvals.errors import Refused, Why
from approvals.models import AuditEvent, LaunchRequest, Sensitivity
from approvals.review import seen, sensitivity
from approvals.review.seen import Consent
from approvals.sentences import sentence
from portal.accounts import stepup
from portal.accounts.models import User
from portal.clock import now
from tests.integration.test_views import looked, text_of
from tests.support.cast import Cast
from tests.support.launches import ACCOUNT, open_launch
from tests.support.proving import prove

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
NAME = "Production EU"


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    Sensitivity.objects.create(subject="account", value=ACCOUNT, name=NAME, why="Customers' data.")
    return open_launch(now())


@pytest.fixture
def proven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepup, "is_fresh", lambda _request: True)


def desk(person: User) -> Actor:
    return Actor(person, Channel.DESK)


def approve(launch: LaunchRequest, cast: Cast, typed: str, *, is_fresh: bool = True) -> None:
    consent = Consent(seen.token(launch), typed, is_fresh=is_fresh)
    actions.approve(launch.pk, actor=desk(cast.approver), now=now(), consent=consent)


class TestTheRule:
    @pytest.mark.parametrize("typed", [NAME, "production eu", "  PRODUCTION   EU ", "Ｐroduction\u3000EU"])
    def test_case_width_and_spaces_are_forgiven(self, cast: Cast, launch: LaunchRequest, typed: str) -> None:
        approve(launch, cast, typed)
        launch.refresh_from_db()
        assert launch.state == State.APPROVED

    @pytest.mark.parametrize("typed", ["", "Production", "Production EU2", "Prоduction EU", "Production\u200bEU"])
    def test_letters_are_not(self, cast: Cast, launch: LaunchRequest, typed: str) -> None:
        with pytest.raises(Refused) as refused:
            approve(launch, cast, typed)
        assert refused.value.why is Why.NAME_NOT_TYPED
        assert NAME in refused.value.sentence
        launch.refresh_from_db()
        assert launch.is_open

    def test_the_name_alone_is_not_enough(self, cast: Cast, launch: LaunchRequest) -> None:
        with pytest.raises(Refused) as refused:
            approve(launch, cast, NAME, is_fresh=False)
        assert refused.value.why is Why.NOT_PROVEN

    def test_several_at_once_and_commands_approve_nothing_sensitive(self, cast: Cast, launch: LaunchRequest) -> None:
        with pytest.raises(Refused) as refused:
            actions.approve(launch.pk, actor=Actor(cast.approver, Channel.COMMAND), now=now())
        assert refused.value.why is Why.NAME_NOT_TYPED

    def test_rejecting_needs_no_name(self, cast: Cast, launch: LaunchRequest) -> None:
        actions.reject(launch.pk, actor=desk(cast.approver), now=now(), reason="No.")
        launch.refresh_from_db()
        assert launch.state == State.REJECTED

    def test_a_product_is_sensitive_wherever_it_is_launched(self, cast: Cast) -> None:
        Sensitivity.objects.create(subject="product", value="prod-wordpress", name="WordPress")
        launch, other = open_launch(now()), open_launch(now(), product_id="prod-other")
        assert sensitivity.needed_name(launch) == "WordPress"
        assert sensitivity.needed_name(other) == ""
        assert sensitivity.needed_name(open_launch(now(), product_id="")) == ""

    def test_the_inbox_shows_which_are_sensitive(self, cast: Cast, client_for: SignIn, launch: LaunchRequest) -> None:
        open_launch(now(), account="444455556666", product_id="")
        Sensitivity.objects.create(subject="product", value="", name="Nothing at all")
        rows = client_for(cast.approver).get("/", follow=True).content.decode().split("<tr ")[1:]
        assert [f"row-{launch.pk}" in row for row in rows if "Sensitive" in row] == [True]


class TestThePage:
    def test_it_wears_a_banner_and_asks_for_the_name(
        self, cast: Cast, client_for: SignIn, launch: LaunchRequest
    ) -> None:
        page = client_for(cast.approver).get(launch.get_absolute_url())
        assert "Sensitive · Account Production EU" in text_of(page)
        assert "Customers&#x27; data." in text_of(page)
        assert 'name="typed_name"' in page.content.decode()
        # The form's first button does nothing, so Enter in the field approves nothing.
        assert page.content.decode().index("<button hidden disabled>") < page.content.decode().index(
            'name="typed_name"'
        )

    def test_requesters_are_not_told_why(self, cast: Cast, client_for: SignIn, launch: LaunchRequest) -> None:
        assert launch.requester == cast.requester
        page = text_of(client_for(cast.requester).get(launch.get_absolute_url()))
        assert "Customers' data." not in page
        assert NAME not in page

    @pytest.mark.usefixtures("proven")
    def test_another_name_is_refused_beside_the_field(
        self, cast: Cast, client_for: SignIn, launch: LaunchRequest
    ) -> None:
        given = {"typed_name": "Prod", "text": "Agreed.", **looked(launch)}
        answer = client_for(cast.approver).post(f"{launch.get_absolute_url()}approve/", given)
        assert answer.status_code == 422
        assert 'value="Prod"' in answer.content.decode()
        assert ">Agreed.</textarea>" in answer.content.decode()

    @pytest.mark.usefixtures("proven")
    def test_the_name_and_a_proof_approve(self, cast: Cast, client_for: SignIn, launch: LaunchRequest) -> None:
        given = {"typed_name": "production eu", **looked(launch)}
        assert client_for(cast.approver).post(f"{launch.get_absolute_url()}approve/", given).status_code == 302
        launch.refresh_from_db()
        assert launch.state == State.APPROVED

    def test_whoever_has_to_prove_it_comes_back_to_what_they_had_typed(
        self, cast: Cast, client_for: SignIn, launch: LaunchRequest
    ) -> None:
        client = client_for(cast.approver)
        given = {"typed_name": NAME, "text": "The owner agrees.", **looked(launch)}
        answer = client.post(f"{launch.get_absolute_url()}approve/", given)
        assert answer.status_code == 302
        assert "reauthenticate" in answer["Location"]
        assert str(launch.uuid) in answer["Location"]
        launch.refresh_from_db()
        assert launch.is_open
        back = client.get(launch.get_absolute_url()).content.decode()
        assert ">The owner agrees.</textarea>" in back
        assert f'value="{NAME}"' in back
        assert "your decision is not made yet" in back
        assert "The owner agrees." not in client.get(launch.get_absolute_url()).content.decode()

    def test_a_draft_is_for_its_own_request(self, cast: Cast, client_for: SignIn, launch: LaunchRequest) -> None:
        other, client = open_launch(now()), client_for(cast.approver)
        client.post(f"{launch.get_absolute_url()}approve/", {"typed_name": NAME, "text": "Mine.", **looked(launch)})
        assert b"Mine." not in client.get(other.get_absolute_url()).content

    def test_two_drafts_wait_each_for_its_own_request(
        self, cast: Cast, client_for: SignIn, launch: LaunchRequest
    ) -> None:
        other, client = open_launch(now()), client_for(cast.approver)
        for one, text in ((launch, "For the first."), (other, "For the second.")):
            given = {"typed_name": NAME, "text": text, **looked(one)}
            client.post(f"{one.get_absolute_url()}approve/", given)
        assert ">For the first.</textarea>" in client.get(launch.get_absolute_url()).content.decode()
        assert ">For the second.</textarea>" in client.get(other.get_absolute_url()).content.decode()
        for one in [open_launch(now()) for _ in range(11)]:
            client.post(f"{one.get_absolute_url()}approve/", {"typed_name": NAME, **looked(one)})
        assert len(client.session["drafts"]) == 10


class TestOperations:
    def test_an_administrator_marks_and_unmarks_and_the_trail_says_so(self, cast: Cast, client_for: SignIn) -> None:
        client = client_for(cast.administrator)
        given = {"subject": "account", "value": "1111-2222-3333", "name": " Production  EU ", "why": "Customers."}
        done = client.post("/operations/sensitive/mark/", given, follow=True)
        assert "It is marked as sensitive." in text_of(done)
        mark = Sensitivity.objects.get()
        assert (mark.value, mark.name) == ("111122223333", "Production EU")
        prove(client)
        gone = client.post(f"/operations/sensitive/{mark.pk}/unmark/", follow=True)
        assert "Nothing is marked as sensitive" in text_of(gone)
        events = AuditEvent.objects.filter(chain__subject="operations").order_by("number")
        assert [event.code for event in events] == [Event.SENSITIVE_MARKED, Event.SENSITIVE_UNMARKED]
        assert sentence(events[0]) == "Ada marked Production EU as sensitive"
        assert sentence(events[1]) == "Ada took the mark “sensitive” from Production EU"
        assert events[0].params["value"] == "111122223333"
        assert client.post(f"/operations/sensitive/{mark.pk}/unmark/").status_code == 404

    def test_a_mark_is_taken_away_only_by_somebody_who_has_just_proved_who_they_are(
        self, cast: Cast, client_for: SignIn
    ) -> None:
        mark = Sensitivity.objects.create(subject="account", value=ACCOUNT, name=NAME)
        with pytest.raises(Refused) as refused:
            actions.unmark_sensitive(mark.pk, is_fresh=False, actor=desk(cast.administrator), now=now())
        assert refused.value.why is Why.PROVE_AGAIN
        client = client_for(cast.administrator)
        answer = client.post(f"/operations/sensitive/{mark.pk}/unmark/")
        assert "reauthenticate" in answer["Location"]
        assert "/operations/sensitive/" in unquote(answer["Location"])
        assert Sensitivity.objects.exists()
        assert "confirm that it is you" in text_of(client.get("/operations/sensitive/"))

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"value": "12"}, "An account number has twelve digits."),
            ({"subject": "product"}, "The id of a product begins with prod-."),
            ({"name": "\u200b\u202e"}, "This field is required."),
            ({"name": "x" * 101}, "at most 100"),
            ({"subject": "planet"}, "Select a valid choice"),
        ],
    )
    def test_what_cannot_be_marked_is_said(
        self, cast: Cast, client_for: SignIn, changes: dict[str, str], said: str
    ) -> None:
        given = {"subject": "account", "value": ACCOUNT, "name": NAME, **changes}
        answer = client_for(cast.administrator).post("/operations/sensitive/mark/", given)
        assert answer.status_code == 422
        assert said in text_of(answer)
        assert not Sensitivity.objects.exists()

    def test_nothing_is_marked_twice(self, cast: Cast, client_for: SignIn, launch: LaunchRequest) -> None:
        given = {"subject": "account", "value": ACCOUNT, "name": "Other"}
        answer = client_for(cast.administrator).post("/operations/sensitive/mark/", given)
        assert answer.status_code == 422
        assert "There is one like this already" in text_of(answer)

    @pytest.mark.parametrize(("role", "reads"), [("auditor", 200), ("approver", 404), ("requester", 404)])
    def test_auditors_read_and_nobody_else_acts(self, cast: Cast, client_for: SignIn, role: str, reads: int) -> None:
        mark = Sensitivity.objects.create(subject="account", value=ACCOUNT, name=NAME)
        client = client_for(getattr(cast, role))
        for page in ("/operations/sensitive/", "/operations/reasons/"):
            answer = client.get(page)
            assert answer.status_code == reads
            assert b'<form class="stack"' not in answer.content
        given = {"subject": "account", "value": "444455556666", "name": "Another"}
        assert client.post("/operations/sensitive/mark/", given).status_code in (404, 422)
        assert client.post(f"/operations/sensitive/{mark.pk}/unmark/").status_code == 404
        assert Sensitivity.objects.count() == 1
