"""The desk's pages at work: deciding, talking, lists, and what they never do with foreign text."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from approvals import actions
from approvals.actor import Actor
from approvals.choices import AlarmCode, Channel, Outcome, SignalStatus, State
from approvals.intake import quarantine, refusals
from approvals.models import Alarm, Hold, LaunchRequest, Membership, Quarantined, Signal
from approvals.review import seen
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import INTAKE, launch_facts, open_launch

SignIn = Callable[[User], Client]


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    return open_launch(now())


@pytest.fixture
def approver(cast: Cast, client_for: SignIn) -> Client:
    return client_for(cast.approver)


def looked(launch: LaunchRequest) -> dict[str, str]:
    """What the forms of a page carry that was loaded this moment."""
    return {"seen": seen.token(LaunchRequest.objects.get(pk=launch.pk))}


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


class TestDeciding:
    def test_approving_leads_back_to_the_page_which_says_so(self, approver: Client, launch: LaunchRequest) -> None:
        page = launch.get_absolute_url()
        answer = approver.post(f"{page}approve/", {"text": "Fine.", **looked(launch)}, follow=True)
        assert answer.redirect_chain == [(page, 302)]
        text = text_of(answer)
        assert "Your approval is recorded." in text
        assert "Amir decided" in text
        assert "Fine." in text
        assert "Amir approved" in text
        assert "voted" not in text
        assert "Your decision" not in text

    def test_a_rejection_needs_a_reason(self, approver: Client, launch: LaunchRequest) -> None:
        answer = approver.post(f"{launch.get_absolute_url()}reject/", {"text": "  ", **looked(launch)})
        assert answer.status_code == 422
        assert "Please write a sentence" in text_of(answer)

    def test_what_was_typed_is_still_there_after_a_refusal(self, approver: Client, launch: LaunchRequest) -> None:
        long = "a" * 4001
        answer = approver.post(f"{launch.get_absolute_url()}reject/", {"text": long, **looked(launch)})
        assert answer.status_code == 422
        assert f">{long}</textarea>" in answer.content.decode()
        assert answer.content.decode().count(long) == 1

    def test_a_form_posted_twice_is_one_decision(self, approver: Client, launch: LaunchRequest) -> None:
        for _ in range(2):
            answer = approver.post(f"{launch.get_absolute_url()}approve/", {**looked(launch)})
            assert answer.status_code == 302
        answer = approver.post(f"{launch.get_absolute_url()}reject/", {**looked(launch), "text": "No."})
        assert answer.status_code == 409
        assert "Amir has already decided: Approved. Nothing was changed." in text_of(answer)

    def test_who_comes_second_reads_who_decided_and_keeps_their_text(
        self, cast: Cast, client_for: SignIn, approver: Client, launch: LaunchRequest
    ) -> None:
        second = client_for(cast.second_approver)
        approver.post(f"{launch.get_absolute_url()}approve/", {**looked(launch)})
        answer = second.post(f"{launch.get_absolute_url()}reject/", {"text": "Too expensive.", **looked(launch)})
        assert answer.status_code == 409
        assert "Amir has already decided: Approved" in text_of(answer)
        assert "What you wrote was not sent: Too expensive." in text_of(answer)
        launch.refresh_from_db()
        assert launch.state == State.APPROVED

    def test_after_the_deadline_nobody_decides(self, approver: Client, launch: LaunchRequest) -> None:
        launch.holds.update(deadline=now() - timedelta(seconds=1))
        answer = approver.post(f"{launch.get_absolute_url()}approve/", {**looked(launch)})
        assert answer.status_code == 409
        assert "The time to decide is over" in text_of(answer)

    def test_an_unknown_verb_is_no_page(self, approver: Client, launch: LaunchRequest) -> None:
        for verb in ("expire", "bypass", "open", "delete"):
            assert approver.post(f"{launch.get_absolute_url()}{verb}/").status_code == 404


class TestTalking:
    def test_a_question_and_its_answer(
        self, cast: Cast, client_for: SignIn, approver: Client, launch: LaunchRequest
    ) -> None:
        page = launch.get_absolute_url()
        requester = client_for(cast.requester)
        approver.post(f"{page}ask/", {"text": "Who pays?"})
        asked = text_of(requester.get(page))
        assert "Who pays?" in asked
        assert "Waiting for an answer" in asked
        assert "Send the answer" in asked
        requester.post(f"{page}answer/", {"text": "Cost centre 42."})
        answered = text_of(approver.get(page))
        assert "Cost centre 42." in answered
        assert "Waiting for a decision" in answered

    def test_line_breaks_and_every_script_survive(self, approver: Client, launch: LaunchRequest) -> None:
        text = "Zwei Zeilen:\n请说明用途 🙂"
        page = launch.get_absolute_url()
        approver.post(f"{page}comment/", {"text": text})
        assert text.replace("\n", "<br>\n") in approver.get(page).content.decode()

    def test_control_characters_never_reach_the_database(self, approver: Client, launch: LaunchRequest) -> None:
        answer = approver.post(f"{launch.get_absolute_url()}comment/", {"text": "a\x00b\x1b[31m\u202ec"})
        assert answer.status_code == 302
        assert launch.messages.get().text == "ab[31mc"


class TestThePage:
    def test_it_says_who_what_where_and_until_when(self, approver: Client, launch: LaunchRequest) -> None:
        text = text_of(approver.get(launch.get_absolute_url()))
        for part in (
            "Rita",
            "verified by AWS",
            launch.principal_arn,
            "prod-wordpress",
            "InstanceType",
            "t3.micro",
            launch.account,
            launch.region,
            launch.stack_name,
            "hours",
            "Platform approvers",
            "Amir , Bea",
        ):
            assert part in text, part

    def test_a_typed_name_is_marked_as_a_claim(self, approver: Client, cast: Cast) -> None:
        claim = open_launch(now(), principal_arn="arn:aws:sts::111122223333:assumed-role/Admin/build-42")
        text = text_of(approver.get(claim.get_absolute_url()))
        assert "not verified" in text
        assert "verified by AWS" not in text

    def test_a_hidden_parameter_and_a_long_one(self, approver: Client, cast: Cast) -> None:
        launch = open_launch(
            now(),
            parameters=[
                {"name": "Password", "value": "****", "no_echo": True, "sha256": "a" * 64, "length": 4},
                {"name": "UserData", "value": None, "no_echo": False, "sha256": "b" * 64, "length": 9000},
            ],
        )
        text = text_of(approver.get(launch.get_absolute_url()))
        assert "****" not in text
        assert "hidden (NoEcho)" in text
        assert "9000 characters" in text
        assert "b" * 64 in text

    def test_a_classic_gate_says_what_cannot_be_promised(self, approver: Client, cast: Cast) -> None:
        classic = open_launch(now(), has_receipt_gate=False)
        assert "it cannot promise that nothing else does" in text_of(approver.get(classic.get_absolute_url()))

    def test_a_hold_that_cannot_be_used_says_why(self, approver: Client, cast: Cast) -> None:
        launch = unusable("the host is not CloudFormation's")
        text = text_of(approver.get(launch.get_absolute_url()))
        assert "This launch cannot be decided from the desk: the host is not CloudFormation" in text
        assert "Your decision" not in text
        assert "cannot be decided here" in text_of(approver.get("/desk/"))
        assert approver.post(f"{launch.get_absolute_url()}approve/", {**looked(launch)}).status_code == 409

    def test_the_three_axes_are_never_mixed(self, approver: Client, launch: LaunchRequest) -> None:
        page = launch.get_absolute_url()
        approver.post(f"{page}approve/", {**looked(launch)})
        LaunchRequest.objects.filter(pk=launch.pk).update(signal=SignalStatus.STORED)
        text = text_of(approver.get(page))
        assert "Decision Approved" in text
        assert "Told to CloudFormation Stored by AWS" in text
        assert "Stack Stack is waiting" in text

    def test_the_wait_url_is_nowhere(self, cast: Cast, client_for: SignIn) -> None:
        launch = open_launch(now(), url="https://wait.example/canary-8431?X-Amz-Signature=canary-8431")
        for person in (cast.approver, cast.requester, cast.administrator, cast.auditor):
            client = client_for(person)
            for page in (launch.get_absolute_url(), "/desk/", "/requests/", "/operations/"):
                assert b"canary-8431" not in client.get(page).content


def unusable(reason: str) -> LaunchRequest:
    facts = launch_facts(now())
    assert facts.hold is not None
    return actions.open_request(replace(facts, hold=replace(facts.hold, unusable=reason)), actor=INTAKE, now=now())


class TestLists:
    def test_what_ends_first_stands_first(self, approver: Client, cast: Cast) -> None:
        late, soon = open_launch(now()), open_launch(now())
        LaunchRequest.objects.filter(pk=soon.pk).update(deadline=now() + timedelta(minutes=20))
        page = approver.get("/desk/").content.decode()
        assert page.index(soon.number) < page.index(late.number)
        assert "19 minutes left" in page

    def test_an_empty_desk_explains_itself(self, approver: Client) -> None:
        assert "Nothing waits for a decision" in text_of(approver.get("/desk/"))

    def test_a_requester_without_launches_reads_what_to_do(self, cast: Cast, client_for: SignIn) -> None:
        assert "You have launched nothing that needs an approval" in text_of(
            client_for(cast.outsider).get("/requests/")
        )

    def test_paging_shows_every_request_once(self, approver: Client, cast: Cast) -> None:
        at = now()
        waiting = {open_launch(at).number for _ in range(60)}
        seen: list[str] = []
        address = "/desk/"
        while address:
            page = approver.get(address).content.decode()
            seen += re.findall(r"GH-\d+", page)
            more = re.search(r'href="(\?after=[^"]+)"', page)
            address = "/desk/" + more[1].replace("&amp;", "&") if more else ""
        assert len(seen) == 60
        assert set(seen) == waiting

    def test_one_s_own_requests_come_in_pages(self, cast: Cast, client_for: SignIn) -> None:
        for _ in range(30):
            open_launch(now())
        client = client_for(cast.requester)
        first = client.get("/requests/").content.decode()
        older = re.search(r'href="(\?[^"]+~\d+)"', first)
        assert older
        second = client.get(f"/requests/{unescape(older[1])}").content.decode()
        assert first.count("<article") + second.count("<article") == 30

    @pytest.mark.parametrize("cursor", ["x", "-1", "9" * 40, "²", "2026-01-01T00:00:00~1", "~", "%00", "9999-99-99~1"])
    def test_a_made_up_cursor_is_the_first_page(self, approver: Client, launch: LaunchRequest, cursor: str) -> None:
        for name in ("after", "asked_after", "before"):
            answer = approver.get(f"/desk/?{name}={cursor}")
            assert answer.status_code == 200
            assert launch.number in answer.content.decode()

    def test_the_number_of_queries_does_not_grow_with_the_list(
        self, approver: Client, cast: Cast, django_assert_max_num_queries: Any
    ) -> None:
        for _ in range(20):
            open_launch(now())
        with django_assert_max_num_queries(10):
            approver.get("/desk/")

    def test_nor_does_it_with_one_s_own_requests(
        self, cast: Cast, client_for: SignIn, django_assert_max_num_queries: Any
    ) -> None:
        for _ in range(20):
            open_launch(now())
        client = client_for(cast.requester)
        with django_assert_max_num_queries(11) as captured:
            assert client.get("/requests/").content.decode().count("<article") == 20
        assert not any("url_encrypted" in query["sql"] for query in captured.captured_queries)


class TestLiveness:
    def poll(self, page: str) -> str:
        found = re.search(r'hx-get="([^"]+)"', page)
        assert found
        return found[1].replace("&amp;", "&")

    def test_nothing_is_sent_while_nothing_changes(self, approver: Client, launch: LaunchRequest) -> None:
        for page in ("/desk/", launch.get_absolute_url()):
            url = self.poll(approver.get(page).content.decode())
            assert approver.get(url).status_code == 204

    def test_a_new_launch_appears_at_the_desk(self, approver: Client) -> None:
        url = self.poll(approver.get("/desk/").content.decode())
        launch = open_launch(now())
        answer = approver.get(url)
        assert launch.number in answer.content.decode()
        assert approver.get(self.poll(answer.content.decode())).status_code == 204

    def test_an_open_page_hears_of_somebody_elses_decision(
        self, cast: Cast, client_for: SignIn, approver: Client, launch: LaunchRequest
    ) -> None:
        url = self.poll(approver.get(launch.get_absolute_url()).content.decode())
        client_for(cast.second_approver).post(f"{launch.get_absolute_url()}approve/", {**looked(launch)})
        text = text_of(approver.get(url))
        assert "This request has changed while you had it open. It is now: Approved." in text
        assert "Bea approved" in text

    def test_no_part_that_moves_holds_a_form(self, approver: Client, launch: LaunchRequest) -> None:
        for url in ("/desk/live/", f"{launch.get_absolute_url()}live/"):
            assert b"<form" not in approver.get(url).content

    def test_a_page_that_has_come_to_rest_asks_no_more(self, approver: Client, launch: LaunchRequest) -> None:
        approver.post(f"{launch.get_absolute_url()}reject/", {"text": "No.", **looked(launch)})
        LaunchRequest.objects.filter(pk=launch.pk).update(signal=SignalStatus.STORED)
        actions.record_outcome(launch.pk, Outcome.ROLLED_BACK, actor=Actor.system(Channel.FOLLOW), now=now())
        assert b"hx-get" not in approver.get(launch.get_absolute_url()).content

    def test_a_poll_of_somebody_who_signed_out_reloads_the_page(self, launch: LaunchRequest) -> None:
        answer = Client().get("/desk/live/", headers={"HX-Request": "true"})
        assert answer["HX-Refresh"] == "true"
        assert answer.content == b""


class TestOperations:
    @pytest.fixture
    def administrator(self, cast: Cast, client_for: SignIn) -> Client:
        return client_for(cast.administrator)

    def test_an_alarm_is_acknowledged_once(self, administrator: Client, launch: LaunchRequest) -> None:
        alarm = actions.raise_alarm(AlarmCode.CONTRADICTION, now=now(), request=launch, detail="It did not stop.")
        assert "It did not stop." in text_of(administrator.get("/operations/"))
        answer = administrator.post(f"/operations/alarms/{alarm.pk}/acknowledge/", follow=True)
        assert "The alarm is acknowledged." in text_of(answer)
        assert "No alarm is open" in text_of(answer)
        assert Alarm.objects.get().acknowledged_by is not None

    def test_a_kept_message_is_shown_masked_tried_again_and_dismissed(self, administrator: Client) -> None:
        body = '{"hold": {"url": "https://x.example/?X-Amz-Signature=canary-77"}'
        quarantine.keep(body, reason="not JSON", topic_arn="arn:aws:sns:x", door="queue", now=now())
        row = Quarantined.objects.get()
        page = administrator.get("/operations/").content.decode()
        assert "not JSON" in page
        assert "https://x.example/" in page
        assert "canary-77" not in page
        again = administrator.post(f"/operations/messages/{row.pk}/retry/", follow=True)
        assert "still cannot be understood" in text_of(again)
        gone = administrator.post(f"/operations/messages/{row.pk}/dismiss/", follow=True)
        assert "Every message was understood" in text_of(gone)
        assert administrator.post(f"/operations/messages/{row.pk}/dismiss/").status_code == 404

    def test_a_message_whose_key_is_gone_is_still_listed(self, administrator: Client, settings: Any) -> None:
        quarantine.keep("{", reason="not JSON", topic_arn="", door="queue", now=now())
        Quarantined.objects.update(body_encrypted=b"not ours")
        assert "It cannot be decrypted" in text_of(administrator.get("/operations/"))

    def test_a_signal_given_up_is_sent_again(
        self, administrator: Client, approver: Client, launch: LaunchRequest
    ) -> None:
        approver.post(f"{launch.get_absolute_url()}approve/", {**looked(launch)})
        Signal.objects.update(status=SignalStatus.GIVEN_UP, last_result="503 SlowDown")
        assert "503 SlowDown" in text_of(administrator.get("/operations/"))
        administrator.post(f"/operations/signals/{Signal.objects.get().pk}/retry/")
        assert Signal.objects.get().status == SignalStatus.QUEUED

    def test_a_signal_whose_url_is_over_is_refused_with_a_sentence(
        self, administrator: Client, approver: Client, launch: LaunchRequest
    ) -> None:
        approver.post(f"{launch.get_absolute_url()}approve/", {**looked(launch)})
        Signal.objects.update(status=SignalStatus.GIVEN_UP)
        Hold.objects.update(url_expires_at=now() - timedelta(minutes=1))
        answer = administrator.post(f"/operations/signals/{Signal.objects.get().pk}/retry/")
        assert answer.status_code == 409
        assert "The time to decide is over" in text_of(answer)

    def test_an_auditor_reads_and_does_nothing(self, cast: Cast, client_for: SignIn, launch: LaunchRequest) -> None:
        alarm = actions.raise_alarm(AlarmCode.CONTRADICTION, now=now(), request=launch)
        auditor = client_for(cast.auditor)
        page = auditor.get("/operations/").content
        assert b"Acknowledge" not in page
        assert auditor.post(f"/operations/alarms/{alarm.pk}/acknowledge/").status_code == 403
        assert Alarm.objects.get().acknowledged_at is None

    def test_refusals_are_counted_by_reason(self, administrator: Client) -> None:
        for _ in range(3):
            refusals.refuse("forged signature", door="https", now=now())
        assert "forged signature https 3" in text_of(administrator.get("/operations/"))

    @pytest.mark.parametrize(
        "path", ["alarms/1/delete/", "people/1/retry/", "alarms/1/acknowledge/", "signals/1/retry/"]
    )
    def test_unknown_things_are_no_pages(self, administrator: Client, path: str) -> None:
        assert administrator.post(f"/operations/{path}").status_code == 404


PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)',
    "javascript:alert(1)",
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "<!--<script>alert(1)//-->",
    "{{ 7|add:7 }}{% load i18n %}",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<a href=javascript:alert(1)>x</a>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<style>*{display:none}</style>",
    "<base href=//evil.example>",
    "<form action=//evil.example><button>",
    "<div hx-get=//evil.example hx-trigger=load>",
    "<math><mi xlink:href=data:x>",
    "\u202egnp.exe\u2066<b>",
    "%3Cscript%3E",
]


class _Markup(HTMLParser):
    """What a browser would see: elements, and attributes that could act."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.bad: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        if tag in ("iframe", "base", "style", "object", "embed", "math"):
            self.bad.append(tag)
        if tag == "img" and not re.fullmatch(r"/badge/[0-9]+-[\w-]{22}\.svg\?lang=en", given.get("src") or ""):
            self.bad.append(tag)
        if tag == "script" and not (given.get("src") or "").startswith("/static/"):
            self.bad.append("script")
        for name, value in attrs:
            text = (value or "").strip().lower()
            if name.startswith("on") or text.startswith("javascript:") or ("evil.example" in text and name != "value"):
                self.bad.append(f"{tag} {name}={value}")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_foreign_text_is_never_markup(cast: Cast, client_for: SignIn, payload: str) -> None:
    person = cast.requester
    User.objects.filter(pk=person.pk).update(name=payload)
    launch = open_launch(
        now(),
        parameters=[
            {"name": payload, "value": payload, "no_echo": False, "sha256": payload, "length": 1},
            {"name": "Long", "value": payload * 30, "no_echo": False, "sha256": payload, "length": 1},
        ],
        template={
            "description": payload,
            "resource_types": {payload: payload},
            "resources": [{"id": payload, "type": payload}],
        },
    )
    LaunchRequest.objects.filter(pk=launch.pk).update(
        product_name=payload,
        version_name=payload,
        stack_name=payload,
        stack_status=payload,
        stack_reason=payload,
        typed_email=payload,
        principal_arn=payload,
        has_receipt_gate=False,
    )
    approver, requester = client_for(cast.approver), client_for(person)
    page = launch.get_absolute_url()
    for verb in ("ask", "comment", "note"):
        approver.post(f"{page}{verb}/", {"text": payload})
    refused = requester.post(f"{page}approve/", {"text": payload, **looked(launch)})
    approver.post(f"{page}reject/", {"text": payload, **looked(launch)})
    unusable(payload)
    actions.raise_alarm(AlarmCode.BYPASS, now=now(), request=launch, detail=payload)
    quarantine.keep(payload, reason=payload, topic_arn=payload, door="queue", now=now())
    refusals.refuse(payload[:40], door="https", now=now())
    answers = [
        refused,
        approver.get(page),
        requester.get(page),
        requester.get("/requests/"),
        requester.get("/preferences/"),
        approver.get("/desk/"),
        client_for(cast.administrator).get("/operations/"),
        approver.get(f"{page}live/"),
    ]
    for answer in answers:
        assert answer.status_code in (200, 403)
        markup = _Markup(answer.content.decode())
        assert markup.bad == [], answer.request["PATH_INFO"]


def test_a_request_page_costs_the_same_however_many_may_decide(
    approver: Client, cast: Cast, django_assert_max_num_queries: Any
) -> None:
    for n in range(30):
        person = User.objects.create_user(f"approver{n}@example.com")
        Membership.objects.create(team=cast.team, person=person)
    launch = open_launch(now())
    with django_assert_max_num_queries(46):
        assert approver.get(launch.get_absolute_url()).status_code == 200
