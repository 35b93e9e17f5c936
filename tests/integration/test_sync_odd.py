"""One thing that cannot be read: it is left out, said, and keeps nothing else from being read."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from math import inf
from typing import Any

import pytest
from botocore.exceptions import ClientError

from catalog import aws, sync
from catalog.models import Constraint, Place, Portfolio, Product, SyncRun, Version
from catalog.sync import objects, problems, runs, slices, templates
from catalog.sync.reading import Reader
from catalog.sync.slices import MOST_IN_A_ROW, Slice
from catalog.sync.trouble import Busy, Denied, General, Gone, Passing, Trouble
from portal import clock
from tests.sandbox.servicecatalog_support import Place as Account
from tests.sandbox.servicecatalog_support import template
from tests.support import mirror, shelf

pytestmark = pytest.mark.django_db
ODD = "aws:ValidationException"


@contextmanager
def answering(answer: Callable[[str, dict[str, Any]], Any]) -> Iterator[list[str]]:
    """`answer` is asked instead of AWS wherever it gives something; it may raise."""
    asked: list[str] = []
    real = Reader.ask

    def ask(reader: Reader, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        asked.append(operation)
        found = answer(operation, arguments)
        return found if found is not None else real(reader, service, operation, **arguments)

    Reader.ask = ask  # type: ignore[method-assign, assignment]
    try:
        yield asked
    finally:
        Reader.ask = real  # type: ignore[method-assign]


def refusing(operation: str, trouble: Trouble, *ids: str) -> Callable[[str, dict[str, Any]], None]:
    """This operation, about these things; about whatever without ids."""

    def answer(asked: str, arguments: dict[str, Any]) -> None:
        if asked == operation and (not ids or set(ids) & {str(value) for value in arguments.values()}):
            raise trouble

    return answer


def read(expected: str = "done") -> SyncRun:
    run = sync.run(mirror.watched())
    assert run is not None
    assert run.result == expected, run.error
    return run


def filled(account: Account, products: int = 3) -> tuple[str, list[str], list[str]]:
    """(portfolio, products, their versions)."""
    portfolio = account.portfolio()
    made = [account.product(f"Queue {n}", template(f"queue {n}"), portfolio=portfolio) for n in range(products)]
    for product, _version in made:
        account.catalogue.create_constraint(
            PortfolioId=portfolio,
            ProductId=product,
            Type="LAUNCH",
            Parameters=json.dumps({"LocalRoleName": "Launch"}),
        )
    return portfolio, [product for product, _ in made], [version for _, version in made]


@pytest.mark.parametrize("trouble", [Trouble(ODD), Denied("servicecatalog:ListProvisioningArtifacts")])
def test_a_product_whose_versions_cannot_be_listed_is_left_out(account: Account, trouble: Trouble) -> None:
    _, products, versions = filled(account)
    with answering(refusing("list_provisioning_artifacts", trouble, products[0])):
        run = read()
    assert run.error == f"part:{products[0]}:{trouble.code}"
    assert run.counts["left_out"] == 1
    assert set(Version.objects.values_list("artifact_id", flat=True)) == set(versions[1:])
    assert not Version.objects.filter(template=None).exists()
    said = problems.of_run(run.error)
    assert products[0] in said
    assert trouble.code.partition(":")[2] in said
    assert read().error == "", "the next run reads it"
    assert Version.objects.count() == 3


def test_a_constraint_that_cannot_be_read_is_left_out_and_what_was_known_stays(account: Account) -> None:
    filled(account)
    read()
    odd = Constraint.objects.order_by("pk")[0]
    Constraint.objects.update(read_at=None)
    with answering(refusing("describe_constraint", Trouble(ODD), odd.constraint_id)):
        run = read()
    assert run.error == f"part:{odd.constraint_id}:{ODD}"
    odd.refresh_from_db()
    assert (odd.read_at, odd.role_name) == (None, "Launch")
    assert not Constraint.objects.exclude(pk=odd.pk).filter(read_at=None).exists()


def test_a_portfolio_that_cannot_be_looked_into_is_left_out_and_loses_nothing(account: Account) -> None:
    portfolio, products, _ = filled(account)
    other = account.portfolio("Other")
    read()
    more, _ = account.product("More", template("more"), portfolio=other)
    with answering(refusing("list_constraints_for_portfolio", Trouble(ODD), portfolio)):
        run = read()
    assert run.error == f"part:{portfolio}:{ODD}"
    assert set(Product.objects.offered().values_list("product_id", flat=True)) == {*products, more}
    assert Constraint.objects.filter(removed_at=None).count() == 3
    assert Portfolio.objects.get(portfolio_id=other).offers.get().product.product_id == more


def test_a_product_that_no_list_has_and_that_cannot_be_asked_for_is_not_called_gone(account: Account) -> None:
    _, products, _ = filled(account, 1)
    read()
    kept = Product.objects.get()
    lost = Product.objects.create(
        product_id="prod-lost",
        place=kept.place,
        account=kept.account,
        region=kept.region,
        name="Lost",
        updated_at=clock.now(),
    )
    with answering(refusing("list_provisioning_artifacts", Trouble(ODD), "prod-lost")):
        run = read()
    lost.refresh_from_db()
    assert (lost.removed_at, run.error) == (None, f"part:prod-lost:{ODD}")
    assert products


def test_a_version_that_cannot_be_described_says_so_and_the_others_are_read(account: Account) -> None:
    _, _, versions = filled(account)
    with answering(refusing("describe_provisioning_artifact", Trouble(ODD), versions[2])):
        run = read()
    odd = Version.objects.get(artifact_id=versions[2])
    assert (odd.template, odd.template_unread, run.error) == (None, ODD, f"part:{versions[2]}:{ODD}")
    assert Version.objects.exclude(template=None).count() == 2
    with answering(lambda *_: None) as asked:
        assert read().error == ""
    assert "describe_provisioning_artifact" not in asked, "it is tried again after some hours"


def test_a_bucket_that_denies_one_object_ends_nothing(account: Account) -> None:
    _, _, versions = filled(account)
    denied = False

    def answer(operation: str, _arguments: dict[str, Any]) -> None:
        nonlocal denied
        if operation == "get_object" and not denied:
            denied = True
            raise Denied("s3:GetObject")

    with answering(answer):
        run = read()
    assert run.error == ""
    assert run.counts["unread"] == 1
    assert Version.objects.exclude(template=None).count() == len(versions) - 1


def test_a_right_that_is_missing_in_general_is_one_sentence(account: Account) -> None:
    filled(account)
    right = "servicecatalog:DescribeProvisioningArtifact"
    with answering(refusing("describe_provisioning_artifact", Denied(right))):
        run = read()
    assert run.error == f"denied:{right}"
    run = read()
    assert run.error == ""
    assert not Version.objects.filter(template=None).exists(), "as soon as the right is there"


def test_without_the_right_to_versions_a_sync_has_failed(account: Account) -> None:
    filled(account)
    with answering(refusing("list_provisioning_artifacts", Denied("servicecatalog:ListProvisioningArtifacts"))):
        assert read("failed").error == "denied:servicecatalog:ListProvisioningArtifacts"


@contextmanager
def slice_of(products: int) -> Iterator[Slice]:
    where = shelf.place()
    for _ in range(products):
        shelf.product(where=where)
    at = clock.now()
    run = SyncRun.objects.create(place=where, started_at=at, renew_before=at, heartbeat_at=at)
    with ThreadPoolExecutor(2) as pool:
        yield Slice(run, pool, inf)


def test_so_many_in_a_row_are_no_odd_ones() -> None:
    with slice_of(MOST_IN_A_ROW + 5) as at:

        def read(_product: Product) -> None:
            raise Denied("servicecatalog:Any")

        with pytest.raises(Denied):
            at.each(Product.objects.order_by("pk"), "product_id", read, lambda *_: None)
        at.run.refresh_from_db()
        assert len(at.run.left_out) == at.run.done == MOST_IN_A_ROW - 1


def test_who_is_not_accepted_is_told_at_once() -> None:
    with slice_of(3) as at:

        def read(_product: Product) -> None:
            raise General("aws:ExpiredToken")

        with pytest.raises(General):
            at.each(Product.objects.order_by("pk"), "product_id", read, lambda *_: None)
        assert at.run.left_out == []


def test_what_aws_cannot_answer_in_spite_of_all_pauses_is_left_out_in_the_end() -> None:
    with slice_of(3) as at:
        odd, *others = Product.objects.order_by("pk")
        stored: list[Product] = []

        def read(product: Product) -> None:
            if product == odd:
                raise Passing("aws:InternalFailure")

        def store(product: Product, _found: None) -> None:
            with at.unit(done=1):
                stored.append(product)
                Product.objects.filter(pk=product.pk).update(versions_in=at.run.pk)

        left = Product.objects.exclude(versions_in=at.run.pk).order_by("pk")
        with pytest.raises(Passing):
            at.each(left, "product_id", read, store)
        at.run.stumbles = len(runs.PAUSES)
        at.each(left, "product_id", read, store)
        assert (stored, at.run.left_out) == (others, [odd.pk])


def test_a_worker_that_hears_from_aws_gives_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    """A portfolio of many pages takes long; what is heard meanwhile is stored."""
    monkeypatch.setattr(slices, "BEAT", 0.05)
    with slice_of(1) as at:
        SyncRun.objects.update(heartbeat_at=None)
        seen: list[Any] = []

        def read(_product: Product) -> None:
            for _page in range(4):
                at.reader.count()
                time.sleep(0.1)

        def store(product: Product, _found: None) -> None:
            seen.append(SyncRun.objects.filter(pk=at.run.pk).values_list("heartbeat_at", "calls").get())
            Product.objects.filter(pk=product.pk).update(removed_at=clock.now())

        at.each(Product.objects.offered().order_by("pk"), "product_id", read, store)
        assert seen[0][0]
        assert seen[0][1] > 1, "it was stored while the portfolio was being read"


def test_what_no_list_has_is_asked_for_once_in_a_run(account: Account) -> None:
    _, products, _ = filled(account)
    read()
    real = Reader.pages

    def without(reader: Reader, operation: str, key: str, **arguments: Any) -> Iterator[list[Any]]:
        for page in real(reader, operation, key, **arguments):
            yield [one for one in page if "ProductViewSummary" not in one and one.get("Id") is None]

    Reader.pages = without  # type: ignore[method-assign, assignment]
    try:
        with answering(lambda *_: None) as asked:
            read()
    finally:
        Reader.pages = real  # type: ignore[method-assign]
    assert Product.objects.offered().count() == len(products)
    # Once whether it is there, once for its versions.
    assert asked.count("list_provisioning_artifacts") == 2 * len(products)


@pytest.mark.parametrize(
    ("code", "expected"),
    [("ExpiredToken", "aws:ExpiredToken"), ("AccessDenied", "denied:sts:GetCallerIdentity")],
)
def test_whoever_we_are_cannot_be_told_is_an_answer(
    account: Account, monkeypatch: pytest.MonkeyPatch, code: str, expected: str
) -> None:
    place = mirror.watched()

    @lru_cache
    def own_account() -> str:
        raise ClientError({"Error": {"Code": code, "Message": "secret words"}}, "GetCallerIdentity")

    monkeypatch.setattr(aws, "own_account", own_account)
    for ask in (
        lambda: Reader(place).ask("servicecatalog", "list_portfolios"),
        lambda: Reader(place).client("s3"),
    ):
        with pytest.raises(General) as told:
            ask()
        assert told.value.code == expected
    run = sync.run(place)
    assert run is not None
    assert (run.result, run.error) == ("failed", expected)


def test_an_address_that_does_not_answer_is_that_version_s_trouble(
    account: Account, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _, _, versions = filled(account)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    secret = "https://bucket.s3.amazonaws.com/b.yaml?X-Amz-Signature=secret"
    real = templates._content

    def content(at: Slice, info: dict[str, str]) -> bytes:
        if not content_seen:
            content_seen.append(info)
            return objects.fetch(secret, at.reader)
        return real(at, info)

    content_seen: list[Any] = []
    monkeypatch.setattr(templates, "_content", content)
    with caplog.at_level(logging.DEBUG):
        run = read()
    assert run.error == ""
    assert Version.objects.exclude(template=None).count() == len(versions) - 1
    (odd,) = Version.objects.filter(template=None)
    assert odd.template_unread == "no_answer"
    assert "HTTPS_PROXY" in problems.of_template("no_answer")
    assert "Signature=secret" not in caplog.text


def test_a_throttled_template_is_left_out_alone(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, versions = filled(account)
    real, seen = templates._content, list[Any]()

    def content(at: Slice, info: dict[str, str]) -> bytes:
        seen.append(info)
        if seen[0] is info:
            raise Busy("throttled")
        return real(at, info)

    monkeypatch.setattr(templates, "_content", content)
    run = read()
    (left,) = Version.objects.filter(template=None)
    assert (run.result, run.error) == ("done", f"part:{left.artifact_id}:throttled")
    assert Version.objects.exclude(template=None).count() == len(versions) - 1
    assert "limits the calls" in problems.of_template(left.template_unread)


def test_a_gone_thing_is_no_trouble(account: Account) -> None:
    filled(account)
    with answering(refusing("describe_constraint", Gone("gone"))):
        assert read().error == ""


def test_those_that_were_never_tried_come_first() -> None:
    where = shelf.place()
    product = shelf.product(where=where)
    tried = shelf.version(product, template_unread="denied:s3:GetObject", template_tried_at=clock.now())
    never = shelf.version(product, name="v0", active=False)
    assert tried.pk < never.pk
    at = clock.now()
    run = SyncRun.objects.create(place=where, started_at=at, renew_before=at, heartbeat_at=at)
    order: list[Any] = []

    class Looking:
        def __init__(self) -> None:
            self.place, self.run = Place.objects.get(pk=where.pk), run

        def each(self, left: Any, *_: Any) -> None:
            order.extend(left)

    templates.templates(Looking())  # type: ignore[arg-type]
    assert order == [never, tried]
