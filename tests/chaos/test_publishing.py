"""Many workers and many clicks at once: one version is made, and each other one is retired once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections

from approvals import audit
from approvals.actions import publishing as verbs
from approvals.actor import Actor
from approvals.choices import Channel
from approvals.errors import Refused
from approvals.models import AuditEvent
from catalog import publishing
from catalog.models import Portfolio, Publication
from catalog.models.publishing import Status
from portal import clock
from tests.sandbox.servicecatalog_support import Place as Account
from tests.sandbox.servicecatalog_support import template
from tests.support import publishing as desk
from tests.support.cast import Cast


@pytest.fixture
def account(sandbox: str, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Account]:
    yield from desk.account(sandbox, monkeypatch, settings)


def at_once(*works: Callable[[], object]) -> list[BaseException]:
    """Runs them in a thread each; what they raised."""
    raised: list[BaseException] = []
    start = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        try:
            start.wait()
            work()
        except BaseException as error:  # noqa: BLE001 - handed on
            raised.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_eight_clicks_and_eight_workers_make_one_version(cloned_db: str, account: Account, cast: Cast) -> None:
    product, versions = desk.filled(account)
    admin = Actor(cast.administrator, Channel.DESK)

    def ask() -> None:
        verbs.plan(product, publishing.newest(product), options={}, retire="inactive", actor=admin, now=clock.now())

    assert at_once(*[ask] * 8) == []
    assert Publication.objects.open().count() == 1
    at_once(*[desk.work] * 4)
    planned = Publication.objects.open().get()
    assert planned.status == Status.PLANNED

    def confirm() -> None:
        verbs.confirm(planned.uuid, shown=planned.shown, is_fresh=True, actor=admin, now=clock.now())
        desk.work()

    assert at_once(*[confirm] * 8) == []
    planned.refresh_from_db()
    assert planned.status == Status.DONE
    assert set(desk.live(account, product)) == {*versions, planned.artifact_id}
    told = Counter(AuditEvent.objects.filter(chain__subject__startswith="product:").values_list("code", flat=True))
    assert (told["publication_confirmed"], told["version_created"], told["version_retired"]) == (1, 1, 2)
    assert audit.verify().first_bad == ""


def test_a_portfolio_planned_and_confirmed_at_once_never_locks_up(cloned_db: str, account: Account, cast: Cast) -> None:
    portfolio = account.portfolio("Shop")
    for number in range(4):
        account.product(f"Queue {number}", template(str(number)), portfolio)
    desk.read()
    shop, admin = Portfolio.objects.get(portfolio_id=portfolio), Actor(cast.administrator, Channel.DESK)

    def ask() -> Any:
        return verbs.plan_portfolio(shop, options={}, retire="inactive", actor=admin, now=clock.now())

    rollout = ask()
    desk.work()
    shown = verbs.shown_of(rollout.publications.all())

    def confirm() -> None:
        verbs.confirm_portfolio(rollout.uuid, shown=shown, is_fresh=True, actor=admin, now=clock.now())

    raised = at_once(ask, confirm, ask, confirm, desk.work, desk.work)
    assert all(isinstance(error, Refused) for error in raised), raised
    desk.long_ago()
    desk.work()
    assert audit.verify().first_bad == ""
    assert not Publication.objects.exclude(
        status__in=[Status.DONE, Status.PLANNED, Status.ABANDONED, Status.REFUSED]
    ).exists()
