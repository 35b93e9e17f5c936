"""The demo's portfolio and products, registered over the public API; doing it again changes nothing.

A template is stored under its own hash, so a product has exactly one version per text it ever had.
"""

import hashlib
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.demo import roles
from sandbox.demo.people import REQUESTERS, Requester

SAMPLES = Path(__file__).parents[2] / "lambdas" / "samples"
PORTFOLIO = "Platform services"
ClientFactory = Callable[..., Any]  # boto3.Session.client, or anything that takes the same arguments


@dataclass(frozen=True)
class DemoProduct:
    """One product; `gated` ones wait for an approval. `changes` are made to the template: (text, its replacement)."""

    name: str
    template: str
    owner: str
    description: str
    gated: bool
    changes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Launch:
    """A launch under way, by the ids Service Catalog and CloudFormation gave it."""

    record_id: str
    provisioned_product_id: str
    stack_id: str


class LaunchRefusedError(Exception):
    """There is no stack; the text is CloudFormation's."""


WORDPRESS = DemoProduct(
    "WordPress blog",
    "wordpress.yaml",
    "Web platform team",
    "A WordPress site on one web server with its own MySQL database, about 65 USD a month. This product "
    "needs an approval: your launch waits until the web platform team has agreed, usually within two hours.",
    gated=True,
)
DATA_SANDBOX = DemoProduct(
    "Data sandbox",
    "data-sandbox.yaml",
    "Data platform team",
    "A private bucket and a queue to try things with data that is not personal. This product needs an "
    "approval: say what you want to try, the data platform team decides the same day.",
    gated=True,
)
PARTNER_SITE = DemoProduct(
    "Partner site",
    "wordpress.yaml",
    "Web platform team",
    "A WordPress site whose database partners read from outside. This product needs an approval: the web platform "
    "team looks at it the same day.",
    gated=True,
    changes=(
        ("The WordPress database, open to its web server only", "The WordPress database, open to partners"),
        ("PubliclyAccessible: false", "PubliclyAccessible: true"),
        ("SourceSecurityGroupId: !GetAtt WebSecurityGroup.GroupId", "CidrIp: !Ref VisitorRange"),
    ),
)
TEAM_BUCKET = DemoProduct(
    "Team bucket",
    "bucket.yaml",
    "Storage team",
    "A private S3 bucket for the files of one team, made within a minute of its launch.",
    gated=False,
)
PRODUCTS = (WORDPRESS, DATA_SANDBOX, PARTNER_SITE, TEAM_BUCKET)


def register(
    client: ClientFactory, *, notify_arn: str, verify_arn: str, products: Iterable[DemoProduct] = PRODUCTS
) -> dict[str, str]:
    """Make portfolio, products and versions that are not there yet; product name → product id.

    `notify_arn` and `verify_arn` are the deployed functions the gated templates call.
    """
    catalogue, identity = client("servicecatalog"), client("sts").get_caller_identity()
    bucket = f"gatehouse-templates-{identity['Account']}-{catalogue.meta.region_name}"
    _ensure_bucket(client("s3"), bucket)
    portfolio_id = _portfolio(catalogue)
    ids = {}
    for product in products:
        body = template_of(product, notify_arn=notify_arn, verify_arn=verify_arn)
        url = _upload(client("s3"), bucket, product, body)
        ids[product.name] = _product(catalogue, product, url)
        catalogue.associate_product_with_portfolio(ProductId=ids[product.name], PortfolioId=portfolio_id)
    roles.ensure(client("iam"), identity["Account"])
    for requester in REQUESTERS:
        role = requester.role_arn(identity["Account"])
        catalogue.associate_principal_with_portfolio(PortfolioId=portfolio_id, PrincipalARN=role, PrincipalType="IAM")
    return ids


def template_of(product: DemoProduct, *, notify_arn: str, verify_arn: str) -> str:
    """A sample with the deployed functions in place of the ones it guesses from account and region.

    Raises ValueError when the template does not have what the product changes.
    """
    body = (SAMPLES / product.template).read_text()
    for text, replacement in product.changes:
        if text not in body:
            raise ValueError(f"{product.template} has no {text!r}")
        body = body.replace(text, replacement)
    for function, arn in (("gatehouse-notify", notify_arn), ("gatehouse-verify", verify_arn)):
        body = re.sub(rf"(?<=ServiceToken: )!Sub \S+:function:{function}\b", arn, body)
    return body


