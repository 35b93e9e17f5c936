"""A small catalogue in an account of its own; every answer of Service Catalog is checked against botocore's model."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

from botocore.validate import ParamValidator

from tests.sandbox.conftest import client
from tests.sandbox.gate import send

BUCKET = "templates"


def template(
    description: str = "one queue", *, fails: bool = False, waits: bool = False, **queue: Any
) -> dict[str, Any]:
    """One queue with a size; on demand it fails, or waits for a signal first."""
    resources: dict[str, Any] = {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"Tags": [_size()], **queue}}}
    if fails:
        resources["Broken"] = {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Fn::GetAtt": "Queue.No"}]}}
    if waits:
        resources["Handle"] = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
        resources["Wait"] = {
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "60"},
        }
        resources["Queue"]["DependsOn"] = "Wait"
    return {
        "Description": description,
        "Parameters": {
            "Size": {"Type": "String", "AllowedValues": ["small", "large"], "Description": "How large"},
            "Password": {"Type": "String", "NoEcho": True, "Default": "secret-secret", "MinLength": 8},
        },
        "Resources": resources,
        "Outputs": {"QueueName": {"Value": {"Fn::GetAtt": "Queue.QueueName"}, "Description": "The queue"}},
    }


def _size() -> dict[str, Any]:
    return {"Key": "size", "Value": {"Ref": "Size"}}


class Place:
    """An account of the sandbox with a portfolio and a product in it."""

    def __init__(self, url: str, account: str = "", region: str = "us-east-1") -> None:
        self.url, self.region = url, region
        self.account = account or f"9{secrets.randbelow(10**11):011d}"
        self.catalogue = self.client("servicecatalog")
        self.catalogue.meta.events.register("before-parse.service-catalog", _fits_the_model)
        self.cloudformation = self.client("cloudformation")

    def client(self, service: str) -> Any:
        return client(self.url, service, self.account, self.region)

    def upload(self, document: dict[str, Any]) -> str:
        """The URL of a template in the sandbox's S3."""
        s3, key = self.client("s3"), f"{secrets.token_hex(4)}.json"
        if self.bucket not in [found["Name"] for found in s3.list_buckets()["Buckets"]]:
            s3.create_bucket(Bucket=self.bucket)
        s3.put_object(Bucket=self.bucket, Key=key, Body=json.dumps(document).encode())
        return f"{self.url}/{self.bucket}/{key}"

    @property
    def bucket(self) -> str:
        return f"{BUCKET}-{self.account}"

    def artifact(self, document: dict[str, Any], name: str = "v1") -> dict[str, Any]:
        """`ProvisioningArtifactProperties`."""
        return {"Name": name, "Info": {"LoadTemplateFromURL": self.upload(document)}}

    def portfolio(self, name: str = "Platform") -> str:
        made = self.catalogue.create_portfolio(
            DisplayName=name, ProviderName="Cloud", Tags=[{"Key": "cost", "Value": "7"}]
        )
        return str(made["PortfolioDetail"]["Id"])

    def product(
        self, name: str = "Queue", document: dict[str, Any] | None = None, portfolio: str = ""
    ) -> tuple[str, str]:
        """(product id, artifact id) of a product somebody can launch."""
        made = self.catalogue.create_product(
            Name=name,
            Owner="Messaging team",
            ProductType="CLOUD_FORMATION_TEMPLATE",
            ProvisioningArtifactParameters=self.artifact(document or template()),
        )
        product = made["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
        self.catalogue.associate_product_with_portfolio(ProductId=product, PortfolioId=portfolio or self.portfolio())
        return product, made["ProvisioningArtifactDetail"]["Id"]

    def product_of(self, engine: str, name: str = "Servers") -> tuple[str, str]:
        """(product id, artifact id) of a product that another engine than CloudFormation launches."""
        made = self.catalogue.create_product(
            Name=name,
            Owner="Server team",
            ProductType=engine,
            ProvisioningArtifactParameters={**self.artifact({"resource": {}}), "Type": engine},
        )
        product = made["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
        return product, made["ProvisioningArtifactDetail"]["Id"]

    def share(self, portfolio: str, other: Place) -> None:
        """Offer a portfolio to another account, which accepts it."""
        self.catalogue.create_portfolio_share(PortfolioId=portfolio, AccountId=other.account)
        other.catalogue.accept_portfolio_share(PortfolioId=portfolio)

    def version(self, product: str, document: dict[str, Any], name: str = "v2") -> str:
        made = self.catalogue.create_provisioning_artifact(ProductId=product, Parameters=self.artifact(document, name))
        return str(made["ProvisioningArtifactDetail"]["Id"])

    def launch(
        self, product: str, artifact: str, name: str = "mine", size: str = "small", **more: Any
    ) -> dict[str, Any]:
        """The RecordDetail of a launch."""
        record: dict[str, Any] = self.catalogue.provision_product(
            ProductId=product,
            ProvisioningArtifactId=artifact,
            ProvisionedProductName=name,
            ProvisioningParameters=[{"Key": "Size", "Value": size}] if size else [],
            **more,
        )["RecordDetail"]
        return record

    def update(self, name: str, artifact: str, size: str = "small", **more: Any) -> dict[str, Any]:
        record: dict[str, Any] = self.catalogue.update_provisioned_product(
            ProvisionedProductName=name,
            ProvisioningArtifactId=artifact,
            ProvisioningParameters=[{"Key": "Size", "Value": size}, {"Key": "Password", "UsePreviousValue": True}],
            **more,
        )["RecordDetail"]
        return record

    def ended(self, record: dict[str, Any]) -> dict[str, Any]:
        """The record once it is SUCCEEDED or FAILED, with its outputs."""

        def described() -> dict[str, Any] | None:
            found: dict[str, Any] = self.catalogue.describe_record(Id=record["RecordId"])
            return found if found["RecordDetail"]["Status"] in ("SUCCEEDED", "FAILED") else None

        found = until(described)
        return {**found["RecordDetail"], "Outputs": found["RecordOutputs"]}

    def status(self, name: str = "mine") -> str:
        found = self.catalogue.describe_provisioned_product(Name=name)["ProvisionedProductDetail"]
        return str(found["Status"])

    def stack(self, record: dict[str, Any]) -> dict[str, Any]:
        name = f"SC-{self.account}-{record['ProvisionedProductId']}"
        found: dict[str, Any] = self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return found

    def wait_url(self, record: dict[str, Any]) -> str:
        """Where the signal goes."""

        def handle() -> str:
            stack = f"SC-{self.account}-{record['ProvisionedProductId']}"
            events = self.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
            of_handle = [e["PhysicalResourceId"] for e in events if e["LogicalResourceId"] == "Handle"]
            return next((url for url in of_handle if url), "")

        url: str = until(handle)
        return url

    def signal(self, record: dict[str, Any], status: str, reason: str = "") -> None:
        body = {"Status": status, "UniqueId": f"gh-{secrets.token_hex(12)}", "Reason": reason, "Data": "x"}
        assert send(self.wait_url(record), json.dumps(body).encode()).status == 200


def until(found: Callable[[], Any], seconds: float = 10) -> Any:
    """What `found` returns as soon as it is something."""
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
    return value


def _fits_the_model(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    if response_dict["status_code"] >= 300 or operation_model.output_shape is None:
        return
    report = ParamValidator().validate(json.loads(response_dict["body"]), operation_model.output_shape)
    assert not report.has_errors(), f"{operation_model.name}: {report.generate_report()}"
