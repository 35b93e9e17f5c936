"""What a sync does when AWS says no, says nothing, or offers what the desk does not launch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError, EndpointConnectionError

from catalog import aws, places, sync
from catalog.models import Constraint, Offer, Place, Portfolio, Product, SyncRun, Version
from catalog.sync import problems, runs
from catalog.sync.reading import Reader
from catalog.sync.trouble import Denied, Passing, of_botocore, of_client
from portal import clock
from tests.sandbox.servicecatalog_support import Place as Account
from tests.support import mirror

pytestmark = pytest.mark.django_db
EXTERNAL_ID = "desk-of-the-tests"
READS = [
    "servicecatalog:DescribeConstraint",
    "servicecatalog:DescribeProvisioningArtifact",
    "servicecatalog:ListAcceptedPortfolioShares",
    "servicecatalog:ListConstraintsForPortfolio",
    "servicecatalog:ListPortfolios",
    "servicecatalog:ListProvisioningArtifacts",
    "servicecatalog:SearchProductsAsAdmin",
    "s3:GetObject",
]


def later(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    at = clock.now() + by
    monkeypatch.setattr(clock, "now", lambda: at)


def reading_role(account: Account, desk: str, *actions: str) -> None:
    """lambdas/spoke.yaml's, with these actions."""
    trust = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{desk}:root"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
        },
    }
    allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    iam, name = account.client("iam"), "gatehouse-desk-reader-us-east-1"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    policy = {"Version": "2012-10-17", "Statement": allowed}
    iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=json.dumps(policy))


@pytest.fixture
def spoke(account: Account, sandbox: str, settings: Any) -> Account:
    spoke = Account(sandbox)
    settings.GATEHOUSE_READER_ACCOUNTS = [spoke.account]
    settings.GATEHOUSE_READER_EXTERNAL_ID = EXTERNAL_ID
    return spoke


def test_a_role_that_is_refused_ends_there_and_stops_no_other_place(account: Account, spoke: Account) -> None:
    account.product("Queue")
    spoke.product("Hidden queue")
    places.ensure(clock.now())
    sync.tick(60)
    results = {run.place.account: (run.result, run.error) for run in SyncRun.objects.select_related("place")}
    assert results == {account.account: ("done", ""), spoke.account: ("failed", "role_refused")}
    assert [product.name for product in Product.objects.all()] == ["Queue"]
    assert "DeskRoleArn" in problems.of_run("role_refused")


def test_a_spoke_is_read_as_its_reading_role(account: Account, spoke: Account) -> None:
    product, _ = spoke.product("Spoke's queue")
    reading_role(spoke, account.account, *READS)
    places.ensure(clock.now())
    sync.tick(60)
    kept = Product.objects.get()
    assert (kept.product_id, kept.account, kept.place and kept.place.account) == (
        product,
        spoke.account,
        spoke.account,
    )
    assert kept.versions.get().template


def test_another_role_than_the_spokes_own_can_be_named(account: Account, spoke: Account) -> None:
    spoke.product("Spoke's queue")
    reading_role(spoke, account.account, *READS)
    role = f"arn:aws:iam::{spoke.account}:role/gatehouse-desk-reader-us-east-1"
    now = clock.now()
    Place.objects.create(account=spoke.account, region="us-east-1", role_arn=role, created_at=now, next_at=now)
    sync.tick(60)
    assert Product.objects.get().name == "Spoke's queue"


def test_without_the_right_to_portfolios_names_are_known_all_the_same(account: Account) -> None:
    """A hub that was deployed before there was a mirror."""
    account.product("Queue")
    place = mirror.watched()
    with mirror.calls(mirror.fails("list_portfolios", Denied("servicecatalog:ListPortfolios"))):
        run = sync.run(place)
    assert run is not None
    assert (run.result, run.error) == ("done", "denied:servicecatalog:ListPortfolios")
    assert Version.objects.get().name == "v1"
    assert "servicecatalog:ListPortfolios" in problems.of_run(run.error)


def test_without_the_right_to_products_a_sync_has_failed(account: Account) -> None:
    place = mirror.watched()
    denied = Denied("servicecatalog:SearchProductsAsAdmin")
    with mirror.calls(mirror.fails("search_products_as_admin", denied)):
        run = sync.run(place)
    assert run is not None
    assert (run.result, run.error) == ("failed", denied.code)


