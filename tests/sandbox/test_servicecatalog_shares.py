"""Portfolios of other accounts, and products that CloudFormation does not launch."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.servicecatalog_support import Place


@pytest.fixture
def owner(sandbox: str) -> Place:
    return Place(sandbox)


@pytest.fixture
def other(sandbox: str) -> Place:
    return Place(sandbox)


def refusal(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**params)
    return str(refused.value.response["Error"]["Code"])


def test_an_accepted_portfolio_is_read_as_its_owner_s(owner: Place, other: Place) -> None:
    portfolio = owner.portfolio("Shared")
    product, artifact = owner.product("Queue", portfolio=portfolio)
    made = owner.catalogue.create_constraint(
        PortfolioId=portfolio, ProductId=product, Type="LAUNCH", Parameters=json.dumps({"LocalRoleName": "Launch"})
    )["ConstraintDetail"]["ConstraintId"]
    owner.catalogue.create_portfolio_share(PortfolioId=portfolio, AccountId=other.account)
    assert other.catalogue.list_accepted_portfolio_shares()["PortfolioDetails"] == []
    assert refusal(other.catalogue.search_products_as_admin, PortfolioId=portfolio) == "ResourceNotFoundException"
    other.catalogue.accept_portfolio_share(PortfolioId=portfolio)
    (shown,) = other.catalogue.list_accepted_portfolio_shares()["PortfolioDetails"]
    assert (shown["Id"], shown["DisplayName"]) == (portfolio, "Shared")
    assert owner.account in shown["ARN"]
    assert other.catalogue.list_portfolios()["PortfolioDetails"] == []
    (view,) = other.catalogue.search_products_as_admin(PortfolioId=portfolio)["ProductViewDetails"]
    assert view["ProductARN"] == f"arn:aws:catalog:us-east-1:{owner.account}:product/{product}"
    assert other.catalogue.search_products_as_admin()["ProductViewDetails"] == []
    (version,) = other.catalogue.list_provisioning_artifacts(ProductId=product)["ProvisioningArtifactDetails"]
    assert version["Id"] == artifact
    assert other.catalogue.describe_provisioning_artifact(ProductId=product, ProvisioningArtifactId=artifact)["Info"]
    (listed,) = other.catalogue.list_constraints_for_portfolio(PortfolioId=portfolio)["ConstraintDetails"]
    assert listed["ConstraintId"] == made
    assert "Launch" in other.catalogue.describe_constraint(Id=made)["ConstraintParameters"]


def test_a_share_that_is_taken_back_shows_nothing(owner: Place, other: Place) -> None:
    portfolio = owner.portfolio("Shared")
    product, _ = owner.product("Queue", portfolio=portfolio)
    owner.share(portfolio, other)
    owner.catalogue.delete_portfolio_share(PortfolioId=portfolio, AccountId=other.account)
    assert other.catalogue.list_accepted_portfolio_shares()["PortfolioDetails"] == []
    assert refusal(other.catalogue.list_provisioning_artifacts, ProductId=product) == "ResourceNotFoundException"
    assert refusal(other.catalogue.accept_portfolio_share, PortfolioId=portfolio) == "ResourceNotFoundException"


def test_nobody_is_in_an_organization(owner: Place) -> None:
    listed = owner.catalogue.list_accepted_portfolio_shares(PortfolioShareType="AWS_ORGANIZATIONS")
    assert listed["PortfolioDetails"] == []


@pytest.mark.parametrize("engine", ["TERRAFORM_OPEN_SOURCE", "TERRAFORM_CLOUD", "EXTERNAL"])
def test_products_of_other_engines_are_listed_and_not_launched(owner: Place, engine: str) -> None:
    product, artifact = owner.product_of(engine)
    (view,) = owner.catalogue.search_products_as_admin(Filters={"ProductType": [engine]})["ProductViewDetails"]
    assert view["ProductViewSummary"]["Type"] == engine
    (version,) = owner.catalogue.list_provisioning_artifacts(ProductId=product)["ProvisioningArtifactDetails"]
    assert version["Type"] == engine
    owner.catalogue.associate_product_with_portfolio(ProductId=product, PortfolioId=owner.portfolio())
    refused = refusal(
        owner.catalogue.provision_product,
        ProductId=product,
        ProvisioningArtifactId=artifact,
        ProvisionedProductName="mine",
    )
    assert refused == "InvalidParametersException"


def test_an_owner_is_told_with_whom_a_portfolio_is_shared(sandbox: str) -> None:
    owner, other = Place(sandbox), Place(sandbox)
    portfolio = owner.portfolio()
    owner.share(portfolio, other)
    owner.share(portfolio, other)
    assert owner.catalogue.list_portfolio_access(PortfolioId=portfolio)["AccountIds"] == [other.account]
    owner.catalogue.delete_portfolio_share(PortfolioId=portfolio, AccountId=other.account)
    assert owner.catalogue.list_portfolio_access(PortfolioId=portfolio)["AccountIds"] == []
