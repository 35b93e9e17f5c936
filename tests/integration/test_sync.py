"""The mirror: what a sync reads, asks for, marks, and leaves behind wherever its worker dies."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from catalog import sync
from catalog.models import Constraint, Offer, Portfolio, Product, SyncRun, Template, Version
from catalog.models.places import TAKEOVER
from catalog.sync import runs
from catalog.sync.reading import Reader
from portal import clock
from tests.sandbox.servicecatalog_support import Place as Account
from tests.sandbox.servicecatalog_support import template
from tests.support import mirror

pytestmark = pytest.mark.django_db
ROLE = "arn:aws:iam::111122223333:role/Launch"


def launch_constraint(account: Account, portfolio: str, product: str, **parameters: str) -> str:
    made = account.catalogue.create_constraint(
        PortfolioId=portfolio, ProductId=product, Type="LAUNCH", Parameters=json.dumps(parameters or {"RoleArn": ROLE})
    )
    return str(made["ConstraintDetail"]["ConstraintId"])


def filled(account: Account) -> tuple[str, str, list[str]]:
    """A portfolio with two products, of which one has two versions; (portfolio, product, its versions)."""
    portfolio = account.portfolio("Platform")
    product, first = account.product("Queue", portfolio=portfolio)
    second = account.version(product, template("another queue"))
    other, _ = account.product("Other queue", portfolio=portfolio)
    launch_constraint(account, portfolio, product)
    launch_constraint(account, portfolio, other, LocalRoleName="Launch")
    return portfolio, product, [first, second]


def read(expected: str = "done") -> SyncRun:
    run = sync.run(mirror.watched())
    assert run is not None
    assert run.result == expected, run.error
    return run


def test_everything_is_read(account: Account) -> None:
    portfolio, product, (first, _second) = filled(account)
    run = read()
    assert run.counts == {"products": 2, "portfolios": 1, "constraints": 2, "versions": 3, "templates": 2}
    assert (run.phase, run.error) == ("templates", "")
    kept = Portfolio.objects.get()
    assert (kept.portfolio_id, kept.name, kept.provider, kept.shared) == (portfolio, "Platform", "Cloud", False)
    assert kept.arn.endswith(portfolio)
    queue = Product.objects.get(product_id=product)
    assert (queue.account, queue.region, queue.owner) == (account.account, "us-east-1", "Messaging team")
    assert queue.launches_stacks
    assert queue.created_at
    assert Offer.objects.filter(portfolio=kept, removed_at=None).count() == 2
    version = Version.objects.get(artifact_id=first)
    assert (version.name, version.active, version.guidance, version.type) == (
        "v1",
        True,
        "DEFAULT",
        "CLOUD_FORMATION_TEMPLATE",
    )
    assert version.template
    assert json.loads(version.template.body) == template()
    assert Template.objects.count() == 2, "the same content is kept once"
    roles = set(Constraint.objects.values_list("type", "role_arn", "role_name"))
    assert roles == {("LAUNCH", ROLE, ""), ("LAUNCH", "", "Launch")}


def test_a_second_sync_asks_for_nothing_that_cannot_have_changed(account: Account) -> None:
    filled(account)
    read()
    before = mirror.mirrored()
    with mirror.calls() as asked:
        run = read()
    assert Counter(asked) == {
        "search_products_as_admin": 2,
        "list_portfolios": 1,
        "list_accepted_portfolio_shares": 2,
        "list_constraints_for_portfolio": 1,
        "list_provisioning_artifacts": 2,
    }
    assert run.calls == len(asked)
    assert mirror.mirrored() == before


def test_what_is_gone_is_marked_and_what_comes_back_is_not(account: Account) -> None:
    portfolio, product, (first, second) = filled(account)
    read()
    catalogue = account.catalogue
    (constraint,) = catalogue.list_constraints_for_portfolio(PortfolioId=portfolio, ProductId=product)[
        "ConstraintDetails"
    ]
    catalogue.delete_constraint(Id=constraint["ConstraintId"])
    catalogue.disassociate_product_from_portfolio(PortfolioId=portfolio, ProductId=product)
    catalogue.delete_provisioning_artifact(ProductId=product, ProvisioningArtifactId=first)
    read()
    queue = Product.objects.get(product_id=product)
    assert queue.removed_at is None, "it is in no portfolio, and still there"
    assert not Offer.objects.filter(product=queue, removed_at=None).exists()
    assert Constraint.objects.filter(removed_at=None).count() == 1
    gone = Version.objects.get(artifact_id=first)
    assert gone.removed_at
    assert not gone.active
    assert gone.template, "what was launched with it can still be shown"
    catalogue.associate_product_with_portfolio(PortfolioId=portfolio, ProductId=product)
    read()
    assert Offer.objects.filter(product=queue, removed_at=None).exists()
    catalogue.disassociate_product_from_portfolio(PortfolioId=portfolio, ProductId=product)
    catalogue.delete_product(Id=product)
    read()
    queue.refresh_from_db()
    assert queue.removed_at
    assert not queue.versions.filter(removed_at=None).exists()
    assert Version.objects.get(artifact_id=second).active is False


def test_a_portfolio_that_is_gone_is_marked_with_what_it_offered(account: Account) -> None:
    portfolio = account.portfolio("Short-lived")
    account.product("Queue", portfolio=portfolio)
    read()
    (product,) = Product.objects.all()
    account.catalogue.disassociate_product_from_portfolio(PortfolioId=portfolio, ProductId=product.product_id)
    account.catalogue.delete_portfolio(Id=portfolio)
    read()
    assert Portfolio.objects.get().removed_at
    assert Offer.objects.get().removed_at
    product.refresh_from_db()
    assert product.removed_at is None


def test_a_version_that_is_retired_is_known_as_such(account: Account) -> None:
    _portfolio, product, (first, second) = filled(account)
    read()
    update = account.catalogue.update_provisioning_artifact
    update(ProductId=product, ProvisioningArtifactId=first, Active=False)
    update(ProductId=product, ProvisioningArtifactId=second, Guidance="DEPRECATED", Name="old")
    read()
    versions = dict(Version.objects.filter(product__product_id=product).values_list("artifact_id", "active"))
    assert versions == {first: False, second: True}
    assert Version.objects.get(artifact_id=second).guidance == "DEPRECATED"
    assert Version.objects.get(artifact_id=second).name == "old"
    assert not Version.objects.filter(product__product_id=product).launchable().exists()


def test_a_constraint_that_was_changed_without_a_trace_is_found_after_some_hours(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    portfolio = account.portfolio()
    product, _ = account.product(portfolio=portfolio)
    constraint = launch_constraint(account, portfolio, product)
    read()
    account.catalogue.update_constraint(Id=constraint, Parameters=json.dumps({"LocalRoleName": "Another"}))
    read()
    assert Constraint.objects.get().role_arn == ROLE
    later = clock.now() + runs.BELIEVED + timedelta(minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    read()
    assert (Constraint.objects.get().role_arn, Constraint.objects.get().role_name) == ("", "Another")
    account.catalogue.update_constraint(Id=constraint, Description="new", Parameters=json.dumps({"RoleArn": ROLE}))
    read()
    assert Constraint.objects.get().role_arn == ROLE, "its list entry changed"


def test_wherever_a_worker_dies_the_next_one_ends_with_the_same_tables(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at every call in turn, of a first sync and of one after changes; then somebody else goes on."""
    portfolio, product, (first, _second) = filled(account)
    with mirror.calls() as asked:
        read()
    clean, whole = mirror.mirrored(), len(asked)
    for number in range(1, whole + 1):
        mirror.wipe()
        _killed_at(number)
        assert not Product.objects.exclude(removed_at=None).exists()
        assert not Version.objects.exclude(removed_at=None).exists()
        for version in Version.objects.exclude(template=None).select_related("template"):
            assert version.template
            assert json.loads(version.template.body)["Resources"]
        _taken_over(monkeypatch)
        assert mirror.mirrored() == clean, f"killed at call {number}"
    account.catalogue.delete_provisioning_artifact(ProductId=product, ProvisioningArtifactId=first)
    account.product("Third queue", template("third"), portfolio=portfolio)
    before, rows = {one.artifact_id for one in Version.objects.all()}, mirror.taken()
    with mirror.calls() as asked:
        read()
    changed, whole = mirror.mirrored(), len(asked)
    assert {one.artifact_id for one in Version.objects.filter(removed_at=None)} - before
    for number in range(1, whole + 1):
        mirror.put_back(rows)
        _killed_at(number)
        _taken_over(monkeypatch)
        assert mirror.mirrored() == changed, f"killed at call {number}"


