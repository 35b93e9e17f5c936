"""The demo's catalogue: registered over the API, again and again."""

from __future__ import annotations

from functools import partial
from typing import Any

import boto3
import pytest

from catalog.reading import Risk, digest
from catalog.templates import read as read_yaml
from sandbox.console.forms import Form
from sandbox.demo import catalogue, lively
from sandbox.demo.people import RITA
from sandbox.servicecatalog.templates import read
from tests.sandbox.servicecatalog_support import Place
from tests.support.reading import GIVEN

FUNCTION = "arn:aws:lambda:us-east-1:{}:function:"


@pytest.fixture
def place(sandbox: str) -> Place:
    return Place(sandbox)


@pytest.fixture
def factory(place: Place) -> catalogue.ClientFactory:
    session = boto3.Session(place.account, "test", region_name=place.region)
    return partial(session.client, endpoint_url=place.url)


def register(place: Place, factory: catalogue.ClientFactory, notify: str = "notify") -> dict[str, str]:
    lambdas = FUNCTION.format(place.account)
    return catalogue.register(factory, notify_arn=lambdas + notify, verify_arn=lambdas + "verify")


def test_registering_twice_makes_everything_once(place: Place, factory: catalogue.ClientFactory) -> None:
    first = register(place, factory)
    assert register(place, factory) == first
    assert sorted(first) == ["Data sandbox", "Partner site", "Team bucket", "WordPress blog"]
    assert len(place.catalogue.list_portfolios()["PortfolioDetails"]) == 1
    for product in first.values():
        assert len(place.catalogue.list_provisioning_artifacts(ProductId=product)["ProvisioningArtifactDetails"]) == 1


def test_changed_template_becomes_another_version(place: Place, factory: catalogue.ClientFactory) -> None:
    product = register(place, factory)["WordPress blog"]
    register(place, factory, "notify-2")
    versions = place.catalogue.list_provisioning_artifacts(ProductId=product)["ProvisioningArtifactDetails"]
    assert [version["Name"] for version in versions] == ["1.0", "1.1"]


def test_gated_products_warn_beforehand_and_call_the_deployed_functions() -> None:
    for product in catalogue.PRODUCTS:
        body = catalogue.template_of(product, notify_arn="arn:the:notify", verify_arn="arn:the:verify")
        assert ("This product needs an approval" in product.description) is product.gated
        assert ("ServiceToken: arn:the:notify\n" in body) is product.gated
        assert ("ServiceToken: arn:the:verify\n" in body) is product.gated
        assert "function:gatehouse-" not in body


def test_person_of_the_demo_launches_in_their_own_name(place: Place, factory: catalogue.ClientFactory) -> None:
    register(place, factory)
    launch = catalogue.start_launch(factory, catalogue.TEAM_BUCKET, RITA, "files", {})
    assert place.ended({"RecordId": launch.record_id})["Status"] == "SUCCEEDED"
    stack: dict[str, Any] = place.cloudformation.describe_stacks(StackName=launch.stack_id)["Stacks"][0]
    principal = {tag["Key"]: tag["Value"] for tag in stack["Tags"]}["aws:servicecatalog:provisioningPrincipalArn"]
    assert principal == RITA.session_arn(place.account)


def test_launch_that_cloudformation_refuses_says_why(place: Place, factory: catalogue.ClientFactory) -> None:
    register(place, factory)
    with pytest.raises(catalogue.LaunchRefusedError, match="UserEmail"):
        catalogue.start_launch(factory, catalogue.DATA_SANDBOX, RITA, "tries", {})


@pytest.mark.parametrize("scene", [*lively.WAITING, lively.DECIDED], ids=lambda scene: scene.name)
def test_what_the_demo_launches_by_itself_is_what_its_product_takes(scene: lively.Scene) -> None:
    body = catalogue.template_of(scene.product, notify_arn="arn:the:notify", verify_arn="arn:the:verify")
    given = {f"p.{key}": value for key, value in scene.parameters().items()}
    form = Form(read(body), {}, given)
    form.check()
    assert form.errors == {}
    assert given.keys() <= form.values.keys()


def test_the_partner_site_is_the_risky_one_of_the_demo() -> None:
    found = {}
    for product in (catalogue.PARTNER_SITE, catalogue.WORDPRESS):
        text = catalogue.template_of(product, notify_arn="arn:the:notify", verify_arn="arn:the:verify")
        findings = digest(read_yaml(text.encode()), GIVEN).findings
        found[product.name] = {one.code for one in findings if one.risk is Risk.HIGH}
    assert found == {"Partner site": {"public-database"}, "WordPress blog": set()}
