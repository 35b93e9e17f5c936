"""Deciding on many with one reason."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals import actions
from approvals.actor import Actor
from approvals.choices import Channel, State
from approvals.inbox import bulk
from approvals.models import Decision, LaunchRequest, Membership, Sensitivity, Team, Vote
from approvals.review import seen
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch, principal

SignIn = Callable[[User], Client]
DECIDE = "/desk/decide/now/"


@pytest.fixture
def approver(cast: Cast, client_for: SignIn) -> Client:
    return client_for(cast.approver)


def text_of(answer: object) -> str:
    content = answer.content.decode()  # type: ignore[attr-defined]
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", content)))


def picking(verdict: str, *picks: Any) -> dict[str, Any]:
    return {"verdict": verdict, "pick": list(picks)}


def looked(verdict: str, *picks: int, **more: str) -> dict[str, Any]:
    """What the confirmation page sends that shows these requests as they are."""
    tokens = seen.tokens(LaunchRequest.objects.filter(pk__in=picks))
    return picking(verdict, *picks) | {"seen": bulk.written(tokens), **more}


def states(launches: list[LaunchRequest]) -> set[str]:
    return set(LaunchRequest.objects.filter(pk__in=[one.pk for one in launches]).values_list("state", flat=True))


def test_what_was_selected_is_shown_before_anything_is_decided(approver: Client, cast: Cast) -> None:
    launches = [open_launch(now()) for _ in range(3)]
    answer = approver.get("/desk/decide/", picking("approve", *[one.pk for one in launches[:2]]))
    assert "Approve the selected requests?" in text_of(answer)
    assert answer.content.count(b'name="pick"') == 2
    assert launches[2].number not in text_of(answer)
    assert states(launches) == {State.PENDING}


def test_what_is_sensitive_cannot_be_ticked_for_an_approval(approver: Client, cast: Cast) -> None:
    sensitive, plain = open_launch(now(), product_id="prod-core"), open_launch(now())
    Sensitivity.objects.create(subject="product", value="prod-core", name="Core")
    picks = (sensitive.pk, plain.pk)
    page = approver.get("/desk/decide/", picking("approve", *picks)).content.decode()
    assert re.findall(r'name="pick" value="(\d+)"', page) == [str(plain.pk)]
    assert "Approved only on its own page" in page
    assert not re.search(r"<button[^>]* disabled[^>]*data-decide", page)
    assert "Note <" in page
    alone = approver.get("/desk/decide/", picking("approve", sensitive.pk)).content.decode()
    assert re.search(r"<button[^>]* disabled[^>]*data-decide", alone)
    rejecting = approver.get("/desk/decide/", picking("reject", *picks)).content.decode()
    assert rejecting.count('name="pick"') == 2
    approver.post(DECIDE, looked("approve", *picks))
    assert (states([sensitive]), states([plain])) == ({State.PENDING}, {State.APPROVED})


def test_fifty_are_approved_with_one_reason_in_seconds(approver: Client, cast: Cast) -> None:
    launches = [open_launch(now()) for _ in range(50)]
    picks = [one.pk for one in launches]
    given = looked("approve", *picks, text="Friday round")
    with CaptureQueriesContext(connection) as captured:
        answer = approver.post(DECIDE, given, follow=True)
    # Each is a transaction of some 45 queries: two seconds for all on an idle machine.
    assert len(captured) < 50 * 52
    assert "50 approvals are recorded." in text_of(answer)
    assert states(launches) == {State.APPROVED}
    assert set(Decision.objects.values_list("reason", flat=True)) == {"Friday round"}


def test_more_than_fifty_are_cut_and_said(approver: Client, cast: Cast) -> None:
    picks = [open_launch(now()).pk for _ in range(52)]
    answer = approver.get("/desk/decide/", picking("reject", *picks))
    assert "At most 50 at a time" in text_of(answer)
    assert answer.content.count(b'name="pick"') == 50


def test_repeating_it_decides_nothing_twice(approver: Client, cast: Cast) -> None:
    launch = open_launch(now())
    given = looked("reject", launch.pk, text="No.")
    for _ in range(2):
        answer = approver.post(DECIDE, given, follow=True)
    assert "1 rejection is recorded" in text_of(answer)
    assert "already decided" not in text_of(answer)
    assert (Vote.objects.count(), Decision.objects.count()) == (1, 1)


def test_loading_the_results_again_changes_nothing(approver: Client, cast: Cast) -> None:
    launch = open_launch(now())
    approver.post(DECIDE, looked("approve", launch.pk))
    for _ in range(2):
        assert "1 approval is recorded." in text_of(approver.get("/desk/decided/"))
    assert Vote.objects.count() == 1


def test_each_row_says_why_it_was_refused_and_the_others_are_decided(approver: Client, cast: Cast) -> None:
    own = open_launch(now(), email="amir@example.com", principal_arn=principal("amir@example.com"))
    gone, fine = open_launch(now()), open_launch(now())
    actions.withdraw(gone.pk, actor=Actor(cast.requester, Channel.DESK), now=now(), reason="")
    answer = approver.post(DECIDE, looked("approve", own.pk, gone.pk, fine.pk), follow=True)
    text = text_of(answer)
    assert "Nobody decides on a launch of their own" in text
    assert "This request is closed: Withdrawn" in text
    assert "1 approval is recorded." in text
    assert "2 requests were not decided by you" in text
    assert states([own]) == {State.PENDING}
    assert states([fine]) == {State.APPROVED}


def test_a_row_that_is_busy_leaves_the_others_as_they_are(
    approver: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    launches = [open_launch(now()) for _ in range(2)]

    def busy(pk: int, **said: object) -> LaunchRequest:
        if pk == launches[0].pk:
            raise OperationalError("canceling statement due to lock timeout")
        return actions.approve(pk, **said)  # type: ignore[arg-type]

    monkeypatch.setitem(bulk.VERBS, "approve", busy)
    answer = approver.post(DECIDE, looked("approve", *[one.pk for one in launches]), follow=True)
    assert "Something else was at work on it" in text_of(answer)
    assert states(launches[1:]) == {State.APPROVED}


def test_a_rejection_needs_its_reason_and_what_was_selected_stays(approver: Client, cast: Cast) -> None:
    launches = [open_launch(now()) for _ in range(2)]
    answer = approver.post(DECIDE, looked("reject", *[one.pk for one in launches], text="\u200b "))
    assert answer.status_code == 422
    assert answer.content.count(b'name="pick"') == 2
    assert states(launches) == {State.PENDING}


def test_what_another_team_decides_is_not_there(approver: Client, cast: Cast, client_for: SignIn) -> None:
    launch = open_launch(now())
    Membership.objects.create(team=Team.objects.create(name="Others"), person=cast.outsider)
    client = client_for(cast.outsider)
    for answer in (
        client.get("/desk/decide/", picking("approve", launch.pk)),
        client.post(DECIDE, looked("approve", launch.pk), follow=True),
    ):
        assert launch.number not in text_of(answer)
    assert states([launch]) == {State.PENDING}


@pytest.mark.parametrize("role", ["requester", "auditor", "administrator"])
def test_who_may_not_decide_has_no_such_page(cast: Cast, client_for: SignIn, role: str) -> None:
    launch = open_launch(now())
    client = client_for(getattr(cast, role))
    said = looked("approve", launch.pk)
    assert client.get("/desk/decide/", said).status_code == 404
    assert client.post(DECIDE, said).status_code == 404
    assert states([launch]) == {State.PENDING}


@pytest.mark.parametrize("pick", ["", "x", "-1", "²", "9" * 30, "1.5"])
def test_a_made_up_selection_is_none(approver: Client, cast: Cast, pick: str) -> None:
    answer = approver.get("/desk/decide/", picking("approve", pick))
    assert "Nothing is selected" in text_of(answer)


@pytest.mark.parametrize("verdict", ["", "withdraw", "party"])
def test_there_are_two_verdicts(approver: Client, cast: Cast, verdict: str) -> None:
    assert approver.get("/desk/decide/", {"verdict": verdict}).status_code == 404


def test_the_way_back_leads_to_the_same_list_and_nowhere_else(approver: Client, cast: Cast) -> None:
    pick = open_launch(now()).pk
    said = picking("approve", pick) | {"back": 'region=a-1&next=//evil.example"'}
    assert b'href="/desk/?region=a-1"' in approver.get("/desk/decide/", said).content


def test_the_pages_cost_as_much_for_one_as_for_thirty(
    approver: Client, cast: Cast, django_assert_num_queries: Callable[[int], object]
) -> None:
    launches = [open_launch(now()) for _ in range(30)]
    for many in (1, 30):
        picks = [one.pk for one in launches[:many]]
        with django_assert_num_queries(14):  # type: ignore[attr-defined]
            approver.get("/desk/decide/", picking("approve", *picks))


def carried(page: str) -> str:
    (value,) = re.findall(r'name="seen" value="([^"]+)"', page)
    return str(value)


def test_a_row_that_changed_since_it_was_shown_is_refused_and_the_others_are_decided(
    approver: Client, cast: Cast
) -> None:
    stale, fine = open_launch(now()), open_launch(now())
    page = approver.get("/desk/decide/", picking("approve", stale.pk, fine.pk)).content.decode()
    actions.comment(stale.pk, actor=Actor(cast.requester, Channel.DESK), now=now(), text="Wait, it is too large!")
    given = picking("approve", stale.pk, fine.pk) | {"seen": carried(page)}
    text = text_of(approver.post(DECIDE, given, follow=True))
    assert "Something has changed since you opened this page" in text
    assert "1 approval is recorded." in text
    assert (states([stale]), states([fine])) == ({State.PENDING}, {State.APPROVED})


def test_what_was_first_shown_counts_also_when_the_reason_was_forgotten(approver: Client, cast: Cast) -> None:
    launch = open_launch(now())
    page = approver.get("/desk/decide/", picking("reject", launch.pk)).content.decode()
    actions.comment(launch.pk, actor=Actor(cast.requester, Channel.DESK), now=now(), text="It is urgent.")
    again = approver.post(DECIDE, picking("reject", launch.pk) | {"seen": carried(page)})
    assert carried(again.content.decode()) == carried(page)


@pytest.mark.parametrize("token", ["", "x", "{pk}", "{pk}:", ":x", "²:x", "{pk}:0~pending"])
def test_a_row_without_its_token_is_not_decided(approver: Client, cast: Cast, token: str) -> None:
    launch = open_launch(now())
    given = picking("approve", launch.pk) | {"seen": token.replace("{pk}", str(launch.pk))}
    assert "Something has changed" in text_of(approver.post(DECIDE, given, follow=True))
    assert states([launch]) == {State.PENDING}
