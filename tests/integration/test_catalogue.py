"""The command that reads the catalogue, and the names it gives to requests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from approvals import names, tasks
from approvals.models import LaunchRequest
from catalog import places
from catalog.models import Place, Product, SyncRun
from catalog.names import lookup
from catalog.sync.trouble import Trouble
from portal.clock import now
from tests.sandbox.servicecatalog_support import Place as Account
from tests.support import mirror
from tests.support.launches import open_launch

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(sandbox: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    account = Account(sandbox)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account.account)
    mirror.forget_clients()
    yield account
    mirror.forget_clients()


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("sync_catalogue", *arguments, stdout=out)
    return out.getvalue()


def test_requests_that_came_before_the_catalogue_get_their_names(account: Account) -> None:
    product, version = account.product("WordPress")
    request = open_launch(now(), product_id=product, version_id=version)
    other = open_launch(now(), product_id="prod-9", version_id="pa-9")
    assert (request.product_name, request.version_name) == ("", "")
    said = command()
    assert "1 products, 1 versions, 1 templates" in said
    assert "1 requests named" in said
    request.refresh_from_db()
    assert (request.product_name, request.version_name, request.title) == ("WordPress", "v1", "WordPress")
    assert names.fill() == 0
    other.refresh_from_db()
    assert other.title == "prod-9"
    assert open_launch(now(), product_id=product, version_id=version).product_name == "WordPress"
    assert LaunchRequest.objects.filter(product_name="").count() == 1
    assert lookup(product, version) == ("WordPress", "v1")
    assert lookup(product, "pa-9") == ("WordPress", "")
    assert lookup("prod-9", "pa-9") == ("", "")


def test_the_command_reads_one_place_when_asked(account: Account) -> None:
    account.product("Queue")
    assert "done" in command("--place", f"{account.account}/us-east-1")
    with pytest.raises(CommandError, match="not watched"):
        command("--place", "123456789012/us-east-1")


def test_the_command_fails_when_a_place_does(account: Account) -> None:
    denied = Trouble("no_credentials")
    with (
        mirror.calls(mirror.fails("search_products_as_admin", denied)),
        pytest.raises(CommandError, match="Not everything"),
    ):
        command()


def test_a_request_nobody_can_name_has_the_catalogue_read_at_once_but_not_all_the_time(account: Account) -> None:
    tasks.sync_catalogue()
    assert SyncRun.objects.count() == 1
    tasks.sync_catalogue()
    assert SyncRun.objects.count() == 1, "nothing is due"
    product, version = account.product("New")
    request = open_launch(now(), product_id=product, version_id=version)
    tasks.sync_catalogue()
    assert SyncRun.objects.count() == 1, "it was read less than a minute ago"
    Place.objects.update(begun_at=now() - timedelta(minutes=2))
    tasks.sync_catalogue()
    request.refresh_from_db()
    assert request.product_name == "New"
    open_launch(now() - timedelta(minutes=5), product_id="prod-never", version_id="pa-never")
    Place.objects.update(begun_at=now() - timedelta(minutes=2))
    tasks.sync_catalogue()
    assert SyncRun.objects.count() == 2, "it was not there when it was read after that request"


def test_products_that_were_read_before_there_were_places_are_theirs_now(account: Account) -> None:
    product, _ = account.product("Queue")
    old = {"account": account.account, "region": "us-east-1", "updated_at": now() - timedelta(days=1)}
    Product.objects.create(product_id=product, name="Old name", **old)
    gone = Product.objects.create(product_id="prod-gone", name="Gone", **old)
    elsewhere = Product.objects.create(product_id="prod-other", name="Other", **old | {"account": "1" * 12})
    command()
    kept = Product.objects.get(product_id=product)
    assert (kept.name, kept.removed_at) == ("Queue", None)
    assert kept.place == Place.objects.get()
    for product_, expected in ((gone, True), (elsewhere, False)):
        product_.refresh_from_db()
        assert (product_.removed_at is not None) == expected


def test_the_desk_watches_its_own_account_and_those_it_may_read(account: Account, settings: object) -> None:
    settings.GATEHOUSE_READER_ACCOUNTS = ["444455556666", "777788889999"]  # type: ignore[attr-defined]
    known = {("444455556666", "eu-west-1"), ("999988887777", "us-east-1"), (account.account, "eu-west-1")}
    for _round in range(2):
        places.ensure(now(), known)
        assert set(Place.objects.values_list("account", "region")) == {
            (account.account, "us-east-1"),
            (account.account, "eu-west-1"),
            ("444455556666", "eu-west-1"),
            ("777788889999", "us-east-1"),
        }
    place = Place.objects.get(account="777788889999")
    places.switch(place, on=False, now=now())
    places.ensure(now(), known)
    place.refresh_from_db()
    assert not place.enabled
