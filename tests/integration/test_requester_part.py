"""The requester's part of a request's page: who saw it, who decides, what to do when it ended; and withdrawing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client

from approvals import actions
from approvals.actor import Actor
from approvals.choices import Channel, Kind, NoticeCode, Outcome, State
from approvals.models import AuditText, LaunchRequest, LinkDecision, Notice, Pass, Signal
from approvals.notifications.content import render
from approvals.requester import standing
from approvals.requester.advice import advice
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch

HOME = "https://us-east-1.console.aws.amazon.com/servicecatalog/home?region=us-east-1"
SignIn = Callable[[User], Client]


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    return open_launch(now(), provisioned_product_id="pp-abcdefghijklm")


def part(launch: LaunchRequest, person: User) -> str:
    """The part as that person's page has it."""
    context = {"launch": LaunchRequest.objects.get(pk=launch.pk), "user": person, "now": now()}
    drawn = render_to_string("approvals/parts/requester.html", context)
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", drawn))).strip()


def ended(launch: LaunchRequest, state: State, outcome: Outcome = Outcome.ROLLED_BACK, **changes: Any) -> LaunchRequest:
    LaunchRequest.objects.filter(pk=launch.pk).update(state=state, outcome=outcome, **changes)
    return LaunchRequest.objects.get(pk=launch.pk)


def at_desk(person: User) -> Actor:
    return Actor(person, Channel.DESK)


class TestWhileItIsOpen:
    def test_it_says_whether_somebody_saw_it_and_who_can_decide(self, cast: Cast, launch: LaunchRequest) -> None:
        text = part(launch, cast.requester)
        assert "Nobody who can decide has opened it yet" in text
        assert "Can decide: Platform approvers ( Amir , Bea )" in text
        LaunchRequest.objects.update(first_seen_at=now())
        assert "Somebody who can decide has seen it." in part(launch, cast.requester)

    def test_a_question_leads_to_its_answer(self, cast: Cast, launch: LaunchRequest) -> None:
        assert "Answer the question" not in part(launch, cast.requester)
        actions.ask(launch.pk, actor=at_desk(cast.approver), now=now(), text="Why?")
        text = part(launch, cast.requester)
        assert "The approvers have a question for you." in text
        assert "Answer the question" in text

    def test_nobody_else_has_this_part(self, cast: Cast, launch: LaunchRequest) -> None:
        for person in (cast.approver, cast.administrator, cast.auditor, cast.outsider):
            assert part(launch, person) == ""

    def test_a_typed_address_may_not_withdraw(self, cast: Cast, client_for: SignIn, launch: LaunchRequest) -> None:
        page = launch.get_absolute_url()
        assert client_for(cast.requester).get(page).content.decode().count("Withdraw this launch") == 1
        LaunchRequest.objects.update(requester_verified=False)
        assert "Withdraw this launch" not in client_for(cast.requester).get(page).content.decode()

    def test_its_way_is_shown_as_in_the_list_and_to_nobody_else(
        self, cast: Cast, client_for: SignIn, launch: LaunchRequest
    ) -> None:
        page = launch.get_absolute_url()
        own = client_for(cast.requester).get(page).content.decode()
        assert re.findall(r'<li class="mark-(\w+)">', own) == ["done", "now", "todo", "todo", "todo"]
        assert "Told to CloudFormation" not in own
        assert "Told to CloudFormation" in client_for(cast.approver).get(page).content.decode()

    def test_it_costs_the_same_however_many_may_decide(
        self, cast: Cast, launch: LaunchRequest, django_assert_max_num_queries: Any
    ) -> None:
        with django_assert_max_num_queries(8):
            standing(launch, cast.requester, now())


