"""Several workers at once, each with a connection of its own."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from catalog import sync
from catalog.models import Place, Product, SyncRun, Template, Version
from catalog.sync import runs
from portal import clock
from tests.sandbox.servicecatalog_support import Place as Account
from tests.sandbox.servicecatalog_support import template
from tests.support import mirror

pytestmark = pytest.mark.usefixtures("cloned_db")


def at_once(*work: object) -> None:
    together = threading.Barrier(len(work))

    def begin(one: object) -> None:
        together.wait()
        try:
            one()  # type: ignore[operator]
        finally:
            connection.close()

    threads = [threading.Thread(target=begin, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_two_workers_at_once_read_a_place_once(account: Account) -> None:
    portfolio = account.portfolio()
    for number in range(4):
        account.product(f"Queue {number}", template(f"queue {number}"), portfolio=portfolio)
    mirror.watched()
    with mirror.calls() as asked:
        at_once(*[lambda: sync.tick(60)] * 4)
    run = SyncRun.objects.get()
    assert (run.result, run.claims, run.calls) == ("done", 1, len(asked))
    assert (Product.objects.count(), Version.objects.count(), Template.objects.count()) == (4, 4, 4)


def test_a_claim_is_given_once(account: Account) -> None:
    place = mirror.watched()
    for number in range(10):
        Place.objects.filter(pk=place.pk).update(next_at=clock.now())
        SyncRun.objects.all().delete()
        won: list[SyncRun] = []

        def claim(won: list[SyncRun] = won) -> None:
            if found := runs.claim(clock.now()):
                won.append(found)

        at_once(*[claim] * 4)
        assert len(won) == 1, f"round {number}"
        assert SyncRun.objects.count() == 1


def test_two_places_with_the_same_template_keep_it_once(account: Account) -> None:
    account.product("Queue")
    europe = Account(account.url, account.account, "eu-west-1")
    europe.product("Queue in Europe")
    now = clock.now()
    for region in ("us-east-1", "eu-west-1"):
        Place.objects.create(account=account.account, region=region, created_at=now, next_at=now)
    at_once(*[lambda: sync.tick(60)] * 2)
    assert set(SyncRun.objects.values_list("result", flat=True)) == {"done"}
    assert Template.objects.count() == 1
    assert Version.objects.exclude(template=None).count() == 2