def _killed_at(number: int) -> None:
    with mirror.calls(mirror.dies_at(number)), pytest.raises(mirror.Killed):
        sync.run(mirror.watched())
    assert SyncRun.objects.get(finished_at=None).heartbeat_at, "nobody has put it down"


def _taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    sync.tick(60)
    left = SyncRun.objects.get(finished_at=None)
    assert left.claims == 1, "its worker may still live"
    later = clock.now() + TAKEOVER + timedelta(seconds=1)
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: later)
        sync.tick(60)
    left.refresh_from_db()
    assert (left.claims, left.result) == (2, "done")


def test_a_taken_over_run_reads_only_what_is_missing(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(account)
    with mirror.calls() as asked:
        read()
    last_template = len(asked) - 1
    mirror.wipe()
    _killed_at(last_template)
    read_before = set(Version.objects.exclude(template=None).values_list("artifact_id", flat=True))
    with mirror.calls() as asked:
        _taken_over(monkeypatch)
    assert set(asked) == {"describe_provisioning_artifact", "get_object"}
    assert len(asked) == 2 * (3 - len(read_before))


def test_a_slice_ends_in_time_and_the_next_one_goes_on(account: Account) -> None:
    filled(account)
    mirror.watched()
    slices = 0
    while not SyncRun.objects.filter(result="done").exists():
        sync.tick(0.001)
        slices += 1
        assert slices < 50
    assert slices > 3
    run = SyncRun.objects.get()
    assert run.claims > 3
    assert run.counts["templates"] == 2
    sync.tick(60)
    assert SyncRun.objects.count() == 1, "nothing is due any more"


def test_a_worker_that_was_given_up_stores_nothing_more(account: Account) -> None:
    filled(account)
    place = mirror.watched()
    stolen = False

    def steal(_number: int, operation: str) -> None:
        nonlocal stolen
        if operation == "list_portfolios" and not stolen:
            stolen = True
            SyncRun.objects.filter(place=place).update(claims=7)

    with mirror.calls(steal):
        run = sync.run(place)
    assert run is not None
    assert run.finished_at is None
    assert run.claims == 7
    assert Portfolio.objects.count() == 0
    assert Product.objects.count() == 2


def test_a_product_that_the_list_skipped_is_not_called_gone(account: Account) -> None:
    """A list is read in pages: what is deleted before a page pushes something off it."""
    _portfolio, product, _versions = filled(account)
    read()
    real = Reader.pages

    def skipping(reader: Reader, operation: str, key: str, **arguments: Any) -> Iterator[list[Any]]:
        for page in real(reader, operation, key, **arguments):
            yield [one for one in page if one.get("ProductViewSummary", {}).get("ProductId") != product]

    Reader.pages = skipping  # type: ignore[method-assign, assignment]
    try:
        read()
    finally:
        Reader.pages = real  # type: ignore[method-assign]
    assert Product.objects.get(product_id=product).removed_at is None
