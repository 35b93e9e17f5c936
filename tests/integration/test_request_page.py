"""The page of one request: what stands beside the decision, whose turn it is, what became of it, and what it costs."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals import actions
from approvals.actor import Actor
from approvals.choices import Channel, Kind, Outcome, ReadingStatus, SignalStatus
from approvals.models import LaunchRequest, Presence, Stage, StageGroup, Team, TemplateReading
from approvals.review.asker import contradicted_by
from approvals.review.steps import Mark, steps
from approvals.views import presenting
from catalog.reading import digest
from portal.accounts.models import User
from portal.clock import now
from tests.integration.test_views import text_of
from tests.support.cast import Cast
from tests.support.launches import open_launch, principal
from tests.support.reading import allow, document, one, policy

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
RISKY = one("AWS::IAM::ManagedPolicy", PolicyDocument=policy(allow("*")))
# Of one page and one poll, however much stands on it.
PAGE, POLL = 46, 21


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    return open_launch(now())


@pytest.fixture
def approver(cast: Cast, client_for: SignIn) -> Client:
    return client_for(cast.approver)


def desk(person: User) -> Actor:
    return Actor(person, Channel.DESK)


def read(launch: LaunchRequest, resources: dict[str, Any], **sections: Any) -> None:
    kept = digest(document(resources, **sections), {"AWS::Partition": "aws"}).kept()
    TemplateReading.objects.filter(request=launch).update(status=ReadingStatus.READ, digest=kept, lint=[])


class TestAtAGlance:
    def test_the_gravest_stands_beside_the_decision_and_leads_down(
        self, approver: Client, launch: LaunchRequest
    ) -> None:
        read(launch, RISKY)
        page = approver.get(launch.get_absolute_url()).content.decode()
        glance = page.partition('class="card glance"')[2].partition("</section>")[0]
        assert "High risk" in glance
        assert 'href="#finding-1"' in glance
        assert 'id="finding-1"' in page
        assert "1 resource<" in glance
        for target in re.findall(r'href="#([^"]+)"', glance):
            assert f'id="{target}"' in page, target

    def test_it_says_when_nothing_was_found_and_when_nothing_was_checked(
        self, approver: Client, launch: LaunchRequest
    ) -> None:
        assert "The template is still being read" in text_of(approver.get(launch.get_absolute_url()))
        read(launch, one("AWS::SQS::Queue"))
        assert "No risk was found in the template" in text_of(approver.get(launch.get_absolute_url()))
        TemplateReading.objects.filter(request=launch).update(status=ReadingStatus.GIVEN_UP, digest={})
        assert "The template could not be checked" in text_of(approver.get(launch.get_absolute_url()))

    def test_it_counts_what_differs_from_the_last_time(
        self, cast: Cast, approver: Client, launch: LaunchRequest
    ) -> None:
        assert "Nothing before it to compare with" in text_of(approver.get(launch.get_absolute_url()))
        actions.approve(launch.pk, actor=desk(cast.approver), now=now())
        same = open_launch(now())
        assert "The same parameters as the last time" in text_of(approver.get(same.get_absolute_url()))
        other = open_launch(
            now(),
            parameters=[{"name": "InstanceType", "value": "x", "no_echo": False, "sha256": "c" * 64, "length": 1}],
        )
        assert "1 parameter differs from the last time" in text_of(approver.get(other.get_absolute_url()))


class TestWhatIsAsked:
    def test_its_description_is_escaped_once(self, approver: Client, launch: LaunchRequest) -> None:
        read(launch, one("AWS::SQS::Queue"), Description="It needs nobody's <b>approval</b>")
        page = approver.get(launch.get_absolute_url()).content.decode()
        assert "It needs nobody&#x27;s &lt;b&gt;approval&lt;/b&gt;" in page

    def test_a_group_of_parameters_spans_the_columns_there_are(self, approver: Client, launch: LaunchRequest) -> None:
        groups = {"ParameterGroups": [{"Label": {"default": "Size"}, "Parameters": ["InstanceType"]}]}
        parameters = {"InstanceType": {"Type": "String", "Default": "t3.micro"}}
        metadata = {"AWS::CloudFormation::Interface": groups}
        read(launch, one("AWS::SQS::Queue"), Parameters=parameters, Metadata=metadata)
        page = approver.get(launch.get_absolute_url()).content.decode()
        assert '<th colspan="3" scope="colgroup"' in page
        assert '<tr class="usual"><th scope="row"' in page


class TestWhoAsks:
    def test_a_typed_address_that_is_not_the_one_aws_names_is_a_risk(self, approver: Client, cast: Cast) -> None:
        launch = open_launch(now(), typed_email="boss@example.com", principal_arn=principal("rita@example.com"))
        text = text_of(approver.get(launch.get_absolute_url()))
        assert "Somebody typed boss@example.com into the launch form, but AWS names rita@example.com." in text
        assert "The typed address is not the one AWS names" in text

    @pytest.mark.parametrize(
        ("typed", "session"),
        [("RITA@example.com", "rita@example.com"), ("", "rita@example.com"), ("x@example.com", "build-42")],
    )
    def test_what_does_not_contradict_is_no_risk(self, cast: Cast, typed: str, session: str) -> None:
        arn = f"arn:aws:sts::111122223333:assumed-role/Admin/{session}"
        assert contradicted_by(open_launch(now(), typed_email=typed, principal_arn=arn)) == ""

    def test_an_unverified_session_that_is_an_address_contradicts_too(self, cast: Cast) -> None:
        arn = "arn:aws:sts::111122223333:assumed-role/Admin/ravi@example.com"
        assert contradicted_by(open_launch(now(), typed_email="x@example.com", principal_arn=arn)) == "ravi@example.com"

    def test_the_first_launchers_tag_contradicts_nobody_who_updates(self, cast: Cast) -> None:
        update = open_launch(now(), kind=Kind.VERSION_UPDATE, typed_email="x@example.com")
        assert contradicted_by(update) == ""


class TestTurns:
    def test_both_clocks_are_shown_while_an_answer_is_awaited(
        self, cast: Cast, client_for: SignIn, approver: Client
    ) -> None:
        at = now()
        launch = open_launch(at - timedelta(hours=3))
        page = launch.get_absolute_url()
        assert "The approvers’ turn for 3 hours" in text_of(approver.get(page))
        actions.ask(launch.pk, actor=desk(cast.approver), now=at - timedelta(hours=2), text="Who pays?")
        actions.ask(launch.pk, actor=desk(cast.approver), now=at - timedelta(minutes=5), text="And why?")
        text = text_of(approver.get(page))
        assert "The requester’s turn for 2 hours" in text
        assert "It keeps running while an answer is awaited." in text
        assert "Your turn for 2 hours" in text_of(client_for(cast.requester).get(page))
        actions.answer(launch.pk, actor=desk(cast.requester), now=at - timedelta(minutes=1), text="Sales.")
        assert "The approvers’ turn for 1 minute" in text_of(approver.get(page))

    def test_who_may_decide_and_why_these(self, approver: Client, launch: LaunchRequest) -> None:
        text = text_of(approver.get(launch.get_absolute_url()))
        assert "One approval is enough." in text
        assert "No rule sends this launch elsewhere, so the default team is asked." in text


class TestAfterwards:
    def marks(self, launch: LaunchRequest) -> list[Mark]:
        launch = LaunchRequest.objects.get(pk=launch.pk)
        return [step.mark for step in steps(launch, presenting._events(launch))]

    def test_an_approval_is_followed_to_the_end(self, cast: Cast, approver: Client, launch: LaunchRequest) -> None:
        done, current, todo = Mark.DONE, Mark.NOW, Mark.TODO
        assert self.marks(launch) == [done, current, todo, todo, todo]
        actions.approve(launch.pk, actor=desk(cast.approver), now=now())
        assert self.marks(launch) == [done, done, current, todo, todo]
        LaunchRequest.objects.filter(pk=launch.pk).update(signal=SignalStatus.STORED)
        assert self.marks(launch) == [done, done, done, current, todo]
        follow = Actor.system(Channel.FOLLOW)
        actions.record_outcome(launch.pk, Outcome.RELEASED, actor=follow, now=now())
        assert self.marks(launch) == [done, done, done, done, current]
        actions.record_outcome(launch.pk, Outcome.LAUNCHED, actor=follow, now=now())
        assert self.marks(launch) == [done] * 5
        page = approver.get(launch.get_absolute_url()).content.decode()
        assert "/events?stackId=" in page
        assert "hx-get" not in page

    def test_a_rejection_ends_with_the_stack_gone(self, cast: Cast, launch: LaunchRequest) -> None:
        actions.reject(launch.pk, actor=desk(cast.approver), now=now(), reason="No.")
        LaunchRequest.objects.filter(pk=launch.pk).update(signal=SignalStatus.STORED)
        assert self.marks(launch) == [Mark.DONE, Mark.NO, Mark.DONE, Mark.NOW]
        actions.record_outcome(launch.pk, Outcome.ROLLED_BACK, actor=Actor.system(Channel.FOLLOW), now=now())
        assert self.marks(launch) == [Mark.DONE, Mark.NO, Mark.DONE, Mark.DONE]

    def test_what_was_made_is_not_still_to_come(self, cast: Cast, approver: Client, launch: LaunchRequest) -> None:
        read(launch, RISKY)
        page = launch.get_absolute_url()
        assert "1 resource will be made" in text_of(approver.get(page))
        actions.reject(launch.pk, actor=desk(cast.approver), now=now(), reason="No.")
        text = text_of(approver.get(page))
        assert "1 resource would have been made" in text
        assert "Rejected , done" in text
        LaunchRequest.objects.filter(pk=launch.pk).update(state="approved", outcome=Outcome.LAUNCHED)
        assert "1 resource was made" in text_of(approver.get(page))

    def test_why_it_was_rolled_back_is_on_the_page(self, cast: Cast, approver: Client, launch: LaunchRequest) -> None:
        actions.approve(launch.pk, actor=desk(cast.approver), now=now())
        LaunchRequest.objects.filter(pk=launch.pk).update(
            signal=SignalStatus.STORED, stack_status="ROLLBACK_COMPLETE", stack_reason="No <b>subnet</b> left"
        )
        actions.record_outcome(launch.pk, Outcome.ROLLED_BACK, actor=Actor.system(Channel.FOLLOW), now=now())
        assert self.marks(launch)[-2:] == [Mark.OFF, Mark.BAD]
        page = approver.get(launch.get_absolute_url()).content.decode()
        assert "ROLLBACK_COMPLETE" in page
        assert "No &lt;b&gt;subnet&lt;/b&gt; left" in page


class TestLive:
    def test_only_what_changed_is_sent(self, cast: Cast, approver: Client, launch: LaunchRequest) -> None:
        page = approver.get(launch.get_absolute_url()).content.decode()
        poll = page.partition('hx-get="')[2].partition('"')[0].replace("&amp;", "&")
        assert approver.get(poll).status_code == 204
        actions.note(launch.pk, actor=desk(cast.second_approver), now=now(), text="Careful.")
        answer = approver.get(poll).content.decode()
        sent = re.findall(r'<div id="([a-z]+)" class="stack-wide"', answer)
        assert sent == ["status", "news", "conversation", "history"]
        assert "Bea left an internal note" in answer

    def test_the_page_needs_no_script_and_none_stands_in_it(self, approver: Client, launch: LaunchRequest) -> None:
        page = approver.get(launch.get_absolute_url()).content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)", page)
        assert " style=" not in page
        for verb in ("approve", "reject", "ask", "claim"):
            assert f'action="{launch.get_absolute_url()}{verb}/"' in page
        for field in ('id="approve"', 'id="reject"', 'href="#talk-message"', 'id="talk-message"'):
            assert field in page
        assert page.count("<noscript>") == 1

    def test_paper_says_who_printed_it_and_when(self, approver: Client, launch: LaunchRequest) -> None:
        text = text_of(approver.get(launch.get_absolute_url()))
        assert f"Printed by Amir from testserver{launch.get_absolute_url()}, as it stood" in text


def test_the_page_costs_the_same_however_much_stands_on_it(
    cast: Cast, approver: Client, launch: LaunchRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    read(launch, RISKY)
    actions.comment(launch.pk, actor=desk(cast.requester), now=now(), text="Hello.")
    few = _costs(approver, launch)
    for n in range(30):
        actions.comment(launch.pk, actor=desk(cast.requester), now=now(), text=f"Hello {n} @Amir")
        team = Team.objects.create(name=f"Team {n}")
        StageGroup.objects.create(stage=Stage.objects.get(request=launch), team=team, team_name=team.name)
    read(launch, {f"P{n}": RISKY["Thing"] for n in range(40)})
    many = _costs(approver, launch)
    with capsys.disabled():
        print(f"\n    request page: {many[0]} queries, its poll: {many[1]}")
    assert few == many
    assert many[0] <= PAGE
    assert many[1] <= POLL


def _costs(client: Client, launch: LaunchRequest) -> tuple[int, int]:
    url = launch.get_absolute_url()
    client.get(url)
    counted = []
    for path in (url, f"{url}live/?since=x"):
        # Every ten seconds one query more notes who looks.
        Presence.objects.update(seen_at=now())
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        counted.append(len(queries))
    return counted[0], counted[1]