def test_throttling_is_waited_out_and_then_it_has_failed(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account.product("Queue")
    place = mirror.watched()
    with mirror.calls(mirror.fails("list_provisioning_artifacts", Passing("throttled"))):
        for pause in runs.PAUSES:
            sync.tick(60)
            run = SyncRun.objects.get()
            assert (run.result, run.error, run.heartbeat_at) == ("", "throttled", None)
            assert run.resume_at == pytest.approx(clock.now() + pause, abs=timedelta(seconds=30))
            sync.tick(60)
            assert SyncRun.objects.get().claims == run.claims, "it is left alone"
            later(monkeypatch, pause + timedelta(minutes=1))
        sync.tick(60)
    run = SyncRun.objects.get()
    assert (run.result, run.error) == ("failed", "throttled")
    assert Product.objects.get().name == "Queue", "what was read stays"
    later(monkeypatch, timedelta(minutes=20))
    sync.tick(60)
    assert SyncRun.objects.latest("pk").result == "done"
    assert SyncRun.objects.filter(place=place).count() == 2


def test_a_pause_that_was_worth_it_ends_well(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account.product("Queue")
    mirror.watched()
    with mirror.calls(mirror.fails("list_provisioning_artifacts", Passing("no_answer"))):
        sync.tick(60)
    later(monkeypatch, runs.PAUSES[0] + timedelta(seconds=1))
    with mirror.calls() as asked:
        sync.tick(60)
    assert SyncRun.objects.get().result == "done"
    assert asked[0] == "list_provisioning_artifacts", "the lists are not read again"


def test_the_retries_of_the_client_are_counted(account: Account) -> None:
    """AWS throttles twice; botocore waits and tries again."""
    place = mirror.watched()
    client = aws.client("servicecatalog", "us-east-1")
    answers = ["throttle", "throttle"]

    def throttled(**_: Any) -> Any:
        if not answers:
            return None
        answers.pop()

        class Raw:
            def stream(self, **_: Any) -> Iterator[bytes]:
                yield b'{"__type": "ThrottlingException", "Message": "Rate exceeded"}'

        headers = HTTPHeaders.from_dict({"Content-Type": "application/x-amz-json-1.1"})
        return AWSResponse("http://localhost", 400, headers, Raw())

    client.meta.events.register("before-send.service-catalog.ListPortfolios", throttled)
    reader = Reader(Place.objects.get())
    assert reader.every("list_portfolios", "PortfolioDetails") == []
    assert reader.calls == 3
    answers += ["throttle"] * 3
    with pytest.raises(Passing, match="throttled"):
        reader.every("list_portfolios", "PortfolioDetails")
    assert reader.calls == 6
    assert place.pk


def test_a_mistake_of_ours_ends_a_run_with_its_name_only(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account.product("Queue")
    place = mirror.watched()

    def fail(*_: Any, **__: Any) -> None:
        raise KeyError("https://bucket.s3.amazonaws.com/x?X-Amz-Signature=secret")

    monkeypatch.setattr("catalog.sync.versions._values", fail)
    run = sync.run(place)
    assert run is not None
    assert (run.result, run.error) == ("failed", "internal:KeyError")


@pytest.mark.parametrize("engine", ["TERRAFORM_OPEN_SOURCE", "TERRAFORM_CLOUD", "EXTERNAL"])
def test_products_of_other_engines_say_that_they_launch_no_stack(account: Account, engine: str) -> None:
    account.product_of(engine)
    with mirror.calls() as asked:
        sync.run(mirror.watched())
    product = Product.objects.get()
    assert product.engine == engine
    assert not product.launches_stacks
    version = product.versions.get()
    assert (version.type, version.template, version.template_unread) == (engine, None, "")
    assert "describe_provisioning_artifact" not in asked


def test_an_imported_portfolio_offers_a_product_that_is_read_here(account: Account, sandbox: str) -> None:
    owner = Account(sandbox)
    portfolio = owner.portfolio("From the hub")
    product, _ = owner.product("Shared queue", portfolio=portfolio)
    constraint = owner.catalogue.create_constraint(
        PortfolioId=portfolio, ProductId=product, Type="LAUNCH", Parameters=json.dumps({"LocalRoleName": "Launch"})
    )
    assert constraint
    owner.share(portfolio, account)
    place = mirror.watched()
    sync.run(place)
    kept = Product.objects.get()
    assert (kept.product_id, kept.account, kept.place) == (product, owner.account, place)
    shown = Portfolio.objects.get()
    assert (shown.portfolio_id, shown.shared) == (portfolio, True)
    assert Constraint.objects.get().role_name == "Launch"
    assert kept.versions.count() == 1
    owner.catalogue.delete_portfolio_share(PortfolioId=portfolio, AccountId=account.account)
    sync.run(place)
    assert Portfolio.objects.get().removed_at
    assert Offer.objects.get().removed_at
    assert Product.objects.get().removed_at


def test_a_shared_product_is_read_at_its_owner_s_where_that_is_watched(account: Account, spoke: Account) -> None:
    portfolio = account.portfolio("From the hub")
    product, _ = account.product("Shared queue", portfolio=portfolio)
    account.share(portfolio, spoke)
    reading_role(spoke, account.account, *READS)
    places.ensure(clock.now())
    for _round in range(2):
        sync.tick(60)
        kept = Product.objects.get(product_id=product)
        assert kept.place
        assert kept.place.account == account.account
        assert kept.removed_at is None
        assert Offer.objects.filter(product=kept, removed_at=None).count() == 2
        Place.objects.update(next_at=clock.now())


def test_a_template_that_cannot_be_read_says_why_and_is_tried_again_later(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.product("Queue")
    s3 = account.client("s3")
    (kept,) = s3.list_objects_v2(Bucket=account.bucket)["Contents"]
    body = s3.get_object(Bucket=account.bucket, Key=kept["Key"])["Body"].read()
    s3.delete_object(Bucket=account.bucket, Key=kept["Key"])
    place = mirror.watched()
    sync.run(place)
    version = Version.objects.get()
    assert (version.template, version.template_unread) == (None, "gone")
    s3.put_object(Bucket=account.bucket, Key=kept["Key"], Body=body)
    sync.run(place)
    version.refresh_from_db()
    assert version.template is None, "not asked for again at once"
    places.ask(place, clock.now())
    place.refresh_from_db()
    sync.tick(60)
    version.refresh_from_db()
    assert version.template, "somebody asked"
    assert version.template_unread == ""


@pytest.mark.parametrize(
    ("body", "code"), [(b"x" * (1024 * 1024 + 1), "too_large"), (b"\xff\xfe\xfd", "not_text"), (b"a\0b", "not_text")]
)
def test_what_is_no_template_is_not_kept(account: Account, body: bytes, code: str) -> None:
    account.product("Queue")
    s3 = account.client("s3")
    (kept,) = s3.list_objects_v2(Bucket=account.bucket)["Contents"]
    s3.put_object(Bucket=account.bucket, Key=kept["Key"], Body=body)
    sync.run(mirror.watched())
    assert Version.objects.get().template_unread == code
    assert problems.of_template(code)


def test_a_template_that_came_from_a_stack_is_read_from_it(account: Account) -> None:
    document = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    stack = account.cloudformation.create_stack(StackName="SC-source", TemplateBody=json.dumps(document))["StackId"]
    account.catalogue.create_product(
        Name="Imported",
        Owner="Team",
        ProductType="CLOUD_FORMATION_TEMPLATE",
        ProvisioningArtifactParameters={"Name": "v1", "Info": {"ImportFromPhysicalId": stack}},
    )
    sync.run(mirror.watched())
    version = Version.objects.get()
    assert version.template
    assert json.loads(version.template.body) == document


def test_a_portfolio_that_vanishes_in_the_middle_waits_for_the_next_run(account: Account) -> None:
    portfolio = account.portfolio("Short-lived")

    def vanish(_number: int, operation: str) -> None:
        if operation == "list_constraints_for_portfolio" and portfolio:
            account.catalogue.delete_portfolio(Id=portfolio)

    with mirror.calls(vanish):
        run = sync.run(mirror.watched())
    assert run is not None
    assert run.result == "done"
    assert Portfolio.objects.get().removed_at is None
    sync.run(mirror.watched())
    assert Portfolio.objects.get().removed_at


def test_errors_are_told_apart_by_their_code_only() -> None:
    def told(code: str, status: int = 400) -> str:
        error = ClientError({"Error": {"Code": code, "Message": "secret words"}}, "Any")
        error.response["ResponseMetadata"] = {"HTTPStatusCode": status}  # type: ignore[typeddict-item]
        return of_client(error, "servicecatalog:Any").code

    assert told("AccessDeniedException") == "denied:servicecatalog:Any"
    assert told("ThrottlingException") == "throttled"
    assert told("ResourceNotFoundException") == "gone"
    assert told("InternalFailure", 500) == "aws:InternalFailure"
    assert told("ExpiredTokenException") == "aws:ExpiredTokenException"
    assert of_botocore(EndpointConnectionError(endpoint_url="https://secret")).code == "no_answer"
    assert of_botocore(aws.NoReadingRole(account="1")).code == "not_listed"
    assert "ExpiredTokenException" in problems.of_run("aws:ExpiredTokenException")
    assert problems.of_run("") == ""