class TestWhenItEnded:
    def test_after_a_rejection_it_says_why_whom_to_ask_and_how_to_launch_again(
        self, cast: Cast, launch: LaunchRequest
    ) -> None:
        actions.reject(launch.pk, actor=at_desk(cast.approver), now=now(), reason="Too large.")
        ended(launch, State.REJECTED)
        text = part(launch, cast.requester)
        assert "It was rejected. What you can do now" in text
        assert "Ask Amir under Conversation" in text
        assert "terminate the provisioned product" in text
        assert "the approvers are asked anew" in text
        drawn = standing(LaunchRequest.objects.get(), cast.requester, now())["advice"].links
        assert [url for _label, url in drawn] == [
            f"{HOME}#provisioned-products/pp-abcdefghijklm",
            f"{HOME}#products",
        ]

    def test_after_an_e_mail_link_s_rejection_nobody_is_named_whom_it_cannot_prove(
        self, cast: Cast, launch: LaunchRequest
    ) -> None:
        LinkDecision.objects.create(
            request=launch, verdict="rejected", reason="No.", decided_by="Mallory", decided_at=now(), unique_id="x"
        )
        ended(launch, State.REJECTED)
        text = part(launch, cast.requester)
        assert "It was rejected." in text
        assert "Mallory" not in text

    @pytest.mark.parametrize(
        ("state", "outcome", "said"),
        [
            (State.EXPIRED, Outcome.ROLLED_BACK, "It was not refused: nobody had the time."),
            (State.EXPIRED, Outcome.WAITING, "When the stack has rolled back, terminate"),
            (State.WITHDRAWN, Outcome.ROLLED_BACK, "It was withdrawn. If you still need it"),
            (State.BYPASSED, Outcome.ROLLED_BACK, "Ask the administrators of the desk what happened"),
            (State.APPROVED, Outcome.ROLLED_BACK, "It was approved, but not built."),
            (State.APPROVED, Outcome.FAILED, "say what went wrong; correct that first"),
        ],
    )
    def test_every_bad_end_says_what_can_be_done(
        self, cast: Cast, launch: LaunchRequest, state: State, outcome: Outcome, said: str
    ) -> None:
        ended(launch, state, outcome)
        text = part(launch, cast.requester)
        assert said in text
        assert "an earlier decision lets no launch through" in text

    @pytest.mark.parametrize(
        ("state", "outcome"),
        [
            (State.APPROVED, Outcome.WAITING),
            (State.APPROVED, Outcome.RELEASED),
            (State.APPROVED, Outcome.LAUNCHED),
            (State.APPROVED, Outcome.TERMINATED),
            (State.BYPASSED, Outcome.LAUNCHED),
        ],
    )
    def test_where_nothing_has_to_be_done_there_is_no_part(
        self, cast: Cast, launch: LaunchRequest, state: State, outcome: Outcome
    ) -> None:
        ended(launch, state, outcome)
        assert part(launch, cast.requester) == ""

    def test_an_update_left_everything_as_it_was(self, launch: LaunchRequest) -> None:
        for kind in (Kind.VERSION_UPDATE, Kind.PARAMETER_UPDATE):
            told = advice(ended(launch, State.REJECTED, kind=kind), now())
            assert told is not None
            assert any("What runs is as it was before the update" in step for step in told.steps)
            assert not any("erminate the provisioned product" in step for step in told.steps)
            assert len(told.links) == 1

    def test_a_pass_says_what_it_allows_until_it_runs_out(self, launch: LaunchRequest) -> None:
        update = ended(launch, State.APPROVED, kind=Kind.PARAMETER_UPDATE)
        granted = Pass.objects.create(request=update, fingerprint="x", valid_until=now() + timedelta(hours=1))
        told = advice(update, now())
        assert told is not None
        assert told.title == "Try the update again"
        assert any("passes without asking, once" in step for step in told.steps)
        later = advice(update, granted.valid_until)
        assert later is not None
        assert not any("passes without asking" in step for step in later.steps)

    @pytest.mark.parametrize("state", State)
    @pytest.mark.parametrize("outcome", Outcome)
    @pytest.mark.parametrize("kind", Kind)
    def test_advice_is_total(self, state: State, outcome: Outcome, kind: Kind) -> None:
        launch = LaunchRequest(state=state, outcome=outcome, kind=kind, region="eu-west-1")
        told = advice(launch, now())
        assert told is None or (told.title and told.steps)


class TestWithdrawing:
    REASON = "I chose the wrong\naccount; 请忽略"

    def test_a_reason_is_recorded_shown_and_mailed_and_told_to_cloudformation(
        self, cast: Cast, client_for: SignIn, launch: LaunchRequest
    ) -> None:
        page = launch.get_absolute_url()
        answer = client_for(cast.requester).post(f"{page}withdraw/", {"text": self.REASON}, follow=True)
        assert "The request is withdrawn." in answer.content.decode()
        assert AuditText.objects.get(event__code="withdrawn", name="reason").text == self.REASON
        for person in (cast.requester, cast.approver):
            assert "请忽略" in client_for(person).get(page).content.decode()
        mailed = render(Notice.objects.get(code=NoticeCode.WITHDRAWN), cast.approver)
        assert "请忽略" in mailed.text
        assert "请忽略" in mailed.html
        assert "I chose the wrong" in Signal.objects.get().reason

    def test_no_reason_is_needed(self, cast: Cast, client_for: SignIn, launch: LaunchRequest) -> None:
        assert client_for(cast.requester).post(f"{launch.get_absolute_url()}withdraw/").status_code == 302
        launch.refresh_from_db()
        assert launch.state == State.WITHDRAWN
        assert not AuditText.objects.filter(event__code="withdrawn").exists()

    def test_the_form_asks_for_it(self, cast: Cast, client_for: SignIn, launch: LaunchRequest) -> None:
        page = client_for(cast.requester).get(launch.get_absolute_url()).content.decode()
        assert 'id="withdraw-text" name="text"' in page
