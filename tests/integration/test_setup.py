"""First run: each step with its check, who sees it, and when the desk stops mentioning it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client

from approvals import heartbeat, setup, tasks
from approvals.choices import DeliveryStatus
from approvals.doctor import keeping, registry, running
from approvals.doctor.findings import Finding, Severity
from approvals.hints import Hint
from approvals.models import AuditChain, Delivery, Membership, Notice
from approvals.setup import hub
from approvals.setup.steps import Standing
from approvals.views import setup as view
from catalog.models import Place, SyncRun, Version
from portal.accounts.models import User
from portal.clock import now
from tests.support import shelf
from tests.support.cast import Cast
from tests.support.launches import open_launch

SignIn = Callable[[User], Client]
PAGE, CHECK, MAIL = "/setup/", "/setup/check/", "/setup/mail/"


@pytest.fixture(autouse=True)
def hints(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Hint]]:
    cache.clear()
    published: list[Hint] = []
    monkeypatch.setattr(view, "publish", published.append)
    yield published
    cache.clear()


@pytest.fixture
def administrator(cast: Cast, client_for: SignIn) -> Client:
    return client_for(cast.administrator)


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


def standing(code: str) -> Standing:
    return next(step for step in setup.steps(now()) if step.code == code).standing


def looked(*troubles: Finding, without: str = "") -> running.Report:
    """A report in which every other check is in order."""
    bad = {one.code for one in troubles}
    codes = [code for code in hub.CODES if code not in bad and code != without]
    return running.Report(now(), 0.1, [*troubles, *(registry.checks()[code].in_order() for code in codes)])


def trouble(code: str, seen: str = "There is no stack %(name)s.", **facts: Any) -> Finding:
    check = registry.checks()[code]
    return Finding(code, Severity.CRITICAL, check.title, seen, check.why, check.remedy, facts)


def everything(cast: Cast) -> None:
    keeping.keep(looked())
    heartbeat.beat(now())
    product = shelf.product()
    shelf.version(product, shelf.gated())
    shelf.covered()
    cache.set("setup-mail-sent", True)


class TestWhoSeesIt:
    @pytest.mark.parametrize("who", ["auditor", "approver", "requester", "outsider"])
    def test_there_is_no_such_page_for_anybody_but_administrators(
        self, cast: Cast, client_for: SignIn, who: str
    ) -> None:
        client = client_for(getattr(cast, who))
        assert client.get(PAGE).status_code == 404
        assert [client.post(path).status_code for path in (CHECK, MAIL)] == [404, 404]
        assert mail.outbox == []

    def test_looking_and_mailing_are_no_reading(self, administrator: Client) -> None:
        assert [administrator.get(path).status_code for path in (CHECK, MAIL)] == [405, 405]

    def test_operations_and_the_empty_desk_lead_there_while_something_is_missing(
        self, cast: Cast, administrator: Client, client_for: SignIn
    ) -> None:
        for path in ("/operations/", "/desk/"):
            assert f'href="{PAGE}"' in administrator.get(path).content.decode(), path
            assert f'href="{PAGE}"' not in client_for(cast.auditor).get(path).content.decode(), path
        everything(cast)
        assert "Everything is in place" in text_of(administrator.get(PAGE))
        heartbeat.beat(now() - timedelta(days=1))
        for path in ("/operations/", "/desk/"):
            assert f'href="{PAGE}"' not in administrator.get(path).content.decode(), "once over, it stays over"

    def test_the_page_asks_nobody_and_costs_the_same_at_each_stage(
        self, cast: Cast, administrator: Client, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(13):
            text = text_of(administrator.get(PAGE))
        assert "1 of 6 done" in text, "the cast has two approvers"
        everything(cast)
        administrator.get(PAGE)
        with django_assert_num_queries(10):
            administrator.get(PAGE)


class TestTheHub:
    def test_nobody_has_looked(self) -> None:
        assert standing("hub") is Standing.UNKNOWN

    def test_a_launch_that_came_through_it_is_proof_enough(self, cast: Cast, administrator: Client) -> None:
        open_launch(now())
        assert standing("hub") is Standing.DONE
        assert "Launches have come through it." in text_of(administrator.get(PAGE))
        keeping.keep(looked(trouble("hub_stack", running.LATE, seconds=20)))
        assert standing("hub") is Standing.DONE
        keeping.keep(looked(trouble("hub_stack")))
        assert standing("hub") is Standing.TODO, "what was seen to be missing counts more"

    def test_in_order_is_done(self) -> None:
        keeping.keep(looked())
        assert standing("hub") is Standing.DONE

    def test_what_is_missing_is_said_with_its_remedy(self, administrator: Client) -> None:
        keeping.keep(looked(trouble("hub_stack", name="gatehouse-hub")))
        assert standing("hub") is Standing.TODO
        text = text_of(administrator.get(PAGE))
        assert "There is no stack gatehouse-hub." in text
        assert "make deploy-hub" in text

    def test_a_look_without_rights_tells_nothing(self) -> None:
        keeping.keep(looked(trouble("desk_queue", running.DENIED, action="sqs:GetQueueAttributes")))
        assert standing("hub") is Standing.UNKNOWN

    def test_who_could_look_counts_before_who_could_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        keeping.keep(looked())
        denied = looked(*(trouble(code, running.DENIED, action="x:Y", role="r", place="p") for code in hub.CODES))
        monkeypatch.setattr(running, "run", lambda *_args, **_options: denied)
        hub.look_now(now())
        assert standing("hub") is Standing.DONE

    def test_the_newer_of_two_looks_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        keeping.keep(looked(trouble("hub_stack", name="gatehouse-hub")))
        monkeypatch.setattr(running, "run", lambda *_args, **_options: looked())
        hub.look_now(now() + timedelta(seconds=1))
        assert standing("hub") is Standing.DONE

    def test_an_aws_that_does_not_answer_holds_nobody_up(
        self, administrator: Client, monkeypatch: pytest.MonkeyPatch, hints: list[Hint]
    ) -> None:
        dead = threading.Event()
        monkeypatch.setattr(hub, "SECONDS", 0.2)
        monkeypatch.setattr(running, "run", lambda *_args, **_options: dead.wait(60))
        began = time.monotonic()
        answer = administrator.post(CHECK)
        assert time.monotonic() - began < 20
        dead.set()
        assert (answer.status_code, answer["Location"]) == (302, PAGE)
        assert standing("hub") is Standing.UNKNOWN
        assert hints == [Hint.DOCTOR], "the worker looks as well"

    def test_the_sandbox_without_a_hub_is_told(
        self, administrator: Client, account: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hub, "SECONDS", 20.0)
        assert administrator.post(CHECK).status_code == 302
        assert standing("hub") is Standing.TODO


class TestTheOthers:
    def test_a_place_counts_when_it_was_read_to_its_end(self) -> None:
        assert standing("place") is Standing.TODO
        place = Place.objects.create(account="111122223333", region="us-east-1", created_at=now(), next_at=now())
        assert standing("place") is Standing.TODO
        shelf.read(place, now())
        assert standing("place") is Standing.DONE
        Place.objects.update(enabled=False)
        assert standing("place") is Standing.TODO
        assert SyncRun.objects.count() == 1

    def test_a_product_counts_when_a_version_that_can_be_launched_has_a_gate(self) -> None:
        assert standing("product") is Standing.UNKNOWN, "nothing was read"
        product = shelf.product()
        shelf.version(product, shelf.QUEUE)
        shelf.covered()
        assert standing("product") is Standing.TODO
        shelf.version(product, shelf.gated(), name="v2")
        shelf.covered()
        assert standing("product") is Standing.DONE
        Version.objects.update(active=False)
        assert standing("product") is Standing.UNKNOWN

    def test_an_approver_beside_the_administrator(self, cast: Cast) -> None:
        assert standing("approver") is Standing.DONE
        Membership.objects.all().delete()
        assert standing("approver") is Standing.TODO
        Membership.objects.create(team=cast.team, person=cast.administrator)
        assert standing("approver") is Standing.TODO, "nobody else could decide on a launch of hers"
        member = Membership.objects.create(team=cast.team, person=cast.outsider, may_decide=False)
        assert standing("approver") is Standing.TODO
        member.may_decide = True
        member.save()
        assert standing("approver") is Standing.DONE

    def test_worker_and_beat_show_life(self) -> None:
        assert standing("work") is Standing.TODO
        tasks.show_life()
        assert standing("work") is Standing.DONE
        heartbeat.beat(now() - heartbeat.ALIVE)
        assert standing("work") is Standing.TODO

    def test_a_mail_that_was_sent(self, cast: Cast) -> None:
        open_launch(now())
        assert standing("mail") is Standing.TODO
        notice = Notice.objects.get()
        delivery = Delivery.objects.create(notice=notice, person=cast.approver, next_attempt_at=now())
        assert standing("mail") is Standing.TODO
        Delivery.objects.filter(pk=delivery.pk).update(status=DeliveryStatus.SENT)
        assert standing("mail") is Standing.DONE


class TestTheTestMail:
    def test_it_goes_to_the_administrator(self, cast: Cast, administrator: Client) -> None:
        answer = administrator.post(MAIL, follow=True)
        assert "A mail is on its way to ada@example.com." in text_of(answer)
        assert [message.to for message in mail.outbox] == [["ada@example.com"]]
        assert standing("mail") is Standing.DONE
        assert not AuditChain.objects.exists()

    def test_a_failure_is_a_sentence_without_the_error_s_words(self, administrator: Client, settings: Any) -> None:
        settings.EMAIL_BACKEND = "tests.integration.test_setup.Broken"
        text = text_of(administrator.post(MAIL, follow=True))
        assert "The mail could not be sent (ConnectionRefusedError)." in text
        assert "canary" not in text
        assert standing("mail") is Standing.TODO


class Broken:
    def __init__(self, **_options: Any) -> None:
        pass

    def send_messages(self, _messages: Any) -> int:
        raise ConnectionRefusedError("canary")
