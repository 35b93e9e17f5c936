"""Portfolios, products, versions and constraints over the API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.servicecatalog_support import Place, template

ROLE = "arn:aws:iam::111122223333:role/Launch"


@pytest.fixture
def place(sandbox: str) -> Place:
    return Place(sandbox)


def refusal(call: Any, **params: Any) -> str:
    """The error code a call is refused with."""
    with pytest.raises(ClientError) as refused:
        call(**params)
    return str(refused.value.response["Error"]["Code"])


def test_portfolio_can_be_made_changed_listed_and_deleted(place: Place) -> None:
    portfolio = place.portfolio("One")
    changed = place.catalogue.update_portfolio(
        Id=portfolio, DisplayName="Two", AddTags=[{"Key": "team", "Value": "web"}], RemoveTags=["cost"]
    )
    assert changed["PortfolioDetail"]["DisplayName"] == "Two"
    assert place.catalogue.describe_portfolio(Id=portfolio)["Tags"] == [{"Key": "team", "Value": "web"}]
    assert [p["Id"] for p in place.catalogue.list_portfolios()["PortfolioDetails"]] == [portfolio]
    assert changed["PortfolioDetail"]["ARN"] == f"arn:aws:catalog:us-east-1:{place.account}:portfolio/{portfolio}"
    place.catalogue.delete_portfolio(Id=portfolio)
    assert refusal(place.catalogue.describe_portfolio, Id=portfolio) == "ResourceNotFoundException"


def test_portfolio_with_products_cannot_be_deleted(place: Place) -> None:
    portfolio = place.portfolio()
    product, _ = place.product(portfolio=portfolio)
    assert refusal(place.catalogue.delete_portfolio, Id=portfolio) == "ResourceInUseException"
    assert refusal(place.catalogue.delete_product, Id=product) == "ResourceInUseException"
    place.catalogue.disassociate_product_from_portfolio(ProductId=product, PortfolioId=portfolio)
    place.catalogue.delete_portfolio(Id=portfolio)
    place.catalogue.delete_product(Id=product)


def test_lists_come_in_pages(place: Place) -> None:
    names = [f"P{number}" for number in range(7)]
    for name in names:
        place.portfolio(name)
    pages = list(place.catalogue.get_paginator("list_portfolios").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["PortfolioDetails"]) for page in pages] == [3, 3, 1]
    assert [p["DisplayName"] for page in pages for p in page["PortfolioDetails"]] == names


def test_principals_are_listed(place: Place) -> None:
    portfolio = place.portfolio()
    place.catalogue.associate_principal_with_portfolio(PortfolioId=portfolio, PrincipalARN=ROLE, PrincipalType="IAM")
    listed = place.catalogue.list_principals_for_portfolio(PortfolioId=portfolio)["Principals"]
    assert listed == [{"PrincipalARN": ROLE, "PrincipalType": "IAM"}]
    place.catalogue.disassociate_principal_from_portfolio(PortfolioId=portfolio, PrincipalARN=ROLE)
    assert place.catalogue.list_principals_for_portfolio(PortfolioId=portfolio)["Principals"] == []
    assert place.catalogue.list_accepted_portfolio_shares()["PortfolioDetails"] == []


def test_same_token_makes_one_thing_only(place: Place) -> None:
    given = {"DisplayName": "One", "ProviderName": "Cloud", "IdempotencyToken": "again"}
    first, second = (place.catalogue.create_portfolio(**given)["PortfolioDetail"]["Id"] for _ in range(2))
    assert first == second
    assert len(place.catalogue.list_portfolios()["PortfolioDetails"]) == 1


def test_product_is_seen_by_administrators_and_end_users(place: Place) -> None:
    product, artifact = place.product("Queue")
    place.catalogue.update_product(Id=product, Description="For messages", AddTags=[{"Key": "a", "Value": "b"}])
    admin = place.catalogue.describe_product_as_admin(Id=product)
    assert admin["ProvisioningArtifactSummaries"][0]["Id"] == artifact
    assert admin["Tags"] == [{"Key": "a", "Value": "b"}]
    user = place.catalogue.describe_product(Name="Queue")
    assert user["ProductViewSummary"]["ShortDescription"] == "For messages"
    assert [path["Name"] for path in user["LaunchPaths"]] == ["Platform"]
    view = place.catalogue.describe_product_view(Id=user["ProductViewSummary"]["Id"])
    assert view["ProvisioningArtifacts"] == user["ProvisioningArtifacts"]


def test_search_finds_by_text_owner_and_portfolio(place: Place) -> None:
    portfolio = place.portfolio("Other")
    place.product("Blog", portfolio=portfolio)
    place.product("Queue")

    def names(**params: Any) -> list[str]:
        found = place.catalogue.search_products_as_admin(**params)["ProductViewDetails"]
        return [one["ProductViewSummary"]["Name"] for one in found]

    assert names() == ["Blog", "Queue"]
    assert names(SortBy="CreationDate", SortOrder="DESCENDING") == ["Queue", "Blog"]
    assert names(Filters={"FullTextSearch": ["blog"]}) == ["Blog"]
    assert names(Filters={"Owner": ["messaging"]}, PortfolioId=portfolio) == ["Blog"]
    user = place.catalogue.search_products(Filters={"FullTextSearch": ["queue"]})
    assert [one["Name"] for one in user["ProductViewSummaries"]] == ["Queue"]
    assert user["ProductViewAggregations"]["Owner"] == [{"Value": "Messaging team", "ApproximateCount": 1}]


def test_version_keeps_its_own_copy_of_the_template(place: Place) -> None:
    product, artifact = place.product()
    found = place.catalogue.describe_provisioning_artifact(
        ProductId=product, ProvisioningArtifactId=artifact, IncludeProvisioningArtifactParameters=True
    )
    size, password = found["ProvisioningArtifactParameters"]
    assert size["ParameterConstraints"]["AllowedValues"] == ["small", "large"]
    assert (password["IsNoEcho"], password["DefaultValue"]) == (True, "secret-secret")
    url = found["Info"]["TemplateUrl"]
    assert url.startswith(f"{place.url}/{place.bucket}/")
    place.client("s3").delete_object(Bucket=place.bucket, Key=url.rpartition("/")[2])
    assert place.ended(place.launch(product, artifact))["Status"] == "SUCCEEDED"


def test_inactive_version_is_invisible_and_cannot_be_launched(place: Place) -> None:
    product, old = place.product()
    new = place.version(product, template("two"))
    place.catalogue.update_provisioning_artifact(ProductId=product, ProvisioningArtifactId=old, Active=False)
    shown = place.catalogue.describe_product(Id=product)["ProvisioningArtifacts"]
    assert [version["Id"] for version in shown] == [new]
    listed = place.catalogue.list_provisioning_artifacts(ProductId=product)["ProvisioningArtifactDetails"]
    assert [version["Active"] for version in listed] == [False, True]
    assert refusal(lambda: place.launch(product, old)) == "ResourceNotFoundException"
    place.catalogue.delete_provisioning_artifact(ProductId=product, ProvisioningArtifactId=old)
    assert len(place.catalogue.list_provisioning_artifacts(ProductId=product)["ProvisioningArtifactDetails"]) == 1


def test_deprecated_version_takes_no_new_launches(place: Place) -> None:
    product, artifact = place.product()
    place.catalogue.update_provisioning_artifact(
        ProductId=product, ProvisioningArtifactId=artifact, Guidance="DEPRECATED"
    )
    assert refusal(lambda: place.launch(product, artifact)) == "InvalidParametersException"


def test_version_can_be_taken_from_a_stack(place: Place) -> None:
    product, artifact = place.product()
    record = place.launch(product, artifact)
    place.ended(record)
    parameters = {"Name": "copy", "Info": {"ImportFromPhysicalId": place.stack(record)["StackId"]}}
    made = place.catalogue.create_provisioning_artifact(ProductId=product, Parameters=parameters)
    assert made["Info"] == parameters["Info"]


@pytest.mark.parametrize(
    "url", ["https://example.com/a/b.json", "{url}/{bucket}/none.json", "file:///etc/passwd", "s3://"]
)
def test_template_that_cannot_be_read_makes_no_version(place: Place, url: str) -> None:
    product, _ = place.product()
    source = url.format(url=place.url, bucket=place.bucket)
    parameters = {"Name": "x", "Info": {"LoadTemplateFromURL": source}}
    call = place.catalogue.create_provisioning_artifact
    assert refusal(call, ProductId=product, Parameters=parameters) == "InvalidParametersException"


@pytest.mark.parametrize(
    "form", ["s3://{0}/{1}", "https://{0}.s3.amazonaws.com/{1}", "https://s3.us-east-1.amazonaws.com/{0}/{1}"]
)
def test_template_can_be_named_by_any_s3_url(place: Place, form: str) -> None:
    product, _ = place.product()
    key = place.upload(template()).rpartition("/")[2]
    parameters = {"Info": {"LoadTemplateFromURL": form.format(place.bucket, key)}}
    made = place.catalogue.create_provisioning_artifact(ProductId=product, Parameters=parameters)
    assert made["ProvisioningArtifactDetail"]["Name"] == "v2"


def test_template_without_resources_is_refused(place: Place) -> None:
    product, _ = place.product()
    call = place.catalogue.create_provisioning_artifact
    code = refusal(call, ProductId=product, Parameters=place.artifact({"Description": "nothing"}))
    assert code == "InvalidParametersException"


def test_constraints_are_kept_and_checked(place: Place) -> None:
    portfolio = place.portfolio()
    product, _ = place.product(portfolio=portfolio)
    where = {"PortfolioId": portfolio, "ProductId": product}
    launch = json.dumps({"RoleArn": ROLE})
    made = place.catalogue.create_constraint(**where, Type="LAUNCH", Parameters=launch, Description="as a robot")
    constraint = made["ConstraintDetail"]["ConstraintId"]
    assert place.catalogue.describe_constraint(Id=constraint)["ConstraintParameters"] == launch
    listed = place.catalogue.list_constraints_for_portfolio(PortfolioId=portfolio, ProductId=product)
    assert [one["Type"] for one in listed["ConstraintDetails"]] == ["LAUNCH"]
    create = place.catalogue.create_constraint
    assert refusal(create, **where, Type="LAUNCH", Parameters=launch) == "DuplicateResourceException"
    assert refusal(create, **where, Type="STACKSET", Parameters='{"Properties": {}}') == "InvalidParametersException"
    for kind, bad in {"NOTIFICATION": "{}", "TEMPLATE": "[]", "RESOURCE_UPDATE": "{", "COLOUR": "{}"}.items():
        assert refusal(create, **where, Type=kind, Parameters=bad) == "InvalidParametersException"
    paths = place.catalogue.list_launch_paths(ProductId=product)["LaunchPathSummaries"]
    assert paths[0]["ConstraintSummaries"] == [{"Type": "LAUNCH", "Description": "as a robot"}]
    place.catalogue.update_constraint(Id=constraint, Parameters=json.dumps({"LocalRoleName": "Launch"}))
    place.catalogue.delete_constraint(Id=constraint)
    assert refusal(place.catalogue.describe_constraint, Id=constraint) == "ResourceNotFoundException"


def test_parameters_are_described_for_a_launch(place: Place) -> None:
    product, artifact = place.product()
    found = place.catalogue.describe_provisioning_parameters(ProductId=product, ProvisioningArtifactId=artifact)
    assert [one["ParameterKey"] for one in found["ProvisioningArtifactParameters"]] == ["Size", "Password"]
    assert found["ProvisioningArtifactOutputs"] == [{"Key": "QueueName", "Description": "The queue"}]


def test_product_of_two_portfolios_is_listed_in_both_and_asks_for_a_path(place: Place) -> None:
    product, artifact = place.product()
    place.catalogue.associate_product_with_portfolio(ProductId=product, PortfolioId=place.portfolio("Second"))
    listed = place.catalogue.list_portfolios_for_product(ProductId=product)["PortfolioDetails"]
    assert [one["DisplayName"] for one in listed] == ["Platform", "Second"]
    assert refusal(lambda: place.launch(product, artifact)) == "InvalidParametersException"
    path = place.catalogue.list_launch_paths(ProductId=product)["LaunchPathSummaries"][1]["Id"]
    assert place.launch(product, artifact, PathId=path)["PathId"] == path


def test_product_outside_every_portfolio_cannot_be_launched(place: Place) -> None:
    portfolio = place.portfolio()
    product, artifact = place.product(portfolio=portfolio)
    place.catalogue.disassociate_product_from_portfolio(ProductId=product, PortfolioId=portfolio)
    assert refusal(lambda: place.launch(product, artifact)) == "ResourceNotFoundException"
    assert place.catalogue.search_products()["ProductViewSummaries"] == []


def test_accounts_and_regions_see_nothing_of_each_other(place: Place) -> None:
    place.product()
    assert Place(place.url).catalogue.list_portfolios()["PortfolioDetails"] == []
    elsewhere = Place(place.url, place.account, "eu-west-1")
    assert elsewhere.catalogue.search_products_as_admin()["ProductViewDetails"] == []
