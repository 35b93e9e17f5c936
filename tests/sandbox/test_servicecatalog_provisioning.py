"""Launch, update and terminate: the record follows a real stack."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.servicecatalog_support import Place, template, until
from tests.support import allow

TOPIC = "arn:aws:sns:us-east-1:111122223333:team"
ROLE = "arn:aws:iam::111122223333:role/Launch"


@pytest.fixture
def place(sandbox: str) -> Place:
    return Place(sandbox)


def code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


def tags(stack: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in stack["Tags"]}


def test_launch_makes_a_stack_and_becomes_available(place: Place) -> None:
    product, artifact = place.product()
    record = place.launch(product, artifact, "mine")
    assert (record["Status"], record["RecordType"], record["RecordErrors"]) == ("CREATED", "PROVISION_PRODUCT", [])
    ended = place.ended(record)
    assert ended["Status"] == "SUCCEEDED"
    assert [output["OutputKey"] for output in ended["Outputs"]] == ["QueueName"]
    assert ended["UpdatedTime"] >= ended["CreatedTime"]
    assert place.status() == "AVAILABLE"
    outputs = place.catalogue.get_provisioned_product_outputs(ProvisionedProductName="mine", OutputKeys=["QueueName"])
    assert outputs["Outputs"] == ended["Outputs"]


def test_stack_carries_the_tags_service_catalog_gives_it(place: Place) -> None:
    product, artifact = place.product()
    record = place.launch(product, artifact, "mine", Tags=[{"Key": "who", "Value": "me"}])
    place.ended(record)
    stack, own = place.stack(record), "aws:servicecatalog:"
    portfolio = place.catalogue.list_portfolios()["PortfolioDetails"][0]["ARN"]
    assert tags(stack) == {
        "cost": "7",
        "who": "me",
        f"{own}portfolioArn": portfolio,
        f"{own}productArn": f"arn:aws:catalog:us-east-1:{place.account}:product/{product}",
        f"{own}provisioningPrincipalArn": f"arn:aws:iam::{place.account}:root",
        f"{own}provisionedProductArn": (
            f"arn:aws:servicecatalog:us-east-1:{place.account}:stack/mine/{record['ProvisionedProductId']}"
        ),
        f"{own}provisioningArtifactIdentifier": artifact,
    }
    assert stack["StackName"] == f"SC-{place.account}-{record['ProvisionedProductId']}"


def test_tags_are_there_while_the_launch_still_waits(place: Place) -> None:
    product, artifact = place.product(document=template(waits=True))
    record = place.launch(product, artifact)
    assert "aws:servicecatalog:provisioningPrincipalArn" in tags(place.stack(record))
    assert place.catalogue.describe_record(Id=record["RecordId"])["RecordDetail"]["Status"] == "IN_PROGRESS"
    assert place.status() == "UNDER_CHANGE"
    place.signal(record, "SUCCESS")
    assert place.ended(record)["Status"] == "SUCCEEDED"


def test_denied_launch_ends_in_error_with_the_reason(place: Place) -> None:
    product, artifact = place.product(document=template(waits=True))
    record = place.launch(product, artifact)
    place.signal(record, "FAILURE", "GH-1042: no budget")
    ended = place.ended(record)
    assert ended["Status"] == "FAILED"
    text = ended["RecordErrors"][0]["Description"]
    assert text.startswith("Errors from CloudFormation: [{LogicalResourceId : ")
    assert "LogicalResourceId : Wait, ResourceType : AWS::CloudFormation::WaitCondition, StatusReason : " in text
    assert "GH-1042: no budget" in text
    found = place.catalogue.describe_provisioned_product(Name="mine")["ProvisionedProductDetail"]
    assert (found["Status"], found["StatusMessage"]) == ("ERROR", text)
    assert place.stack(record)["StackStatus"] == "ROLLBACK_COMPLETE"


def test_missing_parameter_fails_the_launch_without_a_stack(place: Place) -> None:
    product, artifact = place.product()
    ended = place.ended(place.launch(product, artifact, size=""))
    assert ended["Status"] == "FAILED"
    assert ended["RecordErrors"][0]["Code"] == "AmazonCloudFormationException"
    assert ended["RecordErrors"][0]["Description"].startswith("Parameters: [Size] must have values (Service: ")
    assert place.status() == "ERROR"
    assert place.cloudformation.describe_stacks()["Stacks"] == []


@pytest.mark.parametrize("size", ["huge"])
def test_value_that_is_not_allowed_fails_the_launch(place: Place, size: str) -> None:
    product, artifact = place.product()
    ended = place.ended(place.launch(product, artifact, size=size))
    assert "huge" in ended["RecordErrors"][0]["Description"]


def test_unknown_parameter_fails_the_launch(place: Place) -> None:
    place.product()
    record = place.catalogue.provision_product(
        ProductName="Queue",
        ProvisioningArtifactName="v1",
        ProvisionedProductName="mine",
        ProvisioningParameters=[{"Key": "Size", "Value": "small"}, {"Key": "Colour", "Value": "red"}],
    )["RecordDetail"]
    text = place.ended(record)["RecordErrors"][0]["Description"]
    assert text.startswith("Parameters: [Colour] do not exist in the template")


def test_same_token_launches_once(place: Place) -> None:
    product, artifact = place.product()
    first, second = (place.launch(product, artifact, ProvisionToken="again")["RecordId"] for _ in range(2))
    assert first == second
    assert len(place.cloudformation.describe_stacks()["Stacks"]) == 1


def test_name_is_taken_once(place: Place) -> None:
    product, artifact = place.product()
    place.launch(product, artifact, "mine")
    with pytest.raises(ClientError) as refused:
        place.launch(product, artifact, "mine")
    assert code(refused) == "DuplicateResourceException"


def test_update_changes_the_stack_and_keeps_the_tags_of_the_first_launch(place: Place) -> None:
    product, old = place.product()
    record = place.launch(product, old)
    place.ended(record)
    before = tags(place.stack(record))
    new = place.version(product, template("two", VisibilityTimeout=60))
    updated = place.ended(place.update("mine", new, "large"))
    assert (updated["Status"], updated["RecordType"]) == ("SUCCEEDED", "UPDATE_PROVISIONED_PRODUCT")
    assert tags(place.stack(record)) == before
    assert before["aws:servicecatalog:provisioningArtifactIdentifier"] == old
    found = place.catalogue.describe_provisioned_product(Name="mine")["ProvisionedProductDetail"]
    assert (found["Status"], found["ProvisioningArtifactId"]) == ("AVAILABLE", new)
    assert found["LastSuccessfulProvisioningRecordId"] == updated["RecordId"]
    shown = {p["ParameterKey"]: p["ParameterValue"] for p in place.stack(record)["Parameters"]}
    assert shown == {"Size": "large", "Password": "****"}


def test_failed_update_leaves_the_old_version_running_but_tainted(place: Place) -> None:
    product, old = place.product()
    place.ended(place.launch(product, old))
    broken = place.ended(place.update("mine", place.version(product, template("two", fails=True))))
    assert broken["Status"] == "FAILED"
    assert "LogicalResourceId : Broken" in broken["RecordErrors"][0]["Description"]
    found = place.catalogue.describe_provisioned_product(Name="mine")["ProvisionedProductDetail"]
    assert (found["Status"], found["ProvisioningArtifactId"]) == ("TAINTED", old)
    assert place.ended(place.update("mine", old, "large"))["Status"] == "SUCCEEDED"
    assert place.status() == "AVAILABLE"


def test_update_without_a_change_fails_and_leaves_the_product_available(place: Place) -> None:
    product, artifact = place.product()
    place.ended(place.launch(product, artifact))
    record = place.ended(place.update("mine", artifact))
    assert record["RecordErrors"][0]["Description"].startswith("No updates are to be performed.")
    assert place.status() == "AVAILABLE"


def test_tags_change_only_where_a_constraint_allows_it(place: Place) -> None:
    portfolio = place.portfolio()
    product, artifact = place.product(portfolio=portfolio)
    record = place.launch(product, artifact)
    place.ended(record)
    wanted = [{"Key": "who", "Value": "us"}]
    with pytest.raises(ClientError) as refused:
        place.update("mine", artifact, Tags=wanted)
    assert code(refused) == "InvalidParametersException"
    allowed = {"Version": "2.0", "Properties": {"TagUpdateOnProvisionedProduct": "ALLOWED"}}
    place.catalogue.create_constraint(
        PortfolioId=portfolio, ProductId=product, Type="RESOURCE_UPDATE", Parameters=json.dumps(allowed)
    )
    assert place.ended(place.update("mine", artifact, "large", Tags=wanted))["Status"] == "SUCCEEDED"
    found = tags(place.stack(record))
    assert found["who"] == "us"
    assert found["aws:servicecatalog:provisioningArtifactIdentifier"] == artifact


def test_product_under_change_takes_no_other_operation(place: Place) -> None:
    product, artifact = place.product(document=template(waits=True))
    record = place.launch(product, artifact)
    for call in (
        lambda: place.update("mine", artifact),
        lambda: place.catalogue.terminate_provisioned_product(ProvisionedProductName="mine"),
    ):
        with pytest.raises(ClientError) as refused:
            call()
        assert code(refused) == "InvalidParametersException"
    place.signal(record, "SUCCESS")
    place.ended(record)


def test_terminate_deletes_the_stack_and_the_product(place: Place) -> None:
    product, artifact = place.product()
    record = place.launch(product, artifact)
    place.ended(record)
    stack = place.stack(record)["StackId"]
    done = place.catalogue.terminate_provisioned_product(ProvisionedProductId=record["ProvisionedProductId"])
    assert place.ended(done["RecordDetail"])["Status"] == "SUCCEEDED"
    assert place.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"
    with pytest.raises(ClientError) as refused:
        place.status()
    assert code(refused) == "ResourceNotFoundException"
    history = place.catalogue.list_record_history()["RecordDetails"]
    assert [one["RecordType"] for one in history] == ["TERMINATE_PROVISIONED_PRODUCT", "PROVISION_PRODUCT"]


def test_launch_whose_stack_somebody_deletes_ends_in_error(place: Place) -> None:
    product, artifact = place.product(document=template(waits=True))
    record = place.launch(product, artifact)
    place.cloudformation.delete_stack(StackName=place.stack(record)["StackId"])
    assert place.ended(record)["Status"] == "FAILED"
    assert place.status() == "ERROR"
    gone = place.catalogue.terminate_provisioned_product(ProvisionedProductName="mine")["RecordDetail"]
    assert place.ended(gone)["Status"] == "SUCCEEDED"


def test_product_can_be_forgotten_while_its_stack_stays(place: Place) -> None:
    product, artifact = place.product()
    record = place.launch(product, artifact)
    place.ended(record)
    gone = place.catalogue.terminate_provisioned_product(ProvisionedProductName="mine", RetainPhysicalResources=True)
    assert place.ended(gone["RecordDetail"])["Status"] == "SUCCEEDED"
    assert place.stack(record)["StackStatus"] == "CREATE_COMPLETE"


def test_constraints_give_the_stack_its_role_and_topics(place: Place) -> None:
    portfolio = place.portfolio()
    product, artifact = place.product(portfolio=portfolio)
    for kind, parameters in (("LAUNCH", {"RoleArn": ROLE}), ("NOTIFICATION", {"NotificationArns": [TOPIC]})):
        place.catalogue.create_constraint(
            PortfolioId=portfolio, ProductId=product, Type=kind, Parameters=json.dumps(parameters)
        )
    record = place.launch(product, artifact, NotificationArns=[f"{TOPIC}-2"])
    assert record["LaunchRoleArn"] == ROLE
    assert place.ended(record)["Status"] == "SUCCEEDED"


def test_template_too_long_for_a_request_is_launched_too(place: Place) -> None:
    document = {**template(), "Metadata": {"Notes": ["a long story"] * 5000}}
    assert len(json.dumps(document)) > 51_200
    product, artifact = place.product(document=document)
    assert place.ended(place.launch(product, artifact))["Status"] == "SUCCEEDED"


def test_lists_show_what_the_access_level_says(place: Place) -> None:
    product, artifact = place.product()
    place.ended(place.launch(product, artifact, "ours"))
    allow.role(place.client("iam"), "Developer")
    keys = place.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{place.account}:role/Developer", RoleSessionName="rita@example.com"
    )["Credentials"]
    rita = Place(place.url, place.account)
    rita.catalogue._request_signer._credentials = _credentials(keys)
    record = rita.launch(product, artifact, "hers")
    rita.ended(record)

    def names(call: Any, **params: Any) -> list[str]:
        return sorted(one["Name"] for one in call(**params)["ProvisionedProducts"])

    account = {"AccessLevelFilter": {"Key": "Account", "Value": "self"}}
    role = {"AccessLevelFilter": {"Key": "Role", "Value": "self"}}
    assert names(rita.catalogue.scan_provisioned_products) == ["hers"]
    assert names(rita.catalogue.scan_provisioned_products, **account) == ["hers", "ours"]
    assert names(rita.catalogue.search_provisioned_products) == ["hers", "ours"]
    assert names(rita.catalogue.search_provisioned_products, **role) == ["hers"]
    session = f"arn:aws:sts::{place.account}:assumed-role/Developer/rita@example.com"
    assert tags(place.stack(record))["aws:servicecatalog:provisioningPrincipalArn"] == session
    found = rita.catalogue.search_provisioned_products(Filters={"SearchQuery": [f"userArnSession:{session}"]})
    assert found["ProvisionedProducts"][0]["UserArn"] == f"arn:aws:iam::{place.account}:role/Developer"


def _credentials(keys: dict[str, str]) -> Any:
    from botocore.credentials import Credentials

    return Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


def test_provisioned_products_are_searched(place: Place) -> None:
    product, artifact = place.product()
    record = place.launch(product, artifact, "first")
    place.ended(record)
    place.ended(place.launch(product, artifact, "second", size=""))

    def found(*query: str, **more: Any) -> list[str]:
        answer = place.catalogue.search_provisioned_products(Filters={"SearchQuery": list(query)}, **more)
        assert answer["TotalResultsCount"] >= len(answer["ProvisionedProducts"])
        return [one["Name"] for one in answer["ProvisionedProducts"]]

    assert found("status:AVAILABLE") == ["first"]
    assert found("status:ERROR", "productName:Queue") == ["second"]
    # Part of a word, and long enough that no random id holds it.
    assert found("secon") == ["second"]
    assert found(f"physicalId:{place.stack(record)['StackId']}") == ["first"]
    assert found("productName:queue", SortBy="name", SortOrder="DESCENDING", PageSize=1) == ["second"]
    history = place.catalogue.list_record_history(SearchFilter={"Key": "provisionedproduct", "Value": "first"})
    assert [one["RecordId"] for one in history["RecordDetails"]] == [record["RecordId"]]


def test_twenty_launches_wait_and_end_on_their_own(place: Place) -> None:
    product, artifact = place.product(document=template(waits=True))
    records = [place.launch(product, artifact, f"n{number}") for number in range(20)]
    for number, record in enumerate(records):
        place.signal(record, "SUCCESS" if number % 2 else "FAILURE", "no")
    ended = [place.ended(record)["Status"] for record in records]
    assert ended == ["FAILED", "SUCCEEDED"] * 10
    until(lambda: "UNDER_CHANGE" not in str(place.catalogue.scan_provisioned_products()["ProvisionedProducts"]))
