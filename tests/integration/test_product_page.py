"""The page of a product, and coverage as CSV: what they say, and who may read them."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from io import StringIO
from typing import Any

import pytest
from django.test import Client

from approvals import actions
from approvals.actor import Actor
from approvals.choices import Channel, Outcome, State
from approvals.models import LaunchRequest
from approvals.review import usage
from catalog.models import Constraint, Product
from catalog.sync.reading import Reader
from catalog.sync.trouble import Passing
from portal.clock import now
from tests.support import shelf
from tests.support.cast import Cast
from tests.support.launches import open_launch

ROLE = f"arn:aws:iam::{shelf.ACCOUNT}:role/launch"
ClientFor = Callable[[Any], Client]


@pytest.fixture(autouse=True)
def _iam_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*_arguments: Any, **_named: Any) -> dict[str, Any]:
        raise Passing("no_answer")

    monkeypatch.setattr(Reader, "ask", ask)


@pytest.fixture
def product(cast: Cast) -> Product:
    """Gated in its newest version; the one before can be launched, the oldest only updated to."""
    product = shelf.product("WordPress <b>", description="A blog", owner="Web team", product_id="prod-wordpress")
    shelf.version(product, shelf.QUEUE, "v1", guidance="DEPRECATED")
    shelf.version(product, shelf.QUEUE.replace("Queue:", "Second:"), "v2")
    shelf.version(product, shelf.gated(), "v3 (gated)")
    shelf.version(product, shelf.QUEUE, "v0", active=False)
    shelf.offer(product, role=ROLE)
    shelf.offer(product, "Sandbox")
    shelf.covered()
    product.refresh_from_db()
    return product


def read(client: Client, product_id: str = "prod-wordpress") -> str:
    answer = client.get(f"/catalogue/products/{product_id}/")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_it_says_what_is_open_and_how_to_close_it(product: Product, cast: Cast, client_for: ClientFor) -> None:
    page = read(client_for(cast.auditor))
    assert "WordPress <b>" in page
    assert "A blog" in page
    assert "Launches without asking" in page
    assert "Publish a gated version, then make this one inactive." in page
    assert "a deprecated version can still be updated to" in page
    assert "It has no gate: everything in it is created without asking anybody." in page
    assert "1 version that nobody can launch or update to" in page
    assert "Gated, with receipt" in page
    assert "#admin-products/prod-wordpress" in page
    assert "Platform approvers" in page
    assert "Amir" in page


def test_the_oldest_reading_counts_and_versions_beyond_aws_s_list_are_told(
    product: Product, cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.auditor)
    assert "more versions than AWS lists" not in read(client)
    old = now() - timedelta(days=400)
    Product.objects.update(versions_at=old, cut_off=True)
    page = read(client)
    assert "more versions than AWS lists" in page
    assert f"{old:%Y-%m-%d}" in page


def test_launch_roles_and_their_absence_are_told(product: Product, cast: Cast, client_for: ClientFor) -> None:
    Constraint.objects.update(role_refuses=["gatehouse-verify"], role_asked_at=now())
    page = read(client_for(cast.approver))
    assert ROLE in page
    assert "It may not call gatehouse-verify: launches of gated versions fail at once." in page
    assert "No launch constraint: who launches needs all rights themselves" in page


def test_launches_are_counted_and_the_median_is_the_database_s(cast: Cast, product: Product) -> None:
    at = now()
    for minutes, verb in ((10, actions.approve), (20, actions.approve), (60, actions.reject)):
        launch = open_launch(at - timedelta(minutes=minutes))
        verb(launch.pk, actor=Actor(cast.approver, Channel.DESK), now=at, reason="Fine.")
    open_launch(at)
    LaunchRequest.objects.filter(state=State.APPROVED).update(outcome=Outcome.LAUNCHED)
    open_launch(at, product_id="prod-other")
    old = open_launch(at)
    LaunchRequest.objects.filter(pk=old.pk).update(opened_at=at - timedelta(days=91))
    seen: Any = LaunchRequest.objects
    found = usage.of_product(seen.visible_to(cast.auditor), "prod-wordpress", at)
    assert (found.total, found.decided, found.median) == (4, 3, timedelta(minutes=20))
    assert found.states == {State.PENDING: 1, State.APPROVED: 2, State.REJECTED: 1}
    assert found.outcomes == {Outcome.WAITING: 2, Outcome.LAUNCHED: 2}
    empty = usage.of_product(seen.visible_to(cast.auditor), "prod-nobody", at)
    assert (empty.total, empty.median) == (0, None)


@pytest.mark.parametrize(
    ("part", "status"),
    [
        ("administrator", 200),
        ("auditor", 200),
        ("approver", 200),
        ("requester", 200),
        ("other_requester", 404),
        ("outsider", 404),
    ],
)
def test_who_may_see_the_page(product: Product, cast: Cast, client_for: ClientFor, part: str, status: int) -> None:
    open_launch(now())
    assert client_for(getattr(cast, part)).get("/catalogue/products/prod-wordpress/").status_code == status
    assert client_for(getattr(cast, part)).get("/catalogue/products/prod-nothing/").status_code == 404


@pytest.mark.parametrize("part", ["approver", "auditor"])
def test_no_link_leads_to_a_page_that_is_not_there(
    product: Product, cast: Cast, client_for: ClientFor, part: str
) -> None:
    open_launch(now(), product_id="prod-wordpress")
    client = client_for(getattr(cast, part))
    links = set(re.findall(r'href="(/[^"#]*)"', read(client)))
    assert ("/catalogue/" in links) is (part == "auditor")
    pages = {link for link in links if not link.startswith("/static/")}
    assert {link: client.get(link, follow=True).status_code for link in pages} == dict.fromkeys(pages, 200)


def test_the_trail_and_the_title_say_the_name_and_the_id_stands_once(
    product: Product, cast: Cast, client_for: ClientFor
) -> None:
    page = read(client_for(cast.auditor))
    assert '<a href="/catalogue/">Catalogue</a> · <span class="foreign">WordPress <b></span>' in page
    assert page.count("<code>prod-wordpress</code>") == 1


def test_nobody_is_let_in_without_signing_in(product: Product) -> None:
    for path in ("/catalogue/products/prod-wordpress/", "/catalogue/coverage.csv"):
        assert Client().get(path).status_code == 302


def test_a_requester_sees_neither_the_gate_nor_other_people_s_launches(
    product: Product, cast: Cast, client_for: ClientFor
) -> None:
    own = open_launch(now())
    others = open_launch(now(), email="ravi@example.com")
    page = read(client_for(cast.requester))
    assert "Your launches of the last 90 days" in page
    assert own.number in page
    assert others.number not in page
    for hidden in ("gate:", "Not gated", "without asking", ROLE, ">v0<", "admin-products"):
        assert hidden not in page, hidden
    assert "v3 (gated)" in page
    assert "Amir" in page


def test_the_request_leads_to_its_product(product: Product, cast: Cast, client_for: ClientFor) -> None:
    known, unknown = open_launch(now()), open_launch(now(), product_id="prod-unknown")
    link = 'href="/catalogue/products/prod-wordpress/"'
    client = client_for(cast.requester)
    assert link in client.get(known.get_absolute_url()).content.decode()
    assert "/catalogue/products/" not in client.get(unknown.get_absolute_url()).content.decode()


def test_a_product_without_anything_has_a_page(cast: Cast, client_for: ClientFor) -> None:
    shelf.product("Bare", product_id="prod-bare")
    shelf.product("Servers", product_id="prod-tf", engine="TERRAFORM_CLOUD", removed_at=now())
    page = read(client_for(cast.administrator), "prod-bare")
    assert "The product has no version that is active." in page
    assert "It is in no portfolio" in page
    assert "No launches yet" in page
    assert "no longer in the catalogue" in read(client_for(cast.administrator), "prod-tf")


# The table


def table(client: Client) -> list[dict[str, str]]:
    answer = client.get("/catalogue/coverage.csv")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.DictReader(StringIO(text)))


def test_the_table_has_a_line_for_each_version_gravest_first(
    product: Product, cast: Cast, client_for: ClientFor
) -> None:
    shelf.version(shelf.product("A good one"), shelf.gated(), "v9")
    shelf.product("Empty")
    shelf.covered()
    lines = table(client_for(cast.auditor))
    assert [line["product"] for line in lines] == ["WordPress <b>"] * 4 + ["A good one", "Empty"]
    by_version = {line["version"]: line for line in lines}
    assert (by_version["v1"]["state"], by_version["v1"]["open"]) == ("deprecated", "update")
    assert (by_version["v2"]["state"], by_version["v2"]["open"], by_version["v2"]["verdict"]) == (
        "active",
        "launch",
        "ungated",
    )
    assert (by_version["v0"]["state"], by_version["v0"]["open"]) == ("inactive", "")
    assert by_version["v3 (gated)"]["verdict"] == "receipt"
    assert by_version["v2"]["portfolios"] == "Platform; Sandbox"
    assert ROLE in by_version["v2"]["launch_roles"]
    assert "It has no gate" in by_version["v2"]["reasons"]


def test_no_cell_is_a_formula(cast: Cast, client_for: ClientFor) -> None:
    for name in ("=cmd()", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "fine"):
        shelf.version(shelf.product(name), shelf.QUEUE, name=name)
    lines = table(client_for(cast.administrator))
    assert {line["product"] for line in lines} == {
        "'=cmd()", "'+1", "'-1", "'@SUM(A1)", "'\t=1", "' =1", "'\r=1", "fine",
    }  # fmt: skip
    assert all(line["version"] == line["product"] for line in lines)


@pytest.mark.parametrize("part", ["approver", "requester", "outsider"])
def test_the_table_is_for_administrators_and_auditors(cast: Cast, client_for: ClientFor, part: str) -> None:
    assert client_for(getattr(cast, part)).get("/catalogue/coverage.csv").status_code == 404


def test_the_table_speaks_the_reader_s_language(product: Product, cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.auditor)
    client.cookies["django_language"] = "zh-hans"
    assert len(table(client)) == 4


def test_a_large_catalogue_streams_with_few_queries(
    cast: Cast, client_for: ClientFor, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        shelf.version(shelf.product(f"Queue {number}"), shelf.QUEUE)
    shelf.covered()
    client = client_for(cast.auditor)
    with django_assert_max_num_queries(16):
        assert len(table(client)) == 30
