"""The doctor's page: who may see it, who may ask, what it shows and what it never blocks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import translation

from approvals import tasks
from approvals.doctor import keeping, registry, running
from approvals.doctor.findings import Severity, problem
from approvals.hints import Hint
from approvals.views import doctor
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast

SignIn = Callable[[User], Client]
PAGE, RUN, LIVE = "/operations/doctor/", "/operations/doctor/run/", "/operations/doctor/live/"


@pytest.fixture(autouse=True)
def _nothing_kept(db: None) -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[Hint]:
    hints: list[Hint] = []
    monkeypatch.setattr(doctor, "publish", hints.append)
    return hints


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


def report(*findings: Any) -> running.Report:
    return running.Report(now(), 3.2, list(findings))


def dead(count: int = 3) -> Any:
    found = problem("Messages in the dead-letter queue: %(count)s.", about="https://sqs.example/1/dead", count=count)
    return registry.checks()["dead_letters"].finding(found)


@pytest.mark.parametrize("path", [PAGE, LIVE])
def test_administrators_and_auditors_see_it_and_nobody_else_knows_of_it(
    cast: Cast, client_for: SignIn, path: str
) -> None:
    for person in (cast.administrator, cast.auditor):
        assert client_for(person).get(path).status_code == 200
    for person in (cast.approver, cast.requester, cast.outsider):
        assert client_for(person).get(path).status_code == 404
    assert Client().get(path).status_code == 302


def test_only_an_administrator_has_it_look(cast: Cast, client_for: SignIn, published: list[Hint]) -> None:
    for person in (cast.auditor, cast.approver, cast.outsider):
        assert client_for(person).post(RUN).status_code == 404
    assert client_for(cast.administrator).get(RUN).status_code == 405
    assert published == []
    assert "Look now" not in text_of(client_for(cast.auditor).get(PAGE))


def test_asking_only_leaves_a_hint_for_the_worker(cast: Cast, client_for: SignIn, published: list[Hint]) -> None:
    client = client_for(cast.administrator)
    assert "has not looked yet" in text_of(client.get(PAGE))
    answer = client.post(RUN, follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    assert "The doctor has been looking since" in text_of(answer)
    assert f'hx-get="{LIVE}' in answer.content.decode()
    assert "looking already" in text_of(client.post(RUN, follow=True))
    assert published == [Hint.DOCTOR]


def test_a_worker_that_does_not_come_is_said(
    cast: Cast, client_for: SignIn, published: list[Hint], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_for(cast.administrator)
    client.post(RUN)
    later = now() + keeping.PATIENCE + timedelta(seconds=1)
    monkeypatch.setattr(doctor, "now", lambda: later)
    answer = client.get(PAGE)
    assert "Is the worker running" in text_of(answer)
    assert "hx-get" not in answer.content.decode(), "it has come to rest"
    client.post(RUN)
    assert published == [Hint.DOCTOR, Hint.DOCTOR]


def test_the_task_keeps_what_was_found_and_ends_the_waiting(
    cast: Cast, client_for: SignIn, published: list[Hint], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = report(dead(), registry.checks()["alarms"].in_order())
    asked: list[bool] = []

    def run(_now: Any, *, by_worker: bool) -> running.Report:
        asked.append(by_worker)
        return found

    monkeypatch.setattr(running, "run", run)
    client = client_for(cast.administrator)
    client.post(RUN)
    tasks.examine()
    assert asked == [True]
    assert keeping.last() == found
    assert keeping.asked() is None
    text = text_of(client.get(PAGE))
    check = registry.checks()["dead_letters"]
    assert "Messages in the dead-letter queue: 3." in text
    assert check.why in text
    assert check.remedy in text
    assert "Open alarms" in text
    assert "looking since" not in text


def test_a_finding_is_shown_in_the_reader_s_language_and_its_text_is_only_text(cast: Cast, client_for: SignIn) -> None:
    seen = problem(
        "%(stack)s waits and the desk has no request for it.", about="<b>arn</b>", stack="<script>x</script>"
    )
    keeping.keep(report(registry.checks()["unknown_stacks"].finding(seen)))
    body = client_for(cast.administrator).get(PAGE).content.decode()
    assert "<script>x" not in body
    assert "&lt;script&gt;x" in body
    assert "<b>arn" not in body
    finding = registry.checks()["unknown_stacks"].finding(seen)
    with translation.override("zh-hans"):
        assert finding.seen == "<script>x</script> 正在等待，而审批台没有它的请求。"
        assert finding.heading == translation.gettext(finding.title) != finding.title


def test_operations_leads_to_the_doctor(cast: Cast, client_for: SignIn) -> None:
    assert f'href="{PAGE}"' in client_for(cast.auditor).get("/operations/").content.decode()


def test_a_report_s_worst_is_its_gravest_finding() -> None:
    assert report().worst is Severity.OK
    assert report(registry.checks()["alarms"].in_order(), dead()).worst is Severity.WARNING


def test_checks_without_an_answer_are_one_quiet_group(cast: Cast, client_for: SignIn) -> None:
    late = problem(running.LATE, remedy=running.LATE_REMEDY, severity=Severity.WARNING, seconds=20)
    silent = [registry.checks()[code].finding(late) for code in ("hub_stack", "signing_key")]
    keeping.keep(report(dead(), *silent))
    page = client_for(cast.administrator).get(PAGE)
    said = text_of(page)
    assert "2 checks got no answer; have the doctor look again." in said
    assert said.count("Warning") == 1, "that of what was found"
    assert page.content.decode().count("<h3>") == 1, "only what was found is to mend"