def start_launch(
    client: ClientFactory, product: DemoProduct, who: Requester, name: str, parameters: Mapping[str, str]
) -> Launch:
    """Launch the newest version of a product as `who` would from the console.

    Raises LaunchRefusedError when CloudFormation would not even start.
    """
    catalogue = as_requester(client, who)("servicecatalog")
    versions = catalogue.describe_product(Name=product.name)["ProvisioningArtifacts"]
    record = catalogue.provision_product(
        ProductName=product.name,
        ProvisioningArtifactId=max(versions, key=lambda version: version["CreatedTime"])["Id"],
        ProvisionedProductName=name,
        ProvisioningParameters=[{"Key": key, "Value": value} for key, value in parameters.items()],
        ProvisionToken=str(uuid.uuid4()),
    )["RecordDetail"]
    provisioned_id = record["ProvisionedProductId"]
    query = {"SearchQuery": [f"id:{provisioned_id}"]}
    found = catalogue.search_provisioned_products(Filters=query)["ProvisionedProducts"][0]
    if "PhysicalId" not in found:
        raise LaunchRefusedError(found.get("StatusMessage", ""))
    return Launch(record["RecordId"], provisioned_id, found["PhysicalId"])


def as_requester(client: ClientFactory, who: Requester) -> ClientFactory:
    """Clients with the session single sign-on would give this person."""
    sts = client("sts")
    role = who.role_arn(sts.get_caller_identity()["Account"])
    keys = sts.assume_role(RoleArn=role, RoleSessionName=who.email)["Credentials"]

    def session_client(service: str) -> Any:
        return client(
            service,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    return session_client


def _ensure_bucket(s3: Any, bucket: str) -> None:
    if bucket not in [found["Name"] for found in s3.list_buckets()["Buckets"]]:
        elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": s3.meta.region_name}}
        s3.create_bucket(Bucket=bucket, **({} if s3.meta.region_name == "us-east-1" else elsewhere))


def _upload(s3: Any, bucket: str, product: DemoProduct, body: str) -> str:
    key = f"{Path(product.template).stem}-{hashlib.sha256(body.encode()).hexdigest()[:12]}.yaml"
    s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
    return f"{s3.meta.endpoint_url}/{bucket}/{key}"


def _portfolio(catalogue: Any) -> str:
    for page in catalogue.get_paginator("list_portfolios").paginate():
        for portfolio in page["PortfolioDetails"]:
            if portfolio["DisplayName"] == PORTFOLIO:
                return str(portfolio["Id"])
    made = catalogue.create_portfolio(
        DisplayName=PORTFOLIO,
        ProviderName="Cloud platform",
        Description="What teams may set up themselves. Some of it needs an approval first.",
        IdempotencyToken=str(uuid.uuid4()),
    )
    return str(made["PortfolioDetail"]["Id"])


def _product(catalogue: Any, product: DemoProduct, url: str) -> str:
    """The product's id; it and its newest version are made if they are not there."""
    for page in catalogue.get_paginator("search_products_as_admin").paginate():
        for found in page["ProductViewDetails"]:
            if found["ProductViewSummary"]["Name"] == product.name:
                product_id = str(found["ProductViewSummary"]["ProductId"])
                _version(catalogue, product_id, url)
                return product_id
    made = catalogue.create_product(
        Name=product.name,
        Owner=product.owner,
        Description=product.description,
        Distributor="Cloud platform",
        SupportEmail="platform@example.com",
        ProductType="CLOUD_FORMATION_TEMPLATE",
        ProvisioningArtifactParameters=_properties("1.0", url),
        IdempotencyToken=str(uuid.uuid4()),
    )
    return str(made["ProductViewDetail"]["ProductViewSummary"]["ProductId"])


def _version(catalogue: Any, product_id: str, url: str) -> None:
    versions = catalogue.list_provisioning_artifacts(ProductId=product_id)["ProvisioningArtifactDetails"]
    for version in versions:
        info = catalogue.describe_provisioning_artifact(ProductId=product_id, ProvisioningArtifactId=version["Id"])
        if info["Info"].get("TemplateUrl", "").rpartition("/")[2] == url.rpartition("/")[2]:
            return
    catalogue.create_provisioning_artifact(
        ProductId=product_id,
        Parameters=_properties(f"1.{len(versions)}", url),
        IdempotencyToken=str(uuid.uuid4()),
    )


def _properties(name: str, url: str) -> dict[str, Any]:
    return {
        "Name": name,
        "Description": f"Version {name}",
        "Type": "CLOUD_FORMATION_TEMPLATE",
        "Info": {"LoadTemplateFromURL": url},
    }
