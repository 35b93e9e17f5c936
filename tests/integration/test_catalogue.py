"""The command that reads the catalogue, and the names it gives to requests."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals import names, tasks
from approvals.models import LaunchRequest
from approvals.places import origins
from catalog import places
from catalog.models import Place, Product, SyncRun, Version
from catalog.names import lookup
from catalog.sync.trouble import Trouble
from portal.clock import now
from tests.sandbox.servicecatalog_support import Place as Account
from tests.support import mirror, shelf
from tests.support.launches import open_launch
from tests.support.plans import rows_read

pytestmark = pytest.mark.django_db


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


def test_requests_nobody_can_name_crowd_out_none_that_can_be_named(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "_BATCH", 2)
    at = now() - timedelta(hours=1)
    mine = [open_launch(at, product_id=f"prod-{n}", version_id=f"pa-{n}") for n in range(3)]
    for number in range(5):
        open_launch(now(), product_id=f"prod-never-{number}", version_id="pa-never")
    with CaptureQueriesContext(connection) as asked:
        assert names.fill() == 0
    assert len(asked) == 1, "what cannot be known costs nothing"
    for number, request in enumerate(mine):
        product = shelf.product(f"Queue {number}", product_id=request.product_id)
        if number:
            Version.objects.create(product=product, artifact_id=request.version_id, name="v1")
    assert names.fill() == 3
    assert [(one.product_name, one.version_name) for one in LaunchRequest.objects.order_by("pk")[:3]] == [
        ("Queue 0", ""),
        ("Queue 1", "v1"),
        ("Queue 2", "v1"),
    ]
    assert names.fill() == 0


def test_nothing_is_named_while_nothing_is_read(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    filled: list[int] = []
    monkeypatch.setattr(names, "fill", lambda: filled.append(1))
    tasks.sync_catalogue()
    tasks.sync_catalogue()
    assert len(filled) == 1


def test_where_launches_come_from_is_found_without_reading_them_all() -> None:
    model = open_launch(now())
    fields = [field.attname for field in LaunchRequest._meta.concrete_fields if not field.primary_key]
    kept = {name: getattr(model, name) for name in fields} | {"product_name": "Named", "version_name": "v1"}
    origin = [("111122223333", "us-east-1"), ("444455556666", "eu-west-1"), ("444455556666", "eu-west-2")]
    LaunchRequest.objects.bulk_create(
        LaunchRequest(**kept | {"uuid": uuid4(), "stack_id": f"{model.stack_id}-{n}", "account": account, "region": at})
        for n, (account, at) in enumerate(origin * 100)
    )
    with CaptureQueriesContext(connection) as asked:
        assert origins() == set(origin)
    assert len(asked) <= 2 * len(origin) + 1
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE approvals_launchrequest")
    # Which index serves a query best is the planner's to say. That it reads one row and not all is what matters.
    assert max(rows_read(query["sql"]) for query in asked) <= 1
    with CaptureQueriesContext(connection) as asked:
        LaunchRequest.objects.nameless().order_by("-opened_at").first()
    assert rows_read(asked[0]["sql"]) <= 1
